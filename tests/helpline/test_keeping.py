"""The editor's pages: her own lines, what they say when something is wrong, the sheet, the conflicts, the figures."""

import datetime as dt
import io

import pytest
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from bot.answers.find import find_answer
from bot.knowledge import corrections, editing
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory
from bot.knowledge.models import SheetRow, Usage
from tests.conftest import MONDAY
from tests.helpline.conftest import enter, token_of


@pytest.fixture
def engine(table):
    return make_engine(table)


@pytest.fixture
def rie(console):
    return enter(console, "rie")


def line(engine, title="Åben Rådgivning", code="0259"):
    return next(one for one in editing.own_lines(engine, code, MONDAY) if one.title == title)


def form_of(engine, title="Åben Rådgivning", **cells):
    """What a browser sends from the form of a line, with some fields filled anew."""
    seen = line(engine, title)
    body = {column: cell for column, cell in seen.cells.items() if column not in ("as_of", "confidence", "sources")}
    body |= {"topics": [one for one in body["topics"].split(";") if one], "source": seen.cells["sources"]}
    return {**body, "version": seen.version, **cells}


def post(client, path, **body):
    return client.post(path, data={**body, "csrf_token": token_of(client, "/mig")}, follow_redirects=True)


def spoken(engine):
    return find_answer(Directory.read(engine), "raad_og_vejledning", "0259", now=MONDAY).department


def test_an_editor_comes_to_her_own_lines_with_the_stale_first(rie):
    page = rie.get("/redaktion", follow_redirects=True).text
    assert "<h1>Køge Kommune</h1>" in page and "over to år gamle eller uden dato" in page
    assert page.index("Se efter, om de stadig er rigtige") < page.index("Åben Rådgivning")
    assert "Greve" not in page


def test_an_edited_line_is_saved_said_and_spoken(rie, engine):
    path = f"/redaktion/linje/{line(engine).id}"
    body = form_of(engine, phone="56 67 11 22", phone_hours="ma-to 09:00-14:00", source="https://www.koege.dk/nyt")
    page = post(rie, path, **body).text
    assert "Gemt: telefon: 56672628 → 56 67 11 22" in page and "telefontid" in page
    kept = line(engine)
    assert (kept.cells["phone_hours"], kept.cells["sources"]) == ("Mo-Th 09:00-14:00", "https://www.koege.dk/nyt")
    assert spoken(engine).phones[0].number.replace(" ", "") == "56671122"
    history = rie.get(path).text
    assert "Rie Redaktør" in history and "56672628" in history and "https://www.koege.dk/nyt" in history


def test_saving_without_a_change_changes_nothing(rie, engine):
    """Also where the table has more blanks than a form gives back, and topics in another order."""
    for title in ("Åben Rådgivning", "Familiecenter Køge"):
        before = line(engine, title)
        body = form_of(engine, title)
        body["topics"] = body["topics"][::-1]
        page = post(rie, f"/redaktion/linje/{before.id}", **body).text
        assert "Der var ingen ændringer." in page
        assert line(engine, title) == before


def test_what_is_wrong_stands_at_the_field_and_nothing_typed_is_lost(rie, engine):
    seen = line(engine)
    page = post(rie, f"/redaktion/linje/{seen.id}", **form_of(engine, phone="12 34", name="Ny Rådgivning")).text
    assert "Intet er gemt endnu" in page and 'id="phone-fault"' in page
    assert "&#39;12 34&#39; er ikke et dansk telefonnummer. Skriv 8 cifre" in page
    assert 'value="12 34"' in page and 'value="Ny Rådgivning"' in page and "Før: Åben Rådgivning" in page
    assert line(engine) == seen


def test_two_editors_and_one_line(rie, console, engine):
    body = form_of(engine, phone="56671122")
    path = f"/redaktion/linje/{line(engine).id}"
    post(enter(console, "anna"), path, **form_of(engine, phone="56671133"))
    page = post(rie, path, **body).text
    assert "er blevet ændret af Anna Administrator" in page
    assert line(engine).cells["phone"] == "56671133"


def test_a_neighbours_line_is_refused_whatever_is_asked(rie, engine):
    theirs = editing.own_lines(engine, "0253", MONDAY)[0]
    path = f"/redaktion/linje/{theirs.id}"
    for address in (
        path,
        f"{path}/slet",
        "/redaktion/0253",
        "/redaktion/0253/ark/hent/alt.xlsx",
        "/redaktion/0253/ark",
    ):
        assert rie.get(address).status_code == 403, address
    for address in (path, f"{path}/slet", f"{path}/stadig-rigtigt", f"{path}/afgoer", "/redaktion/0253/ny/units.csv"):
        assert post(rie, address, name="x", take="files").status_code == 403, address
    assert rie.get("/redaktion/9999").status_code == 404
    assert rie.get("/redaktion/linje/findes-ikke").status_code == 404
    assert theirs in editing.own_lines(engine, "0253", MONDAY)


