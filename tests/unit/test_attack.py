"""Bad input, by hand and by the thousand: no 5xx, no trace, nothing echoed as HTML. Needs no Rasa: it is away here."""

import base64
import gzip
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.edge.app import create_app
from tests.conftest import MONDAY, free_port

# 5,400 cases, the same ones each time: a failure in CI is the same failure at the desk.
CASES = {"messages": 1500, "bodies": 900, "lookups": 1500, "paths": 900, "headers": 600}


def cases(name):
    return settings(
        max_examples=CASES[name],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def door(database):
    nobody = f"http://127.0.0.1:{free_port()}"
    app = create_app(nobody, f"{nobody}/webhook", database, clock=lambda: MONDAY, secret="test", limited=False)
    return app.test_client()


@pytest.fixture(scope="module")
def spent():
    """How many cases really ran."""
    count = dict.fromkeys(CASES, 0)
    yield count


def harmless(response, path="/api/"):
    assert response.status_code < 500 or response.get_json()["status"].startswith("failing"), response.text
    assert response.headers["X-Content-Type-Options"] == "nosniff" and response.headers["X-Request-Id"]
    assert "Traceback" not in response.text and 'File "' not in response.text
    if response.status_code >= 400 and not response.get_json().get("status"):
        assert response.mimetype == "application/json"
        assert response.get_json()["error"]["message"] and response.get_json()["error"]["code"]
    if response.mimetype == "text/html":
        assert path.strip("/") == "", "only our own page is HTML"


# -- by the thousand ---------------------------------------------------------------------------------------------

WILD = st.text(st.characters(), max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "'; DROP TABLE organization; --",
        "{{7*7}}",
        "%00",
        "../../etc/passwd",
        "\ud800",
        "\0",
        "²",
    ]
)
TEXTS = WILD | st.sampled_from(
    [
        "hvor søger jeg bostøtte i Køge?",
        "/restart",
        "{}[]",
        "a" * 1000,
        "a" * 1001,
        "min far er syg",
        "010150-1234",
        "42",
    ]
)
CODES = st.sampled_from(["0259", "0851", "0101", "259", "", None]) | WILD
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WILD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WILD, inner, max_size=4),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {"text": TEXTS | JSON}, optional={"session": st.none() | JSON, "municipality": CODES | JSON, "extra": JSON}
)


@cases("messages")
@given(body=BODIES | JSON)
def test_any_json(door, spent, body):
    spent["messages"] += 1
    response = door.post("/api/v1/messages", data=json.dumps(body), content_type="application/json")
    harmless(response)
    assert response.status_code in {200, 400, 413}
    if response.status_code == 200:
        said = "\n".join(message["text"] for message in response.get_json()["messages"])
        assert "112" in said, "Rasa is away: whoever wrote gets a number"


TYPES = st.sampled_from(
    ["application/json", "application/json; charset=utf-16", "text/html", "multipart/form-data", "", "x/"]
)


@cases("bodies")
@given(data=st.binary(max_size=300) | st.just(b'{"text": "hej"}') | st.just(b"[" * 4000), kind=TYPES)
def test_any_bytes(door, spent, data, kind):
    spent["bodies"] += 1
    harmless(door.post("/api/v1/messages", data=data, content_type=kind))


@cases("lookups")
@given(
    query=st.dictionaries(
        st.sampled_from(["topic", "municipality", "on", "facets", "age"]) | WILD,
        st.sampled_from(
            ["bostoette", "0259", "2023-06-01", "0001-01-01", "9999-12-31", "where,legal,time", "17.5", "999", "²"]
        )
        | CODES.map(str)
        | st.dates().map(str)
        | WILD,
    )
)
def test_any_look_up(door, spent, query):
    spent["lookups"] += 1
    response = door.get("/api/v1/lookup", query_string={k: v for k, v in query.items() if _sendable(k + v)})
    harmless(response)
    assert response.status_code in {200, 400}


def _sendable(text):
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


PATHS = st.sampled_from(
    ["/", "/static/", "/api/v1/", "/api/v1/sessions/", "/api/v1/lookup/", "/metrics/", "/widget.js/", "//"]
)


@cases("paths")
@given(
    start=PATHS,
    rest=WILD | st.lists(st.sampled_from(["..", ".", "%2e%2e", "app.py", "page.css", "%00", "\\", "~"])).map("/".join),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "FOO"]),
)
def test_any_path(door, spent, start, rest, method):
    """The path as a gateway hands it on: bytes, already unquoted."""
    spent["paths"] += 1
    path = (start + rest).encode("utf-8", "surrogatepass").decode("latin-1")
    response = door.open("/", method=method, environ_overrides={"PATH_INFO": path})
    assert response.status_code in {200, 400, 403, 404, 405}
    if method not in {"HEAD", "OPTIONS"}:
        harmless(response, path)


