"""Who may open what: every page and method, every role and nobody, said out loud. A route without a line here fails."""

import contextlib
import datetime as dt
import re
import secrets
import threading

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.edge.settings import SettingsError
from bot.handoff.models import Audit, Staff
from bot.handoff.requests import Wish
from bot.helpline import access, staff
from bot.helpline.app import create_app
from bot.helpline.settings import Settings
from bot.helpline.staff import IDLE, LOCKED, LONGEST, TRIES, Role, StaffBook, StaffError
from bot.knowledge.database import make_engine
from bot.knowledge.editing import own_lines
from tests.conftest import MONDAY
from tests.helpline.conftest import NOBODY, PASSWORD, PEOPLE, SMS, enter, token_of

SECRET = "kX9-2_vQ7mTz4LrB8nWc5YpD1sHf3JgA6uE0"
WHO = ("nobody", "vera", "rie", "karl", "anna")  # nobody, volunteer, editor, coordinator, administrator
ALL_IN = (302, 200, 200, 200, 200)
ALL_SENT_ON = (302, 302, 302, 302, 302)
TAKERS = (302, 200, 403, 200, 403)  # volunteers and coordinators
TAKERS_SENT_ON = (302, 302, 403, 302, 403)
ONLY_ADMIN = (302, 403, 403, 403, 200)
KEEPERS = (302, 403, 200, 403, 200)  # the municipality's editor, and an administrator
KEEPERS_SENT_ON = (302, 403, 302, 403, 302)
KEEPERS_NOT_FOUND = (302, 403, 404, 403, 404)
# (method, rule): what nobody, volunteer, editor, coordinator and administrator meet.
MATRIX = {
    ("GET", "/"): ALL_SENT_ON,
    ("GET", "/login"): (200, 302, 302, 302, 302),
    ("POST", "/login"): (200, 302, 302, 302, 302),
    ("POST", "/logud"): ALL_SENT_ON,
    ("GET", "/mig"): ALL_IN,
    ("POST", "/mig"): ALL_IN,
    ("GET", "/brugere"): ONLY_ADMIN,
    ("POST", "/brugere"): ONLY_ADMIN,
    ("GET", "/brugere/<staff_id>"): ONLY_ADMIN,
    ("POST", "/brugere/<staff_id>"): (302, 403, 403, 403, 302),
    ("POST", "/brugere/<staff_id>/adgangskode"): ONLY_ADMIN,
    ("GET", "/spor"): ONLY_ADMIN,
    ("GET", "/opslag"): ALL_IN,
    ("POST", "/opslag/soeg"): ALL_IN,
    ("POST", "/opslag/forstaa"): ALL_IN,
    ("POST", "/opslag/sms"): TAKERS_SENT_ON,
    ("GET", "/koe"): TAKERS,
    ("GET", "/koe/nyt"): TAKERS,
    ("GET", "/koe/<key>"): TAKERS,
    ("POST", "/koe/<key>/tag"): TAKERS_SENT_ON,
    ("POST", "/koe/<key>/note"): TAKERS_SENT_ON,
    ("GET", "/koe/<key>/beskeder"): (302, 200, 403, 200, 403),
    ("POST", "/koe/<key>/beskeder"): (302, 200, 403, 200, 403),
    ("POST", "/koe/<key>/slip"): TAKERS_SENT_ON,
    ("POST", "/koe/<key>/faerdig"): TAKERS_SENT_ON,
    ("POST", "/koe/<key>/intet-svar"): TAKERS_SENT_ON,
    ("POST", "/koe/<key>/tilbage"): TAKERS_SENT_ON,
    ("POST", "/koe/<key>/genaabn"): TAKERS_SENT_ON,
    ("GET", "/aabningstid"): (302, 403, 403, 200, 403),
    ("POST", "/aabningstid"): (302, 403, 403, 200, 403),
    ("GET", "/login/oidc"): ALL_SENT_ON,
    ("GET", "/login/oidc/svar"): ALL_SENT_ON,
    ("GET", "/redaktion"): (302, 403, 302, 200, 200),
    ("GET", "/redaktion/<code>"): KEEPERS,
    ("GET", "/redaktion/<code>/ny/<sheet>"): KEEPERS,
    ("POST", "/redaktion/<code>/ny/<sheet>"): KEEPERS,
    ("GET", "/redaktion/<code>/historik"): KEEPERS,
    ("POST", "/redaktion/<code>/fortryd/<batch>"): KEEPERS_NOT_FOUND,
    ("GET", "/redaktion/<code>/konflikter"): (302, 403, 200, 200, 200),
    ("GET", "/redaktion/<code>/ark"): KEEPERS,
    ("POST", "/redaktion/<code>/ark"): KEEPERS,
    ("POST", "/redaktion/<code>/ark/udfoer"): KEEPERS,
    ("GET", "/redaktion/<code>/ark/hent/<name>"): KEEPERS,
    ("POST", "/redaktion/<code>/rettelse/<number>"): KEEPERS_NOT_FOUND,
    ("GET", "/redaktion/linje/<row_id>"): KEEPERS,
    ("POST", "/redaktion/linje/<row_id>"): KEEPERS_SENT_ON,
    ("POST", "/redaktion/linje/<row_id>/stadig-rigtigt"): KEEPERS_SENT_ON,
    ("POST", "/redaktion/linje/<row_id>/afgoer"): KEEPERS_SENT_ON,
    ("GET", "/redaktion/linje/<row_id>/slet"): KEEPERS,
    ("POST", "/redaktion/linje/<row_id>/slet"): KEEPERS_SENT_ON,
    ("GET", "/redaktion/uden-redaktoer"): (302, 403, 403, 200, 200),
    ("POST", "/redaktion/uden-redaktoer"): (302, 403, 403, 404, 404),
    ("GET", "/meld/<department>"): ALL_IN,
    ("POST", "/meld/<department>"): ALL_SENT_ON,
    ("GET", "/tal"): (302, 403, 403, 200, 200),
    ("GET", "/tal.csv"): (302, 403, 403, 200, 200),
    ("GET", "/static/<path:filename>"): (200, 200, 200, 200, 200),
}


