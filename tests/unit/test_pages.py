"""The pages that need no chat, the widget's file, and what people say about the answers."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.edge.app import create_app
from bot.edge.feedback import ENOUGH
from bot.edge.pages import linked
from bot.knowledge.database import make_engine
from bot.knowledge.models import CorrectionReport, Feedback, FeedbackReason
from tests.conftest import MONDAY
from tests.databases import copy_database

KOEGE = {"topic": "tabt_arbejdsfortjeneste", "municipality": "0259"}


@pytest.fixture(scope="module")
def table(shipped, tmp_path_factory):
    """A table of its own, because these tests write."""
    return copy_database(shipped, tmp_path_factory.mktemp("pages"))


@pytest.fixture
def door(table):
    nobody = "http://127.0.0.1:1"
    return create_app(nobody, nobody, table, clock=lambda: MONDAY, secret="test").test_client()


def rows(table, model, **about):
    with Session(make_engine(table), future=True) as session:
        return session.execute(select(model).filter_by(**about)).scalars().all()


def test_the_demo_shows_the_chosen_municipality_and_the_line_to_copy(door):
    page = door.get("/?kommune=0851").text
    assert "Aalborg Kommune" in page and 'value="0851" selected' in page and "99 31 31 31" in page
    line = "&lt;script src=&#34;http://localhost/widget.js&#34; data-kommune=&#34;0851&#34; defer&gt;&lt;/script&gt;"
    assert line in page
    assert "<script>" not in page and "style=" not in page and " onclick" not in page
    assert "Den kommunekode kender vi ikke" in door.get("/?kommune=<script>").text


def test_a_municipality_signs_with_its_own_name(door):
    assert "<h1>Københavns Kommune</h1>" in door.get("/kommune/0101").text
    assert "<h1>Bornholms Regionskommune</h1>" in door.get("/kommune/0400").text


def test_every_topic_has_a_page_in_every_kind_of_municipality(door, directory):
    for code in ("0259", "0101", "0400"):
        page = door.get(f"/kommune/{code}").text
        for topic in directory.topics:
            assert f"/kommune/{code}/{topic}" in page
            assert door.get(f"/kommune/{code}/{topic}").status_code == 200, (code, topic)


def test_a_topic_page_says_each_line_once(door):
    page = door.get("/kommune/0259/tabt_arbejdsfortjeneste").text
    for said in ("Specialrådgivningen. Du kan", "barnets lov § 87 (til 2023: serviceloven § 42)", "Søg på borger.dk"):
        assert page.count(said) == 1, said
    assert '<a href="tel:+4556676767">56 67 67 67</a>' in page and '<a href="tel:112">112</a>' in page


@pytest.mark.parametrize("path", ["/kommune/9999", "/kommune/0259/findes_ikke", "/kommune/%3Cb%3E"])
def test_unknown_pages_are_danish_and_have_112(door, path):
    response = door.get(path)
    assert response.status_code == 404 and response.mimetype == "text/html"
    assert "kender ikke" in response.text and "tel:112" in response.text and "<b>" not in response.text


def test_without_a_table_the_pages_still_say_112(tmp_path):
    lost = create_app("http://127.0.0.1:1", "http://127.0.0.1:1", f"sqlite:///{tmp_path}/ingen.db", secret="test")
    client = lost.test_client()
    assert client.get("/").status_code == 200 and "tel:112" in client.get("/").text
    assert client.get("/kommune/0259").status_code == 503 and "tel:112" in client.get("/kommune/0259").text
    assert client.get("/api/v1/contact?municipality=0259").get_json() == {
        "municipality": None,
        "phone": None,
        "sms": False,
    }


def test_links_are_made_of_numbers_and_safe_addresses_only():
    assert linked("Ring 112 <b>") == 'Ring <a href="tel:112">112</a> &lt;b&gt;'
    assert "href" not in linked("javascript:alert(1) http://a.dk")
    assert linked("https://a.dk/?q=1.").startswith('<a href="https://a.dk/?q=1" ')


def test_the_widget_may_be_loaded_by_any_site_and_is_not_fetched_twice(door):
    response = door.get("/widget.js")
    assert response.mimetype == "text/javascript" and response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "max-age=3600" in response.headers["Cache-Control"]
    assert door.get("/widget.js", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_the_number_to_call_when_the_line_is_gone(door):
    body = door.get("/api/v1/contact?municipality=0259").get_json()
    source = body["phone"].pop("source")
    assert body["phone"] == {"number": "56 67 67 67", "whose": "Køge Kommune"}
    assert re.fullmatch(r"Kilde: .+, .*\d{4}\.( Ring og hør.*)?", source)
    assert door.get("/api/v1/contact?municipality=x").get_json()["phone"] is None


def test_feedback_is_counted_and_reasons_are_redacted(door, table):
    for helped in (True, True, False):
        assert door.post("/api/v1/feedback", json={**KOEGE, "facet": "legal", "helped": helped}).status_code == 200
    reason = {**KOEGE, "facet": "legal", "reason": "ring til mig på 22 33 44 55"}
    assert door.post("/api/v1/feedback", json=reason).get_json() == {"received": True, "redacted": True}
    (count,) = rows(table, Feedback, facet="legal")
    assert (count.municipality_code, count.helped, count.not_helped) == ("0259", 2, 1)
    (kept,) = rows(table, FeedbackReason, facet="legal")
    assert kept.reason == "ring til mig på [fjernet]" and kept.given_on == MONDAY.date()


def test_only_the_newest_reasons_are_kept(door, table):
    for n in range(ENOUGH + 3):
        door.post("/api/v1/feedback", json={"topic": "bostoette", "facet": "how", "reason": f"grund {n}."})
    kept = [row.reason for row in rows(table, FeedbackReason, topic="bostoette")]
    assert kept == [f"grund {n}." for n in range(3, ENOUGH + 3)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "topic"),
        ({"topic": ["x"]}, "topic"),
        ({**KOEGE, "municipality": "9999"}, "municipality"),
        ({**KOEGE, "facet": "farve", "helped": True}, "facet"),
        ({**KOEGE, "facet": [], "helped": True}, "facet"),
        ({**KOEGE, "helped": "ja"}, "helped"),
        (KOEGE, "helped"),
        ({**KOEGE, "reason": "a" * 201}, "reason"),
        ({**KOEGE, "reason": 7}, "reason"),
    ],
)
def test_feedback_names_what_is_wrong(door, body, field):
    response = door.post("/api/v1/feedback", json=body)
    assert response.status_code == 400 and response.get_json()["error"]["field"] == field


def test_a_correction_points_at_the_row_it_is_about(door, table):
    department = door.get("/api/v1/lookup", query_string=KOEGE).get_json()["department"]["id"]
    sent = {**KOEGE, "department": department, "field": "name", "message": "Spørg mor@hjemme.dk"}
    assert door.post("/api/v1/corrections", json=sent).status_code == 201
    (report,) = rows(table, CorrectionReport, field="name")
    assert (report.table_name, report.record_id) == ("organization", department)
    assert report.message == "Spørg [fjernet]" and report.resolved is False
    assert report.reported_at == MONDAY.replace(tzinfo=None)
    door.post("/api/v1/corrections", json={**KOEGE, "field": "legal_basis", "message": "Loven er ændret"})
    (report,) = rows(table, CorrectionReport, field="legal_basis")
    assert (report.table_name, report.record_id) == ("topic", "tabt_arbejdsfortjeneste")
    door.post("/api/v1/corrections", json={**KOEGE, "field": "address", "message": "De er flyttet"})
    (report,) = rows(table, CorrectionReport, field="address")
    assert (report.table_name, report.record_id) == ("municipality", "0259")


def test_a_flood_of_corrections_is_stopped(door, table):
    sent = {**KOEGE, "field": "how_to_apply", "message": "forkert"}
    codes = [door.post("/api/v1/corrections", json=sent).status_code for _ in range(ENOUGH + 2)]
    assert codes == [201] * ENOUGH + [429] * 2
    assert len(rows(table, CorrectionReport, field="how_to_apply")) == ENOUGH


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**KOEGE, "field": "id", "message": "x"}, "field"),
        ({**KOEGE, "field": ["name"], "message": "x"}, "field"),
        ({**KOEGE, "field": "name", "department": "ukendt", "message": "x"}, "department"),
        ({**KOEGE, "field": "name", "department": {}, "message": "x"}, "department"),
        ({**KOEGE, "field": "name", "message": " "}, "message"),
        ({**KOEGE, "field": "name", "message": "a" * 501}, "message"),
    ],
)
def test_corrections_name_what_is_wrong(door, body, field):
    response = door.post("/api/v1/corrections", json=body)
    assert response.status_code == 400 and response.get_json()["error"]["field"] == field