def test_still_right_with_one_press(rie, engine):
    old = editing.stale(engine, "0259", MONDAY)[0]
    page = post(rie, f"/redaktion/linje/{old.id}/stadig-rigtigt").text
    assert "stadig rigtigt, set efter i dag" in page
    assert old.id not in [one.id for one in editing.stale(engine, "0259", MONDAY)]


def test_a_line_that_no_longer_fits_cannot_be_confirmed_but_mended(rie, engine):
    seen = line(engine)
    with Session(engine, future=True) as session, session.begin():
        row = session.get(SheetRow, seen.id)
        row.cells, row.fault = {**row.cells, "topics": "nedlagt_emne"}, "topics: emnet kendes ikke."
    assert "emnet kendes ikke" in rie.get("/redaktion/0259/konflikter").text
    page = post(rie, f"/redaktion/linje/{seen.id}/stadig-rigtigt").text
    assert "emnet &#39;nedlagt_emne&#39; kendes ikke" in page
    body = form_of(engine, topics=["raad_og_vejledning"])
    assert "Gemt: emner" in post(rie, f"/redaktion/linje/{seen.id}", **body).text
    assert "Ingen konflikter" in rie.get("/redaktion/0259/konflikter").text


def test_a_new_line_a_deleted_one_and_a_change_of_mind(rie, engine):
    body = {"type": "familieafdeling", "name": "Familiehuset", "walk_in": "no", "phone": "56671122"}
    assert "linjen tilføjet: Familiehuset" in post(rie, "/redaktion/0259/ny/departments.csv", **body).text
    new = line(engine, "Familiehuset")
    assert "er slettet" in post(rie, f"/redaktion/linje/{new.id}/slet").text
    assert rie.get(f"/redaktion/linje/{new.id}").status_code == 404
    history = rie.get("/redaktion/0259/historik").text
    assert "linjen slettet: Familiehuset" in history
    (batch,) = {one.batch for one in editing.history(engine, ["0259"], limit=1)}
    assert "Fortrudt." in post(rie, f"/redaktion/0259/fortryd/{batch}").text
    assert line(engine, "Familiehuset") == new
    assert "kan ikke fortrydes" in post(rie, f"/redaktion/0259/fortryd/{batch}").text or line(engine, "Familiehuset")


def test_a_report_is_accepted_or_turned_down_where_it_stands(rie, engine):
    number = corrections.report(engine, line(engine).id, "phone", "Den virker ikke", now=MONDAY)
    page = rie.get("/redaktion/0259").text
    assert "Den virker ikke" in page and "Fra hjælpelinjen" in page
    path = f"/redaktion/0259/rettelse/{number}"
    assert "er ikke et dansk telefonnummer" in post(rie, path, column="phone", value="12").text
    assert "mangler. Skriv kort, hvorfor." in post(rie, path, do="reject", reason="").text
    assert "Gemt: telefon" in post(rie, path, column="phone", value="56671122").text
    assert line(engine).cells["phone"] == "56671122"
    assert "er afgjort af Rie Redaktør" in post(rie, path, do="reject", reason="x").text


def test_a_volunteer_reports_what_a_caller_found_out(console, rie, engine):
    vera = enter(console, "vera")
    path = f"/meld/{line(engine).id}"
    assert path in vera.get("/opslag?emne=raad_og_vejledning&kommune=0259").text
    assert "Vælg, hvad der er forkert" in post(vera, path, field="phone", message=" ").text
    said = "Nummeret er lukket, siger Karen Hansen, cpr 010190-1234"
    assert "Fejlen er meldt" in post(vera, path, field="phone", message=said).text
    page = rie.get("/redaktion/0259").text
    assert "Nummeret er lukket" in page and "010190" not in page and "Karen Hansen" not in page
    assert vera.get("/meld/findes-ikke").status_code == 404


def test_what_no_editor_keeps_is_the_coordinators(console, engine):
    with Session(engine, future=True) as session, session.begin():
        session.add(
            corrections.CorrectionReport(
                table_name="topic",
                record_id="bostoette",
                field="legal_basis",
                message="Paragraffen er ny",
                reported_at=dt.datetime(2026, 11, 22),
                resolved=False,
            )
        )
    karl = enter(console, "karl")
    assert "Paragraffen er ny" in karl.get("/redaktion/uden-redaktoer").text
    assert (
        "Rettelsen er lukket" in post(karl, "/redaktion/uden-redaktoer", number="1", do="accept", reason="Rettet").text
    )
    assert "Ingen åbne rettelser" in karl.get("/redaktion/uden-redaktoer").text


def test_a_conflict_is_shown_and_settled(rie, engine):
    post(rie, f"/redaktion/linje/{line(engine).id}", **form_of(engine, phone="56671122"))
    for take, number in (("ours", "56671122"), ("files", "56672628")):
        with Session(engine, future=True) as session, session.begin():
            session.get(SheetRow, line(engine).id).incoming = {"phone": "56674444"}
        assert "i konflikt med de leverede filer" in rie.get("/redaktion/0259").text
        page = rie.get("/redaktion/0259/konflikter").text
        assert "56671122" in page and "56674444" in page
        post(rie, f"/redaktion/linje/{line(engine).id}/afgoer", take=take)
        assert line(engine).cells["phone"] == number
        assert "Ingen konflikter" in rie.get("/redaktion/0259/konflikter").text


