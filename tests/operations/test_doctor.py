"""`vejviser doctor` against running parts: well when they are well, and each fault it names made really."""

import copy
import dataclasses
import datetime as dt
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import delete, text

from bot.doctor import inside, outside, questions
from bot.doctor.inside import Inside
from bot.edge.sms.store import SmsStore
from bot.heartbeat import BACKUP, SMS, SWEEPS, beat
from bot.helpline.staff import DEVELOPER, Role, StaffBook
from bot.knowledge import database
from bot.knowledge.database import make_engine
from bot.knowledge.load import ROOT
from bot.knowledge.models import TableVersion
from bot.knowledge.sms import SmsOutbound
from bot.safety.conversations import Conversations
from tests.databases import copy_database, new_database
from tests.operations.conftest import SECRET, served
from tests.scenarios.test_never_silent import Parts
from tests.servers import free_port, redis

NOW = dt.datetime.now(dt.timezone.utc)
SOME = ("0101", "0259", "0461", "0492", "0563", "0851")  # København, Køge, Odense, Ærø, Fanø, Aalborg
GATEWAY = {
    "VEJVISER_SMS_PROVIDER": "gatewayapi",
    "VEJVISER_SMS_NUMBER": "4512345678",
    "VEJVISER_SMS_TOKEN": "token",
    "VEJVISER_SMS_WEBHOOK_SECRET": "a-key-for-the-webhook-of-thirty-letters",
    "VEJVISER_PUBLIC_URL": "https://vejviser.koege.dk",
}


def found(findings, name, state="fault"):
    """The findings of a name and state, as one text; fails where there is none."""
    findings = list(findings)
    chosen = [str(finding) for finding in findings if (finding.name, finding.state) == (name, state)]
    assert chosen, f"no {state} at {name} among:\n" + "\n".join(map(str, findings))
    return "\n".join(chosen)


def doctor(door, *arguments, **environ):
    """Run the command as an operator would; the report, the exit code beside it."""
    codes = [word for code in SOME for word in ("--kommune", code)]
    command = [sys.executable, "-W", "ignore", "-m", "bot", "doctor", "--url", door.url, "--json", *codes, *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**door.environ, **environ}, capture_output=True, text=True)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    assert all(finding["remedy"] for finding in report["findings"] if finding["state"] == "fault"), "what is one to do?"
    return report


def states(report, name):
    return {finding["state"]: finding["said"] for finding in report["findings"] if finding["name"] == name}


# -- the whole, running --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(model, shipped, tmp_path_factory):
    """Rasa, actions and a door, of this test's own."""
    folder = tmp_path_factory.mktemp("house")
    table, conversations = copy_database(shipped, folder), new_database(shipped, folder)
    logs = tmp_path_factory.mktemp("logs")
    parts = Parts(model, table, conversations, logs)
    try:
        for name in ("actions", "rasa"):
            parts.start(name)
        for name in ("actions", "rasa"):
            parts.wait(name)
        with served(
            folder,
            shipped,
            workers=2,
            table=table,
            conversations=conversations,
            rasa_url=parts.rasa_url,
            actions_url=parts.actions_url,
        ) as door:
            door.ask("hvor søger jeg bostøtte i Køge?", headers={"X-Vejviser-Doctor": "forged"})
            yield parts, door
    finally:
        parts.end()


def counted(door):
    """How many messages the statistics hold; they are written once a second."""
    time.sleep(1.5)
    with make_engine(door.environ["VEJVISER_DATABASE_URL"]).connect() as connection:
        return connection.execute(text("select coalesce(sum(count), 0) from usage")).scalar_one()


def test_a_well_house_is_well_and_the_questions_leave_no_trace(house):
    _, door = house
    before, kept = counted(door), len(list(Conversations(door.environ["VEJVISER_CONVERSATIONS"]).messages()))
    assert before == 1, "a forged mark counts like anybody"
    report = doctor(door)
    assert report["ok"], report
    assert states(report, "Spørgsmål") == {
        "ok": f"{len(SOME)} af {len(SOME)} kommuner svarer rigtigt, med telefonnummer og kilde"
    }
    left = len(list(Conversations(door.environ["VEJVISER_CONVERSATIONS"]).messages()))
    assert 1 <= left <= kept, "the first person's is there; the workers' own at start may have gone meanwhile"
    assert counted(door) == before, "the doctor's questions are not people's"
    assert sum(value for name, value in door.figures().items() if 'messages_total{channel="doctor"' in name) == len(
        SOME
    )