NAMES = st.sampled_from(
    "Origin Host X-Forwarded-For X-Request-Id Content-Encoding Content-Length Accept Authorization Cookie Forwarded "
    "Access-Control-Request-Method Transfer-Encoding X-HTTP-Method-Override Range If-Modified-Since".split()
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f"), max_size=40)


@cases("headers")
@given(
    headers=st.dictionaries(NAMES, VALUES | st.sampled_from(["gzip", "null", "-1", "chunked", "99999999", "bytes=0-"])),
    path=st.sampled_from(["/api/v1/messages", "/api/v1/lookup", "/api/v1/topics", "/metrics"]),
)
def test_any_headers(door, spent, headers, path):
    spent["headers"] += 1
    options = {"json": {"text": "hej"}} if path.endswith("messages") else {}
    response = door.open(path, method="POST" if options else "GET", headers=headers, **options)
    harmless(response)
    assert "Access-Control-Allow-Origin" not in response.headers


def test_that_was_five_thousand(spent):
    assert sum(spent.values()) >= 5000, spent


# -- by hand -----------------------------------------------------------------------------------------------------


def post(door, text="hej", session=None, **options):
    return door.post("/api/v1/messages", json={"text": text, "session": session}, **options)


def test_nobody_chooses_his_own_session(door):
    """Fixation: an id that a stranger made up, or a bare sender, is refused and not taken on."""
    for made_up in ("mallory", "abc.def", '"mallory"', base64.urlsafe_b64encode(b'"mallory"').decode()):
        refused = post(door, session=made_up)
        assert refused.status_code == 400 and refused.get_json()["error"]["code"] == "unknown_session"
    assert door.get("/?session=mallory", headers={"Cookie": "session=mallory"}).headers.get("Set-Cookie") is None


def test_parts_of_two_sessions_do_not_make_a_third(door):
    one, other = (post(door).get_json()["session"] for _ in range(2))
    (who, _), (_, sign) = one.rsplit(".", 1), other.rsplit(".", 1)
    for forged in (f"{who}.{sign}", one[:-1], one + "A", one.swapcase(), f"{who}.", f".{sign}"):
        assert post(door, session=forged).status_code == 400
        assert door.delete(f"/api/v1/sessions/{forged}").status_code == 400
    assert post(door, session=one).get_json()["session"] == one


def test_sessions_cannot_be_guessed(door):
    ids = {post(door).get_json()["session"] for _ in range(50)}
    assert len(ids) == 50
    assert len({session[:12] for session in ids}) == 50, "no counter, no clock at the start of it"
    assert min(map(len, ids)) > 45


def test_a_packed_body_is_refused_before_it_is_opened(door):
    bomb = json.dumps({"text": "a" * 10_000_000}).encode()
    for encoding, body in (("gzip", gzip.compress(bomb)[:3000]), ("deflate", zlib.compress(bomb)[:3000]), ("br", b"x")):
        response = door.post(
            "/api/v1/messages", data=body, content_type="application/json", headers={"Content-Encoding": encoding}
        )
        assert response.status_code == 415 and response.get_json()["error"]["code"] == "content_encoding"


def test_a_body_without_a_length_is_cut_off_too(door):
    """As gunicorn hands on a chunked request: a stream that ends somewhere."""
    from io import BytesIO

    stream = BytesIO(b'{"text": "' + b"a" * 1_000_000)
    response = door.post(
        "/api/v1/messages",
        input_stream=stream,
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 413
    assert stream.tell() < 100_000, "the rest was never read"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/....//app.py",
        "/static/page.css%00.py",
        "/../../etc/passwd",
        "/static/%252e%252e/app.py",
        "/.env",
        "/.git/config",
    ],
)
def test_only_static_files_are_served(door, path):
    response = door.get(path)
    assert response.status_code == 404 and response.get_json()["error"]["code"] == "not_found"


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_scripts_stay_text(door):
    """In text, in a button's payload sent back, in a municipality, in a topic, in the path: JSON, and no sniffing."""
    for response in (
        post(door, SCRIPT),
        post(door, f"hvor søger jeg bostøtte {SCRIPT}"),
        door.post("/api/v1/messages", json={"text": "hej", "municipality": SCRIPT}),
        door.get("/api/v1/lookup", query_string={"topic": SCRIPT}),
        door.get("/api/v1/lookup", query_string={"topic": "bostoette", "facets": SCRIPT}),
        door.get(f"/{SCRIPT}"),
        door.delete(f"/api/v1/sessions/{SCRIPT}"),
    ):
        harmless(response)
        assert response.mimetype == "application/json"
    assert SCRIPT not in door.get("/", query_string={"q": SCRIPT}).text


def test_a_script_in_the_table_stays_text(door, table):
    """An editor's slip, or worse: what stands in the table leaves as JSON text, never as a page."""
    from sqlalchemy import text

    with table.begin() as connection:
        connection.execute(text("UPDATE organization SET name = :name"), {"name": SCRIPT})
    nobody, url = "http://127.0.0.1:1", str(table.url)
    app = create_app(nobody, nobody, url, clock=lambda: MONDAY, secret="test")
    response = post(app.test_client(), "hvor søger jeg tabt arbejdsfortjeneste i Køge?")
    assert response.status_code == 200 and response.mimetype == "application/json"
    assert SCRIPT in response.get_json()["messages"][0]["answer"]["department"]["name"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