def routes(app):
    return {(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}


def test_every_route_has_a_line_and_every_line_a_route(console):
    assert routes(console) == set(MATRIX)


@pytest.fixture
def console(table, clock):
    """A console with everything that can be switched on."""
    everything = Settings.read(
        {"VEJVISER_OIDC_ISSUER": NOBODY, "VEJVISER_OIDC_CLIENT_ID": "x", "VEJVISER_OIDC_CLIENT_SECRET": "x"}, "test"
    )
    return create_app(NOBODY, NOBODY, table, clock=clock, settings=everything, limited=False, sms=SMS)


@pytest.fixture
def things(table):
    """What the placeholders of the rules stand for, and what is posted where a form must be filled to count."""
    viggo = StaffBook(make_engine(table)).by_login("viggo").id
    of_koege, another = own_lines(make_engine(table), "0259", MONDAY, "departments.csv")[:2]
    kept = {"<code>": "0259", "<sheet>": "departments.csv", "<name>": "afdelinger.csv", "<row_id>": of_koege.id}
    kept["<department>"] = another.id  # the first is deleted on the way
    kept |= {"<batch>": "x", "<number>": "1"}
    return {"<staff_id>": viggo, "<path:filename>": "helpline.css", **kept}, {
        "/brugere/<staff_id>": {"name": "Viggo", "roles": "volunteer", "active": "on"},
        "/opslag/sms": {"emne": "bostoette"},
        "/opslag/soeg": {"q": "bostøtte"},
        "/opslag/forstaa": {"q": "bostøtte"},
        "/koe/<key>/beskeder": {"text": "hej"},
        "/meld/<department>": {"field": "phone", "message": "Den virker ikke"},
        "/redaktion/uden-redaktoer": {"number": "1", "reason": "x"},
        "/redaktion/<code>/rettelse/<number>": {"do": "reject", "reason": "x"},
    }


def chat_of(console, who):
    """A chat in the queue, already taken by who asks where that is a taker, so that every step is open to her."""
    handoff, staff = console.config["HANDOFF"], console.config["STAFF"]
    sitting = staff.begin(staff.by_login("viggo").id, MONDAY)
    staff.find(sitting.token, MONDAY, acts=False)
    row = handoff.place(secrets.token_hex(8), Wish("chat", "hej"), None, MONDAY)
    if who != "nobody":
        handoff.claim(row.id, staff.by_login(who).id, MONDAY)
    return row.id


@pytest.mark.parametrize("who", WHO)
def test_the_matrix(console, things, who):
    paths, bodies = things
    met = {}
    for method, rule in MATRIX:
        client = console.test_client() if who == "nobody" else enter(console, who)
        if "<key>" in rule:
            paths["<key>"] = chat_of(console, who)
        path = re.sub("<[^>]+>", lambda match: paths[match[0]], rule)
        sent = {}
        if method == "POST":
            token = token_of(client, "/login")
            body = bodies.get(rule, {})
            as_json = (rule.startswith("/opslag/") and rule != "/opslag/sms") or rule.endswith("/beskeder")
            sent = (
                {"json": body, "headers": {"X-CSRFToken": token}}
                if as_json
                else {"data": {**body, "csrf_token": token}}
            )
        met[method, rule] = client.open(path, method=method, **sent).status_code
    assert met == {line: statuses[WHO.index(who)] for line, statuses in MATRIX.items()}


@pytest.mark.parametrize("who", WHO)
def test_what_does_not_exist_is_not_found_by_anybody(console, who):
    client = console.test_client() if who == "nobody" else enter(console, who)
    assert client.get("/findes-ikke").status_code == 404
    assert client.get("/brugere/findes-ikke").status_code == (302 if who == "nobody" else 404 if who == "anna" else 403)
    assert client.put("/brugere").status_code == 405


def test_no_post_without_the_token(console):
    for who in WHO[1:]:
        client = enter(console, who)
        for method, rule in MATRIX:
            if method == "POST" and MATRIX[method, rule][WHO.index(who)] != 403:
                answer = client.post(re.sub("<[^>]+>", "x", rule), data={"csrf_token": "forged"})
                assert answer.status_code == 400 and "Intet er ændret" in answer.text, (who, rule)


def test_a_view_that_does_not_say_who_may_open_it_stops_the_start(console):
    console.add_url_rule("/glemt", "forgotten", lambda: "hemmeligt")
    with pytest.raises(RuntimeError, match="/glemt"):
        access.assert_every_view_is_marked(console)


# -- coming in ---------------------------------------------------------------------------------------------------


def log_in(client, login, password):
    return client.post("/login", data={"login": login, "password": password, "csrf_token": token_of(client)})


def test_a_wrong_password_and_an_unknown_login_sound_the_same(console):
    client = console.test_client()
    first, second = log_in(client, "vera", "forkert kode her"), log_in(client, "ukendt", "forkert kode her")
    assert first.status_code == second.status_code == 200
    drop = r'value="(?:vera|ukendt)"|content="[^"]+"|value="[^"]{40,}"'
    assert re.sub(drop, "", first.text) == re.sub(drop, "", second.text)
    assert "passer ikke" in first.text


def test_the_fifth_wrong_password_locks_for_a_while(console, clock):
    client = console.test_client()
    for _ in range(TRIES):
        log_in(client, "vera", "forkert kode her")
    assert log_in(client, "vera", PASSWORD).status_code == 200, "also the right one"
    assert log_in(console.test_client(), "viggo", PASSWORD).status_code == 302, "nobody else"
    clock.now += LOCKED
    assert log_in(client, "vera", PASSWORD).status_code == 302


def test_right_passwords_in_between_begin_the_count_anew(console):
    client = console.test_client()
    for _ in range(TRIES - 1):
        log_in(client, "vera", "forkert kode her")
    enter(console, "vera", PASSWORD)
    log_in(client, "vera", "forkert kode her")
    enter(console, "vera", PASSWORD)


def test_while_four_passwords_are_looked_at_the_others_wait_and_none_is_refused(table):
    """Each look takes 64 MB, and a console has 32 threads."""
    book, met = StaffBook(make_engine(table)), {}
    logins = ["vera", "viggo", "rie", "karl", "anna", "ukendt"]

    def look(login):
        met[login] = book.check(login, PASSWORD, MONDAY) is not None

    threads = [threading.Thread(target=look, args=(login,)) for login in logins]
    with contextlib.ExitStack() as busy:
        for _ in range(4):
            busy.enter_context(staff._AT_ONCE)
        threads[0].start()
        threads[0].join(1)
        assert met == {}
        for thread in threads[1:]:
            thread.start()
    for thread in threads:
        thread.join()
    assert met == {login: login != "ukendt" for login in logins}


def test_guessing_from_one_address_is_slowed(table, clock):
    app = create_app(NOBODY, NOBODY, table, clock=clock, secret="test", limited=True)
    client = app.test_client()
    token = token_of(client)
    met = [client.post("/login", data={"login": f"u{n}", "password": "x", "csrf_token": token}) for n in range(22)]
    assert [answer.status_code for answer in met].count(429) == 2
    assert "Vent et minut" in met[-1].text


def test_a_login_ends_when_nothing_is_done(console, clock):
    client = enter(console, "vera")
    for _ in range(3):
        clock.now += IDLE - dt.timedelta(minutes=1)
        assert client.get("/mig").status_code == 200
    clock.now += IDLE + dt.timedelta(seconds=1)
    assert client.get("/mig").location == "/login?naeste=/mig"


def test_a_login_ends_after_a_working_day_however_busy(console, clock):
    client = enter(console, "vera")
    for _ in range(int(LONGEST / IDLE) + 1):
        clock.now += IDLE
        status = client.get("/mig").status_code
    assert status == 302


def test_logging_out_ends_the_login_also_for_who_copied_the_cookie(console):
    client, thief = enter(console, "vera"), console.test_client()
    thief.set_cookie("helpline", client.get_cookie("helpline").value)
    assert thief.get("/mig").status_code == 200
    client.post("/logud", data={"csrf_token": token_of(client, "/mig")})
    assert client.get("/mig").status_code == 302 and thief.get("/mig").status_code == 302


def test_a_closed_account_is_out_at_once(console, things):
    viggo, anna = enter(console, "viggo"), enter(console, "anna")
    body = {"name": "Viggo", "roles": "volunteer", "csrf_token": token_of(anna, "/mig")}
    assert anna.post(f"/brugere/{things[0]['<staff_id>']}", data=body).status_code == 302
    assert viggo.get("/mig").status_code == 302
    assert log_in(console.test_client(), "viggo", PASSWORD).status_code == 200


def test_a_role_taken_away_is_gone_at_once(console, things):
    anna = enter(console, "anna")
    path = f"/brugere/{things[0]['<staff_id>']}"
    token = token_of(anna, "/mig")
    both = {"name": "Viggo", "roles": ["volunteer", "administrator"], "active": "on", "csrf_token": token}
    assert anna.post(path, data=both).status_code == 302
    viggo = enter(console, "viggo")
    assert viggo.get("/brugere").status_code == 200
    assert anna.post(path, data={**both, "roles": ["volunteer"]}).status_code == 302
    assert viggo.get("/brugere").status_code == 403


def test_after_the_login_one_stands_where_one_wanted_to_go(console):
    other = console.test_client()
    body = {"login": "anna", "password": PASSWORD, "csrf_token": token_of(other)}
    assert other.post("/login?naeste=/spor%3Fside%3D2", data=body).location == "/spor?side=2"


@pytest.mark.parametrize(
    "away",
    [
        "//evil.dk",
        "https://evil.dk",
        "/\\evil.dk",
        "\\\\evil.dk",
        *(f"/{c}/evil.dk" for c in "\t\r\n\x0b\x0c \x85\u2028"),
    ],
)
def test_the_login_leads_to_no_other_site(console, away):
    anna = enter(console, "anna")
    assert anna.get("/login", query_string={"naeste": away}).location == "/"


def test_one_changes_ones_own_password(console):
    client, elsewhere = enter(console, "vera"), enter(console, "vera")
    token = token_of(client, "/mig")
    short = client.post("/mig", data={"old": PASSWORD, "new": "kort", "csrf_token": token})
    assert "mindst 12 tegn" in short.text
    wrong = client.post("/mig", data={"old": "forkert kode her", "new": "fem små fisk svømmer", "csrf_token": token})
    assert "passer ikke" in wrong.text
    data = {"old": PASSWORD, "new": "fem små fisk svømmer", "csrf_token": token}
    assert client.post("/mig", data=data).status_code == 302
    assert client.get("/mig").status_code == 200 and elsewhere.get("/mig").status_code == 302
    enter(console, "vera", "fem små fisk svømmer")


def test_the_last_administrator_cannot_lock_herself_out(console, table):
    anna = StaffBook(make_engine(table)).by_login("anna").id
    client = enter(console, "anna")
    token = token_of(client, "/mig")
    for body in ({"roles": ["volunteer"], "active": "on"}, {"roles": ["administrator"]}):
        answer = client.post(f"/brugere/{anna}", data={"name": "Anna", "csrf_token": token, **body})
        assert "mindst én åben administrator" in answer.text
    with pytest.raises(StaffError):
        StaffBook(make_engine(table)).remove("anna")


def test_an_administrator_makes_an_account_with_roles_and_municipalities(console, table):
    client = enter(console, "anna")
    token = token_of(client, "/mig")
    body = {"name": "Nye Nina", "login": "Nina@SIND.dk", "roles": ["volunteer"], "municipalities": ["0259", "0265"]}
    made = client.post("/brugere", data={**body, "password": "otte lange ord i rad", "csrf_token": token})
    assert made.status_code == 302
    nina = enter(console, "nina@sind.dk", "otte lange ord i rad")
    assert "Redaktør (0259)" in nina.get("/mig").text and "Redaktør (0265)" in nina.get("/mig").text
    for wrong, said in (
        ({"municipalities": ["9999"]}, "findes ikke"),
        ({"login": "nina@sind.dk"}, "taget"),
        ({"roles": [], "municipalities": []}, "mindst én rolle"),
        ({"password": "kort"}, "mindst 12 tegn"),
        ({"login": "to ord"}, "Brugernavnet skal"),
    ):
        answer = client.post(
            "/brugere", data={**body, "login": "ny", "password": PASSWORD, **wrong, "csrf_token": token}
        )
        assert answer.status_code == 200 and said in answer.text, wrong
        assert 'value="Nye Nina"' in answer.text, "nothing typed is lost"


def test_passwords_are_kept_as_argon2_and_tokens_as_hashes(console, table):
    enter(console, "vera")
    with Session(make_engine(table), future=True) as session:
        assert session.execute(select(Staff.password_hash)).scalars().first().startswith("$argon2id$")
        dump = "".join(str(row) for row in session.execute(text("SELECT * FROM staff_session")))
        assert len(dump) > 64 and PASSWORD not in dump
    with console.test_request_context():
        assert len(re.findall("[0-9a-f]{64}", dump)) == 1


def test_what_is_done_with_accounts_leaves_a_trace(console, table):
    log_in(console.test_client(), "vera", "forkert kode her")
    enter(console, "vera", PASSWORD)
    with Session(make_engine(table), future=True) as session:
        rows = session.execute(select(Audit.login, Audit.action).order_by(Audit.id)).all()
    assert rows == [("vera", "login_failed"), ("vera", "login")]
    assert "Forkert adgangskode" in enter(console, "anna").get("/spor").text


# -- around every page -------------------------------------------------------------------------------------------


def test_headers_and_cookies_are_strict(table, clock):
    settings = Settings.read({"VEJVISER_ENV": "production", "VEJVISER_SECRET": SECRET})
    app = create_app(NOBODY, NOBODY, table, clock=clock, settings=settings, limited=False)
    client = app.test_client()
    answer = client.get("/login", base_url="https://hjaelp.example.dk")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-helpline=") and "Domain" not in cookie
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_over_https_a_form_counts_only_from_our_own_page(table, clock):
    settings = Settings.read({"VEJVISER_ENV": "production", "VEJVISER_SECRET": SECRET, "VEJVISER_PROXIES": "1"})
    app = create_app(NOBODY, NOBODY, table, clock=clock, settings=settings, limited=False)
    behind = {"base_url": "http://hjaelp.example.dk", "headers": {"X-Forwarded-Proto": "https"}}
    client = app.test_client()
    form = client.get("/login", **behind)
    assert form.headers["Referrer-Policy"] == "same-origin", "so that a browser says where the form was"
    token = re.search(r'<meta name="csrf" content="([^"]+)"', form.text)[1]
    body = {"login": "vera", "password": PASSWORD, "csrf_token": token}
    met = {}
    for came_from in ("https://hjaelp.example.dk/login", "https://ond.example.dk/", ""):
        headers = {**behind["headers"], **({"Referer": came_from} if came_from else {})}
        met[came_from] = client.post("/login", data=body, base_url=behind["base_url"], headers=headers)
    assert [answer.status_code for answer in met.values()] == [302, 400, 400]
    assert "referer" in met[""].text and "Intet er ændret" in met[""].text


def test_no_page_holds_script_or_style_of_its_own(console, things):
    for who in WHO[1:]:
        things[0]["<key>"] = chat_of(console, who)
        for (method, rule), statuses in MATRIX.items():
            if method == "GET" and statuses[WHO.index(who)] == 200:
                path = re.sub("<[^>]+>", lambda match: things[0][match[0]], rule)
                page = enter(console, who).get(path).text
                assert not re.search(r"<script(?![^>]+src=)|<style|\sstyle=|\son\w+=", page), path


def test_production_refuses_the_development_login_and_default_secrets(table, clock):
    with pytest.raises(SettingsError, match="VEJVISER_SECRET"):
        Settings.read({"VEJVISER_ENV": "production"})
    settings = Settings.read({"VEJVISER_ENV": "production", "VEJVISER_SECRET": SECRET})
    book = StaffBook(make_engine(table))
    book.add("udvikler", "Ulla", PASSWORD, [Role("administrator")], MONDAY, development=True)
    with pytest.raises(SettingsError, match="vejviser user remove udvikler"):
        create_app(NOBODY, NOBODY, table, settings=settings)
    assert book.remove("udvikler")
    create_app(NOBODY, NOBODY, table, settings=settings)


def test_an_editor_edits_her_own_municipality_only(table):
    book = StaffBook(make_engine(table))
    rie = book.begin(book.by_login("rie").id, MONDAY)
    assert rie.edits("0259") and not rie.edits("0265") and rie.municipalities == ["0259"]
    assert rie.has("editor") and not rie.has("volunteer", "administrator")


@pytest.mark.parametrize("text", ["editor", "volunteer:0259", "editor:259", "chef", ""])
def test_roles_are_read_strictly(text):
    with pytest.raises(StaffError):
        Role.read(text)


def test_everybody_has_the_roles_the_table_names():
    assert {role.split(":")[0] for _, roles in PEOPLE.values() for role in roles} == access.EVERYBODY


def test_a_look_for_news_at_the_moment_of_logging_out_is_no_fault(console, table):
    book = console.config["STAFF"]
    faults, stop = [], threading.Event()
    token = [book.begin(book.by_login("vera").id, MONDAY).token]

    def looks():
        while not stop.is_set():
            try:
                book.find(token[0], MONDAY, acts=False)
            except Exception as error:
                faults.append(type(error).__name__)

    threads = [threading.Thread(target=looks) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        book.end(token[0])
        token[0] = book.begin(book.by_login("vera").id, MONDAY).token
    stop.set()
    for thread in threads:
        thread.join(20)
    assert faults == []


def test_two_administrators_who_close_each_other_leave_one(console):
    book = console.config["STAFF"]
    book.add("arne", "Arne", None, [Role("administrator")], MONDAY)
    both = [book.by_login("anna").id, book.by_login("arne").id]
    for _ in range(10):
        barrier, refused = threading.Barrier(2), []

        def close(staff_id, barrier=barrier, refused=refused):
            barrier.wait()
            try:
                book.change(staff_id, "Navn", [Role("administrator")], active=False)
            except StaffError:
                refused.append(staff_id)

        threads = [threading.Thread(target=close, args=(staff_id,)) for staff_id in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(refused) == 1
        for staff_id in both:
            book.change(staff_id, "Navn", [Role("administrator")], active=True)


def test_passwords_are_checked_four_at_a_time(console):
    with contextlib.ExitStack() as all_of_them:
        for _ in range(4):
            all_of_them.enter_context(staff._AT_ONCE)
        found = []
        waiting = threading.Thread(
            target=lambda: found.append(console.config["STAFF"].check("vera", PASSWORD, MONDAY)), daemon=True
        )
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive() and not found
    waiting.join(20)
    assert found[0].login == "vera"


def test_the_console_is_served_as_patiently_as_the_door():
    from bot.edge import gunicorn_conf as door
    from bot.helpline import gunicorn_conf as console

    for setting in ("worker_class", "threads", "timeout", "backlog", "limit_request_fields", "logger_class"):
        assert getattr(console, setting) == getattr(door, setting)
    assert console.wsgi_app != door.wsgi_app


@pytest.mark.parametrize("path", ["/koe/%00", "/spor?om=a%00", "/redaktion/linje/%00"])
def test_a_null_character_is_refused_before_any_database(console, path):
    assert enter(console, "anna").get(path).status_code in (400, 403)
    body = {"login": "a\0", "password": PASSWORD, "csrf_token": token_of(client := console.test_client())}
    assert client.post("/login", data=body).status_code == 400