def test_from_outside_it_skips_what_it_cannot_see_and_says_that_it_is_counted(house):
    _, door = house
    before = counted(door)
    report = doctor(door, "--udefra")
    assert report["ok"] and "skipped" in {finding["state"] for finding in report["findings"]}
    assert f"{len(SOME)} spørgsmål er talt med" in states(report, "Spørgsmål")["note"]
    assert not {"Database", "Model", "Disk"} & {finding["name"] for finding in report["findings"]}
    assert counted(door) == before + len(SOME)


def test_it_waits_when_the_door_asks_for_patience(house, shipped, tmp_path):
    parts, _ = house
    with served(
        tmp_path,
        shipped,
        rasa_url=parts.rasa_url,
        actions_url=parts.actions_url,
        VEJVISER_ADDRESS_RATE="2 per 3 second",
    ) as slow:
        report = doctor(slow, "--udefra")
        assert 429 in {json.loads(line)["status"] for line in slow.lines() if '"status"' in line}
    assert "ok" in states(report, "Spørgsmål") and report["ok"], report


def test_each_lack_of_an_answer_has_a_name(house):
    _, door = house
    reply = door.ask("Hvor søger jeg tabt arbejdsfortjeneste i Køge?").json()
    assert questions.wrong(reply, "0259") is None
    assert questions.wrong(reply, "0101") == "forkert kommune"
    silent, sourceless = copy.deepcopy(reply), copy.deepcopy(reply)
    silent["messages"][0]["text"] = "Ring til kommunen."
    sourceless["messages"][0]["answer"]["sources"] = []
    assert questions.wrong(silent, "0259") == "intet telefonnummer"
    assert questions.wrong(sourceless, "0259") == "ingen kilde"
    assert questions.wrong(door.ask("hvordan bager man boller?").json(), "0259") == "ikke et svar"
    assert all(name in questions._REMEDIES for name in ("intet svar", "nødsvar", "forkert kommune", "ingen kilde"))


def test_dead_actions_then_a_dead_rasa_are_named(house):
    parts, door = house
    parts.kill("actions")
    report = doctor(door)
    assert "svarer ikke" in states(report, "Del: actions")["fault"] and "ok" in states(report, "Del: rasa")
    assert "nødsvar" in states(report, "Spørgsmål")["fault"] and "Køge" in states(report, "Spørgsmål")["fault"]
    parts.kill("rasa")
    report = doctor(door, "--stille")
    assert "fault" in states(report, "Del: rasa") and states(report, "Spørgsmål") == {"skipped": "blev ikke stillet"}


def test_a_door_that_is_not_there(door):
    report = doctor(dataclasses.replace(door, url=f"http://127.0.0.1:{free_port()}"))
    assert "ingen vejviser svarer" in states(report, "Dør")["fault"]
    assert "skipped" in states(report, "Spørgsmål")


def test_another_danish_pipeline_needs_another_model(door, model, tmp_path):
    assert "ok" in states(doctor(door, "--stille"), "Model")
    (tmp_path / "da_core_news_sm").mkdir()
    (tmp_path / "da_core_news_sm" / "__init__.py").touch()
    report = doctor(door, "--stille", PYTHONPATH=str(tmp_path))
    assert "mangler; her er vejviser-" in states(report, "Model")["fault"]


def test_the_report_is_read_by_people_too(door):
    command = [sys.executable, "-W", "ignore", "-m", "bot", "doctor", "--url", door.url, "--stille"]
    done = subprocess.run(command, cwd=ROOT, env=door.environ, capture_output=True, text=True)
    assert done.returncode == 1 and "FEJL  Del: rasa: svarer ikke\n      Gør sådan: Se Rasas log" in done.stdout
    assert done.stdout.endswith(" fejl.\n") and SECRET not in done.stdout


# -- what stands inside --------------------------------------------------------------------------------------------


def within(engine, **environ):
    return Inside({"VEJVISER_SECRET": SECRET, **environ}, engine, NOW)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"VEJVISER_ENV": "production", "VEJVISER_SECRET": "changeme"}, "VEJVISER_SECRET"),
        ({"VEJVISER_ENV": "prodction"}, "VEJVISER_ENV"),
        ({"VEJVISER_ORIGINS": "*"}, "VEJVISER_ORIGINS"),
        ({"VEJVISER_SMS_PROVIDER": "gatewayapi"}, "VEJVISER_SMS_NUMBER"),
        ({"VEJVISER_OIDC_ISSUER": "https://login.example.dk"}, "VEJVISER_OIDC_CLIENT_ID"),
    ],
)
def test_settings_that_would_stop_the_start(table, environ, named):
    assert named in found(inside.settings(within(table, **environ)), "Indstillinger")


