"""The drill: what a backup holds comes back on either engine, row for row, or not at all."""

import io
import json
import threading
import zipfile

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bot.answers.find import find_answer
from bot.answers.text import render
from bot.backup import MANIFEST, BackupError, backup, restore, tables
from bot.cli import app
from bot.handoff.models import HandoffMessage
from bot.handoff.requests import Handoff
from bot.helpline.staff import StaffBook
from bot.knowledge.database import make_engine, migrate
from bot.knowledge.directory import Directory
from bot.knowledge.models import Usage
from tests.conftest import MONDAY
from tests.stores.conftest import KINDS, MOTHER, SON

ASKED = [
    ("bostoette", "0259", "where"),
    ("tabt_arbejdsfortjeneste", "0101", "legal"),
    ("raad_og_vejledning", "0751", "time"),
]


def taken(engine):
    file = io.BytesIO()
    return backup(engine, file, MONDAY), file


def answers(engine):
    directory = Directory.read(engine)
    return [render(find_answer(directory, *about, now=MONDAY, facets=[facet])) for *about, facet in ASKED]


@pytest.mark.parametrize("there", KINDS)
def test_the_drill(engine, there, beside, made):
    """On a Monday morning the server is gone: a new one, the newest backup, and everything is as it was."""
    manifest, file = taken(engine)
    new = make_engine(made(beside=beside(there)))
    assert restore(new, file) == manifest
    with new.connect() as connection:
        counted = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar() for table in tables()
        }
    assert counted == {name: part.rows for name, part in manifest.tables.items()}
    again, _ = taken(new)
    assert again.tables == manifest.tables, "the same rows and checksums, also on the other engine"
    assert answers(new) == answers(engine)
    assert StaffBook(new).check("vera", "fire glade giraffer løber", MONDAY) is not None
    # And life goes on: new rows get numbers after those that came back.
    handoff = Handoff(new)
    request = handoff.of(SON)
    known = handoff.messages(request.id)
    assert handoff.say(request.id, "staff", "ja, jeg er her", MONDAY)
    assert [one.text for one in handoff.messages(request.id, after=known[-1].id)] == ["ja, jeg er her"]
    new.dispose()


def test_it_is_taken_at_one_moment_while_others_write(engine, beside, made):
    """A call is placed and taken back all the time: a backup holds the two rows of each moment or none."""
    stop, rounds = threading.Event(), []

    def traffic():
        while not stop.is_set():
            with Session(engine, future=True) as session:
                session.add(
                    Usage(
                        day=MONDAY.date(),
                        topic=f"a{len(rounds)}",
                        municipality_code="",
                        kind="x",
                        out_of_hours=True,
                        count=1,
                    )
                )
                request = session.execute(text("SELECT id FROM handoff_request WHERE sender = :who"), {"who": SON})
                session.add(
                    HandoffMessage(request_id=request.scalar(), author="staff", text="x", danger=False, at=MONDAY)
                )
                session.commit()
            rounds.append(1)

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        seen = []
        while len(seen) < 3 or len(rounds) < 5:
            before = len(rounds)
            manifest, _ = taken(engine)
            seen.append((manifest.tables["usage"].rows - 1, manifest.tables["handoff_message"].rows - 1, before))
    finally:
        stop.set()
        thread.join(20)
    assert all(usage == messages >= before for usage, messages, before in seen), seen
    assert seen[-1][0] > seen[0][0], "there was traffic"


def test_a_damaged_backup_changes_nothing(engine, beside, made, kind):
    _, file = taken(engine)
    kept = {name: zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist()}
    number = kept["sms_number.jsonl"].replace(b"4520304050", b"4520304051")
    manifest = json.loads(kept[MANIFEST])
    newer = json.dumps({**manifest, "revision": "0999"}).encode()
    less = json.dumps({**manifest, "tables": {"usage": manifest["tables"]["usage"]}}).encode()
    url = made(beside=beside(kind))
    for changed, said in (
        ({"sms_number.jsonl": number}, "sms_number is not what was written"),
        ({"staff.jsonl": b""}, "staff is not what was written"),
        ({"staff.jsonl": None}, "damaged, or no backup"),
        ({MANIFEST: newer}, "taken at revision 0999"),
        ({MANIFEST: less}, "differ in tables"),
    ):
        spoilt = io.BytesIO()
        with zipfile.ZipFile(spoilt, "w") as archive:
            for name, content in {**kept, **changed}.items():
                if content is not None:
                    archive.writestr(name, content)
        with pytest.raises(BackupError, match=said):
            restore(make_engine(url), spoilt)
    for cut in (file.getvalue()[:-200], b"no zip at all"):
        with pytest.raises(BackupError, match="damaged, or no backup"):
            restore(make_engine(url), io.BytesIO(cut))
    migrate(make_engine(url))
    with make_engine(url).connect() as connection:
        assert all(connection.execute(select(table).limit(1)).first() is None for table in tables())


def test_what_is_there_is_not_written_over_unless_told(engine):
    manifest, file = taken(engine)
    with Session(engine, future=True) as session:
        session.execute(text("UPDATE handoff_request SET summary = 'andet' WHERE sender = :who"), {"who": MOTHER})
        session.commit()
    with pytest.raises(BackupError, match="not empty"):
        restore(engine, file)
    assert Handoff(engine).of(MOTHER).summary == "andet"
    restore(engine, file, replace=True)
    assert "Ærø" in Handoff(engine).of(MOTHER).summary
    assert taken(engine)[0].tables == manifest.tables


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_command(url, beside, made, tmp_path):
    def vejviser(*arguments, database=url):
        return CliRunner().invoke(app, [*map(str, arguments)], env={"VEJVISER_DATABASE_URL": database})

    file, new = tmp_path / "monday.zip", made(beside=url)
    assert vejviser("backup", file).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0, "for its owner only"
    again = vejviser("backup", file)
    assert again.exit_code == 1 and "never overwritten" in again.output
    assert "are restored" in vejviser("restore", file, database=new).output
    refused = vejviser("restore", file, database=new)
    assert refused.exit_code == 1 and refused.output.startswith("Error: The database is not empty")
    piped = CliRunner().invoke(app, ["backup", "-"], env={"VEJVISER_DATABASE_URL": url})
    assert zipfile.ZipFile(io.BytesIO(piped.stdout_bytes)).testzip() is None
    assert [one.name for one in tmp_path.iterdir() if one.suffix in (".zip", ".part")] == ["monday.zip"]


def test_a_database_that_is_away_is_one_line():
    said = CliRunner().invoke(app, ["migrate"], env={"VEJVISER_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"})
    assert said.exit_code == 1 and said.output.startswith("Error: The database cannot be used: connection to server")
