"""What somebody says is wrong lands on the line and the column, and is decided there."""

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from bot.edge.app import create_app
from bot.knowledge import corrections, editing
from bot.knowledge.models import CorrectionReport
from tests.conftest import MONDAY, free_port
from tests.unit.test_editing import line, numbers, where

KOEGE = {"0259"}
ANNA = {"who": "Anna", "now": MONDAY, "codes": KOEGE}


@pytest.fixture
def send(table):
    """Send a correction through the door, as the widget does; returns the open corrections of Køge."""
    nobody = f"http://127.0.0.1:{free_port()}"
    app = create_app(nobody, f"{nobody}/webhook", str(table.url), clock=lambda: MONDAY, limited=False)

    def post(**body):
        body = {"message": "Nummeret er lukket", "field": "phone", "topic": "raad_og_vejledning", **body}
        answer = app.test_client().post("/api/v1/corrections", json=body)
        assert answer.status_code == 201, answer.text
        return corrections.open_corrections(table, KOEGE, MONDAY)

    return post


def accept(table, one, value="56671122", **options):
    asked = {**ANNA, "source": "https://www.koege.dk/nyt", **options}
    return corrections.accept(table, one.id, one.column or "phone", value, **asked)


def reports(table):
    with Session(table, future=True) as session:
        return list(session.execute(select(CorrectionReport)).scalars())


@pytest.mark.parametrize(
    ("field", "column"),
    [("phone", "phone"), ("hours", "phone_hours"), ("address", "address"), ("name", "name"), ("other", None)],
)
def test_a_report_lands_on_line_and_column(send, table, field, column):
    (one,) = send(department=where(table).id, field=field)
    assert (one.line.title, one.column, one.by_staff) == ("Åben Rådgivning", column, False)
    assert one.message == "Nummeret er lukket"
    assert corrections.open_corrections(table, {"0253"}, MONDAY) == []


def test_where_no_department_is_known_it_is_the_municipalitys_own_line(send):
    (one,) = send(municipality="0259")
    assert (one.line.title, one.column) == ("Køge Kommune", "main_phone")


def test_accepted_it_becomes_a_change_that_is_spoken(send, table):
    (one,) = send(department=where(table).id)
    accept(table, one)
    assert "56671122" in numbers(where(table))
    (report,) = reports(table)
    assert (report.resolved, report.accepted, report.resolved_by) == (True, True, "Anna")
    assert corrections.open_corrections(table, KOEGE, MONDAY) == []
    with pytest.raises(corrections.Resolved, match=r"afgjort af Anna 23\.11\.2026"):
        accept(table, one)


def test_a_wrong_number_leaves_it_open(send, table):
    (one,) = send(department=where(table).id)
    with pytest.raises(editing.BadEdit):
        accept(table, one, "12")
    assert len(corrections.open_corrections(table, KOEGE, MONDAY)) == 1


def test_turned_down_with_a_reason(send, table):
    (one,) = send(department=where(table).id)
    with pytest.raises(editing.BadEdit, match="Skriv kort, hvorfor"):
        corrections.close(table, one.id, accepted=False, reason=" ", **ANNA)
    corrections.close(table, one.id, accepted=False, reason="Nummeret virker", **ANNA)
    (report,) = reports(table)
    assert (report.accepted, report.reason) == (False, "Nummeret virker")
    assert "56672628" in numbers(where(table))


def test_a_neighbour_decides_nothing(send, table):
    (one,) = send(department=where(table).id)
    with pytest.raises(editing.NotYours):
        accept(table, one, codes={"0253"})
    with pytest.raises(editing.NotYours):
        corrections.close(table, one.id, accepted=False, reason="x", who="B", now=MONDAY, codes={"0253"})
    assert not reports(table)[0].resolved


def test_the_staff_reports_too(table):
    corrections.report(table, line(table).id, "phone", "Ingen tager den", now=MONDAY)
    (one,) = corrections.open_corrections(table, KOEGE, MONDAY)
    assert one.by_staff and one.about == "telefonnummeret"
    with pytest.raises(editing.NoRow):
        corrections.report(table, "findes-ikke", "phone", "x", now=MONDAY)


def test_what_no_editor_keeps_is_listed_for_whoever_looks_after_all(send, table):
    send(field="legal_basis", message="Loven er ændret")
    assert corrections.open_corrections(table, KOEGE, MONDAY) == []
    (one,) = corrections.for_nobody(table, MONDAY)
    assert (one.table, one.record, one.about) == ("topic", "raad_og_vejledning", "loven")
    corrections.close(table, one.id, accepted=True, reason="Rettet i filerne", who="K", now=MONDAY, codes=set())
    assert corrections.for_nobody(table, MONDAY) == []


def test_a_report_still_points_at_the_line_after_it_got_a_new_date(send, table):
    send(department=where(table).id)
    editing.confirm(table, line(table).id, **ANNA)
    assert corrections.open_corrections(table, KOEGE, MONDAY)[0].line.title == "Åben Rådgivning"


def test_open_reports_are_read_in_one_question_however_many_there_are(send, table):
    for field in ("phone", "name", "hours"):
        send(department=where(table).id, field=field)
    send(municipality="0253")
    asked = []
    event.listen(table, "before_cursor_execute", lambda *about: asked.append(about[2]))
    assert len(corrections.open_corrections(table, KOEGE, MONDAY)) == 3 and len(asked) == 1
    assert corrections.for_nobody(table, MONDAY) == [] and len(asked) == 2


def test_one_address_reports_twenty_faults_an_hour(table):
    nobody = f"http://127.0.0.1:{free_port()}"
    app = create_app(nobody, f"{nobody}/webhook", str(table.url), clock=lambda: MONDAY)
    body = {"message": "Forkert", "field": "phone", "topic": "raad_og_vejledning", "municipality": "0259"}
    answers = [app.test_client().post("/api/v1/corrections", json=body).status_code for _ in range(21)]
    assert answers == [201] * 20 + [429]