def test_a_database_that_is_missing_away_or_old(table, tmp_path):
    missing = make_engine(f"sqlite:///{tmp_path}/none.db")
    assert "findes ikke" in found(inside.look(within(missing)), "Database")
    assert not (tmp_path / "none.db").exists(), "looking makes nothing"
    away = make_engine(f"postgresql://vejviser:a-secret-word@127.0.0.1:{free_port()}/vejviser")
    said = found(findings := list(inside.look(within(away))), "Database")
    assert "svarer ikke" in said and "a-secret-word" not in said
    assert found(findings, "Det, der står i databasen", "skipped")
    database.downgrade(table, "0006", lose=True)
    assert "0006" in found(inside.the_database(within(table)), "Database")
    database.migrate(table)
    assert found(inside.the_database(within(table)), "Database", "ok")


def test_an_address_of_a_database_that_is_none(door):
    report = doctor(door, "--stille", VEJVISER_DATABASE_URL="postgres//nowhere")
    assert "VEJVISER_DATABASE_URL kan ikke" in states(report, "Database")["fault"]


def test_postgresql_and_its_clock_and_redis(postgresql, tmp_path):
    engine = make_engine(new_database(postgresql.url(), tmp_path))
    database.migrate(engine)
    ours = Inside({"VEJVISER_SECRET": SECRET}, engine, dt.datetime.now(dt.timezone.utc))
    assert found(inside.the_database(ours), "Database", "ok") and found(inside.clock(ours), "Ur", "ok")
    late = dataclasses.replace(ours, now=ours.now - dt.timedelta(minutes=3))
    assert "fra databasens" in found(inside.clock(late), "Ur")
    with redis(tmp_path) as server:
        environ = {"VEJVISER_JOBS": server.url(), "VEJVISER_CONVERSATIONS": postgresql.url()}
        findings = list(inside.stores(dataclasses.replace(ours, environ=environ)))
        assert [finding.state for finding in findings] == ["ok", "ok"]
    assert "VEJVISER_JOBS" in found(inside.stores(dataclasses.replace(ours, environ=environ)), "Redis")


def test_a_table_that_is_empty_or_not_that_of_the_files(table, tmp_path):
    assert found(inside.table(within(table)), "Tabel", "ok")
    with table.begin() as connection:
        connection.execute(text("update table_version set fingerprint = 'of other files'"))
    assert "andre end" in found(inside.table(within(table)), "Tabel")
    assert "over to år" in found(inside.table(within(table)), "Tabellens alder", "note")
    empty = make_engine(f"sqlite:///{tmp_path}/empty.db")
    database.migrate(empty)
    assert "tom" in found(inside.table(within(empty)), "Tabel")
    with table.begin() as connection:
        connection.execute(delete(TableVersion))
    assert "tom" in found(inside.table(within(table)), "Tabel")


def test_what_should_have_run_by_itself(table):
    findings = list(inside.by_itself(within(table, **GATEWAY)))
    assert {finding.name for finding in findings if finding.state == "fault"} == {
        "Sletning af samtaler",
        "Sletning af henvendelser",
        "Arbejder til sms",
        "Sletning af sms",
    }
    for name in (*SWEEPS, *SMS):
        beat(table, name, NOW - dt.timedelta(seconds=30))
    assert {finding.state for finding in inside.by_itself(within(table, **GATEWAY))} == {"ok"}
    beat(table, "jobs", NOW - dt.timedelta(minutes=5))
    assert "jobs" in found(inside.by_itself(within(table, **GATEWAY)), "Arbejder til sms")
    assert len(list(inside.by_itself(within(table)))) == len(SWEEPS), "no gateway, no worker"


def test_a_backup_that_is_missing_or_old(table):
    production = within(table, VEJVISER_ENV="production")
    assert "aldrig" in found(inside.backup(production), "Sikkerhedskopi")
    assert found(inside.backup(within(table)), "Sikkerhedskopi", "note"), "at a desk nobody needs one"
    beat(table, BACKUP, NOW - dt.timedelta(hours=27))
    assert "vejviser backup" in found(inside.backup(production), "Sikkerhedskopi")
    beat(table, BACKUP, NOW - dt.timedelta(hours=3))
    assert found(inside.backup(production), "Sikkerhedskopi", "ok")