# -- the sheet ---------------------------------------------------------------------------------------------------


def sheet(client, engine, **cells):
    """The municipality's sheet as downloaded, one line filled anew."""
    book = load_workbook(io.BytesIO(client.get("/redaktion/0259/ark/hent/alt.xlsx").data))
    page = book["afdelinger"]
    headings = [cell.value for cell in page[1]]
    row = next(row for row in page.iter_rows(min_row=2) if row[1].value == "Åben Rådgivning")
    for heading, value in cells.items():
        row[headings.index(heading)].value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(client, content, name="koege.xlsx"):
    data = {"file": (io.BytesIO(content), name), "csrf_token": token_of(client, "/mig")}
    return client.post("/redaktion/0259/ark", data=data, content_type="multipart/form-data")


def test_a_sheet_is_previewed_and_then_applied(rie, engine):
    page = upload(rie, sheet(rie, engine, telefon="56671122")).text
    assert "telefon: 56672628 → 56671122" in page and "Intet er ændret endnu" in page
    assert line(engine).cells["phone"] == "56672628"
    content = page.split('name="content" value="')[1].split('"')[0]
    done = post(rie, "/redaktion/0259/ark/udfoer", content=content, name="koege.xlsx").text
    assert "ændringer er lagt ind" in done and line(engine).cells["phone"] == "56671122"
    again = post(rie, "/redaktion/0259/ark/udfoer", content=content, name="koege.xlsx").text
    assert "er blevet ændret af Rie Redaktør" in again, "pressed twice, done once"


def test_a_sheet_with_errors_is_refused_whole(rie, engine):
    page = upload(rie, sheet(rie, engine, telefon="12", telefontid="9-15", navn="Ny")).text
    assert "2 fejl i koege.xlsx" in page and "celle" in page and "Læg ændringerne ind" not in page
    assert line(engine)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "", "Vælg først en fil"),
        (b"x" * 300_001, "a.csv", "højst fylde 300 kB"),
        (b"hund;kat\n", "a.csv", "ligner ingen af jeres ark"),
        (b"PK\x03\x04", "a.xlsx", "kan ikke læses"),
    ],
)
def test_what_is_no_sheet_is_said(rie, content, name, says):
    answer = upload(rie, content, name)
    assert answer.status_code == 200 and says in answer.text


def test_a_file_that_is_far_too_big_is_turned_away(rie):
    assert upload(rie, b"x" * 2_000_000).status_code == 413


def test_a_forged_apply_is_refused(rie, engine):
    assert post(rie, "/redaktion/0259/ark/udfoer", content="ikke base64!", name="x").status_code == 400
    assert rie.get("/redaktion/0259/ark/hent/..%2f..%2fetc").status_code == 404
    assert rie.get("/redaktion/0259/ark/hent/ukendt.csv").status_code == 404


def test_every_sheet_and_the_package_can_be_fetched(rie):
    for name, begins in (("alt.xlsx", b"PK"), ("hsds.zip", b"PK"), ("svartider.csv", b"\xef\xbb\xbf")):
        answer = rie.get(f"/redaktion/0259/ark/hent/{name}")
        assert answer.data.startswith(begins) and f"vejviser-0259-{name}" in answer.headers["Content-Disposition"]


# -- the figures -------------------------------------------------------------------------------------------------


def test_the_figures_of_a_finished_month_and_of_one_that_runs(console, engine):
    with Session(engine, future=True) as session, session.begin():
        for day, topic, count in (
            (dt.date(2026, 10, 7), "bostoette", 23),
            (dt.date(2026, 10, 8), "tabt_arbejdsfortjeneste", 3),
            (dt.date(2026, 10, 9), "merudgifter_boern", 9),
            (dt.date(2026, 11, 9), "bostoette", 33),
        ):
            key = {"municipality_code": "0259", "kind": "answer", "out_of_hours": False}
            session.add(Usage(day=day, topic=topic, count=count, **key))
    karl = enter(console, "karl")
    page = karl.get("/tal?maaned=2026-10&kommune=0259").text
    assert "Tal for Køge Kommune, oktober 2026" in page and ">35<" in page
    assert ">23<" in page and page.count(">skjult<") == 2
    assert "ca. 30" in karl.get("/tal").text
    csv = karl.get("/tal.csv?maaned=2026-10&kommune=0259").text
    assert ";23\r\n" in csv and csv.count(";skjult\r\n") == 2 and ";3\r\n" not in csv
    months = ("2026-13", "x", "0000-01", "9999-12", "2019-12")
    for wrong in ("/tal?kommune=9999", *(f"/tal.csv?maaned={month}" for month in months), "/tal?maaned=9999-12"):
        assert karl.get(wrong).status_code == 404, wrong


def test_an_empty_month_says_so(console):
    assert "Ingen spørgsmål talt i måneden endnu" in enter(console, "anna").get("/tal?maaned=2026-01").text