def test_sms_that_could_not_be_sent(table):
    assert found(inside.sms(within(table)), "Sms", "note")
    assert found(inside.sms(within(table, **GATEWAY)), "Sms", "ok")
    row = {"kind": "answer", "text": "", "segments": 1, "municipality_code": "", "attempts": 8, "sender": "somebody"}
    with table.begin() as connection:
        moment = NOW.replace(tzinfo=None)
        connection.execute(
            SmsOutbound.__table__.insert().values(
                **row, reference="r", state="failed", error="HTTP 401", due_at=moment, created_at=moment, done_at=moment
            )
        )
    assert SmsStore(table).figures(NOW)["states"] == {"failed": 1}
    assert "vejviser sms failed" in found(inside.sms(within(table, **GATEWAY)), "Sms")
    with table.begin() as connection:
        connection.execute(text("update sms_outbound set state = 'sent', segments = 5"))
    assert "loft" in found(inside.sms(within(table, **GATEWAY, VEJVISER_SMS_CEILING="5")), "Sms")


def test_the_developers_login_in_production(table):
    assert found(inside.accounts(within(table)), "Konti", "ok")
    StaffBook(table).add(DEVELOPER, "Ulla", "et langt kodeord her", [Role("volunteer")], NOW, development=True)
    assert f"user remove {DEVELOPER}" in found(inside.accounts(within(table, VEJVISER_ENV="production")), "Konti")
    assert found(inside.accounts(within(table)), "Konti", "note")


def test_stores_that_do_not_answer(table):
    port = free_port()
    environ = {
        "VEJVISER_RATE_STORAGE": f"redis://:a-secret-word@127.0.0.1:{port}/2",
        "VEJVISER_JOBS": "redis://nonsense:port",
        "VEJVISER_REDIS_HOST": "127.0.0.1",
        "VEJVISER_REDIS_PORT": str(port),
        "VEJVISER_CONVERSATIONS": f"postgresql://vejviser:a-secret-word@127.0.0.1:{port}/conversations",
    }
    findings = list(inside.stores(within(table, **environ)))
    said = found(findings, "Redis")
    assert all(name in said for name in ("VEJVISER_RATE_STORAGE", "VEJVISER_JOBS", "VEJVISER_REDIS_HOST"))
    assert "VEJVISER_CONVERSATIONS" in found(findings, "Samtaler") and "a-secret-word" not in str(findings)
    assert list(inside.stores(within(table))) == []


def test_a_disk_that_is_nearly_full(tmp_path):
    table, free = make_engine(f"sqlite:///{tmp_path}/here.db"), shutil.disk_usage(tmp_path).free
    assert found(inside.disk(within(table)), "Disk", "ok")
    fuller = dataclasses.replace(within(table), least_free=2 * free)
    assert "kun" in found(inside.disk(fuller), "Disk")


# -- what anybody sees ---------------------------------------------------------------------------------------------


def test_a_clock_that_is_wrong(door):
    with httpx.Client(base_url=door.url) as client:
        assert found(outside.look(client, dt.datetime.now(dt.timezone.utc), True), "Ur", "ok")
        late = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=10)
        assert "NTP" in found(outside.look(client, late, True), "Ur")


@pytest.fixture(scope="module")
def authority():
    key = ec.generate_private_key(ec.SECP256R1())
    return key, signed(key.public_key(), "Test CA", key, "Test CA", 400, ca=True)


def signed(public, name, key, issuer, days, ca=False):
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer)]
    return (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=30))
        .not_valid_after(NOW + dt.timedelta(days=days, hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )


def pem(*things):
    return b"".join(
        one.public_bytes(serialization.Encoding.PEM)
        if isinstance(one, x509.Certificate)
        else one.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for one in things
    )


@pytest.mark.parametrize(
    ("days", "trusted", "state"), [(60, True, "ok"), (5, True, "fault"), (-1, True, "fault"), (60, False, "fault")]
)
def test_a_certificate_as_a_browser_sees_it(authority, tmp_path, monkeypatch, days, trusted, state):
    ca_key, ca = authority
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "server.pem").write_bytes(pem(key, signed(key.public_key(), "localhost", ca_key, "Test CA", days)))
    (tmp_path / "ca.pem").write_bytes(pem(ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem") if trusted else os.devnull)
    try:
        finding = outside.certificate("localhost", server.server_port, NOW)
    finally:
        server.shutdown()
    assert finding.state == state, finding
    assert "60 dage" in finding.said if state == "ok" else finding.remedy


def test_nobody_at_the_port_of_https():
    assert "svarer ikke over https" in str(outside.certificate("localhost", free_port(), NOW))
