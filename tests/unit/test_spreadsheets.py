"""A municipality's lines out to a spreadsheet and back: nothing lost, faults named by cell, all or nothing."""

import csv
import io
import zipfile

import pytest
from defusedxml import EntitiesForbidden
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from bot.knowledge import editing
from bot.knowledge import spreadsheets as sheets
from bot.knowledge.sheets import defused, fused
from tests.conftest import MONDAY
from tests.unit.test_check import everything
from tests.unit.test_editing import change, line, numbers, where

KOEGE = "0259"
ANNA = {"who": "Anna", "source": "https://www.koege.dk/nyt", "now": MONDAY, "codes": {KOEGE}}


def filled(table, change):
    """The municipality's own XLSX after a person has worked on it: `change` gets the openpyxl book."""
    book = load_workbook(io.BytesIO(sheets.export_xlsx(table, KOEGE, MONDAY)))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cell(page, title, heading):
    """The cell of the line with that name under a heading."""
    column = next(one.column for one in page[1] if one.value == heading)
    row = next(row[0].row for row in page.iter_rows(min_row=2) if title in [one.value for one in row])
    return page.cell(row, column)


def put(title, heading, value, sheet="afdelinger"):
    def change(book):
        cell(book[sheet], title, heading).value = value

    return change


def upload(table, content, name="koege.xlsx", **options):
    return sheets.import_file(table, KOEGE, name, content, **{**ANNA, **options})


def test_export_and_import_differ_in_nothing_for_every_municipality(table, directory):
    for code in directory.municipalities:
        asked = {**ANNA, "codes": {code}, "dry": True}
        whole = sheets.import_file(table, code, "x.xlsx", sheets.export_xlsx(table, code, MONDAY), **asked)
        assert (whole.changes, whole.faults, whole.untouched) == ([], [], 0), code
        for sheet in sheets.SHEETS:
            one = sheets.import_file(table, code, "x.csv", sheets.export_csv(table, code, sheet, MONDAY), **asked)
            assert (one.changes, one.faults) == ([], []), (code, sheet)


def test_a_filled_sheet_is_shown_first_and_then_spoken(table):
    content = filled(table, put("Åben Rådgivning", "telefon", "56 67 11 22"))
    before = everything(table)
    preview = upload(table, content, dry=True)
    assert {one.field: (one.before, one.after) for one in preview.changes}["phone"] == ("56672628", "56 67 11 22")
    assert everything(table) == before, "a preview changes nothing"
    upload(table, content)
    assert "56671122" in numbers(where(table))
    assert line(table).cells["as_of"] == "2026-11-23"
    assert line(table).cells["sources"] == ANNA["source"]


def test_three_errors_by_cell_and_nothing_of_the_rest(table):
    def work(book):
        page = book["afdelinger"]
        cell(page, "Åben Rådgivning", "telefon").value = 12
        cell(page, "Familiecenter Køge", "telefontid").value = "9-15"
        cell(page, "Familiecenter Køge", "kan man bare komme").value = "måske"
        cell(page, "Borgerservice (Borgerbetjeningen)", "telefon").value = "56671122"
        work.cells = [cell(page, "Åben Rådgivning", "telefon").coordinate]
        for name in ("kan man bare komme", "telefontid"):
            work.cells.append(cell(page, "Familiecenter Køge", name).coordinate)

    content = filled(table, work)
    before = everything(table)
    refused = upload(table, content)
    assert everything(table) == before and refused.changes == []
    said = [str(fault) for fault in refused.faults]
    assert len(said) == 3
    assert {fault.cell for fault in refused.faults} == set(work.cells)
    phone = next(one for one in said if "dansk telefonnummer" in one)
    assert phone.startswith(f"Ark 'afdelinger', celle {work.cells[0]}: '12' er ikke et dansk telefonnummer. Skriv 8")
    assert any("'måske' kendes ikke. Skriv en af: ja, delvis, nej, efter aftale, ved ikke." in one for one in said)
    assert any("'9-15' er ikke åbningstider. Skriv fx ma-on 10:00-14:00" in one for one in said)


def test_somebody_changed_the_line_since_the_export(table):
    content = filled(table, put("Åben Rådgivning", "telefon", "56671122"))
    change(table, line(table), phone="56671133")
    (fault,) = upload(table, content).faults
    assert "'Åben Rådgivning' er blevet ændret af Anna 23.11.2026 kl. 10.00, siden arket blev hentet" in str(fault)
    assert line(table).cells["phone"] == "56671133"


def test_a_changed_line_the_file_leaves_alone_is_no_hindrance(table):
    content = filled(table, put("Borgerservice (Borgerbetjeningen)", "telefon", "56671122"))
    editing.confirm(table, line(table, "Familiecenter Køge").id, who="B", now=MONDAY, codes={KOEGE})
    preview = upload(table, content)
    own = {line(table, "Borgerservice (Borgerbetjeningen)").id}
    assert preview.faults == [] and {one.record_id for one in preview.changes} == own
    assert line(table, "Familiecenter Køge").cells["as_of"] == "2026-11-23", "not taken back"


def test_a_new_line_and_one_taken_away(table):
    def work(book):
        page = book["afdelinger"]
        cell(page, "Åben Rådgivning", "slet").value = "Ja"
        new = {
            "art": "familieafdeling",
            "navn": "Familiehuset",
            "telefon": 56671122,
            "kan man bare komme": "efter aftale",
        }
        page.append([new.get(heading.value) for heading in page[1]])

    preview = upload(table, filled(table, work))
    said = {"linjen slettet: Åben Rådgivning", "linjen tilføjet: Familiehuset"}
    assert {editing.said(one) for one in preview.changes} == said
    new = line(table, "Familiehuset")
    assert (new.cells["phone"], new.cells["walk_in"]) == ("56671122", "appointment")
    assert "Åben Rådgivning" not in [one.title for one in editing.own_lines(table, KOEGE, MONDAY)]


def test_a_line_that_is_left_out_stays(table):
    def work(book):
        book["afdelinger"].delete_rows(2, 3)
        for name in ("noter", "svartider"):
            del book[name]

    preview = upload(table, filled(table, work))
    assert (preview.changes, preview.faults) == ([], []) and preview.untouched > 3
    assert line(table)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (put("Åben Rådgivning", "telefon", "=1+1"), "der står en formel. Skriv selve værdien."),
        (put("Åben Rådgivning", "slet", "x"), "'x' kendes ikke. Skriv ja"),
        (put("Åben Rådgivning", "id", "andet"), "linjen findes ikke mere hos jer"),
        (put("Åben Rådgivning", "navn", None), "mangler. Feltet skal udfyldes."),
        (put("Køge Kommune", "navn", "Kjøge", "kommunen"), "kan ikke rettes her. Skriv igen: Køge"),
        (put("Åben Rådgivning", "set efter", "mar-26"), "'mar-26' er ikke en kildedato. Skriv fx 2026-03-30"),
        (put("Åben Rådgivning", "egne noter", "x" * 6000), "teksten er for lang"),
    ],
)
def test_a_cell_that_cannot_be_used(table, work, says):
    before = everything(table)
    said = [str(fault) for fault in upload(table, filled(table, work)).faults]
    assert len(said) == 1 and says in said[0] and "celle" in said[0]
    assert everything(table) == before


def test_the_same_line_copied_keeps_its_id_only_once(table):
    def work(book):
        page = book["afdelinger"]
        page.append([one.value for one in page[2]])

    assert "samme id som linje 2" in str(upload(table, filled(table, work)).faults[0])


def test_missing_unknown_and_double_columns(table):
    def rename(book):
        book["afdelinger"]["A1"].value = "slags"

    said = [str(fault) for fault in upload(table, filled(table, rename)).faults]
    assert said == ["Ark 'afdelinger': kolonnen mangler: art. Hent arket igen, og ret i det."]

    def double(book):
        book["afdelinger"]["V1"].value = "navn"

    cells = {fault.cell for fault in upload(table, filled(table, double)).faults}
    assert cells == {"B1", "V1"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xlsx", b"PK\x03\x04 nonsense", "kan ikke læses som regneark"),
        ("a.csv", "navn;å".encode("cp1252"), "ikke UTF-8"),
        ("a.csv", b"hund;kat\n1;2\n", "ligner ingen af jeres ark"),
        ("a.csv", b"", "ligner ingen af jeres ark"),
        ("a.csv", b"\0\0", "ikke et regneark"),
        ("a.csv", b"a" * 2_000_001, "for stor"),
    ],
)
def test_what_is_no_spreadsheet_of_ours(table, name, content, says):
    with pytest.raises(sheets.BadFile, match=says):
        upload(table, content, name)


def test_a_file_that_is_huge_when_unpacked_is_not_unpacked(table):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"\0" * 60_000_000)
    with pytest.raises(sheets.BadFile, match="pakkes ud"):
        upload(table, out.getvalue())


def test_entities_are_not_expanded(table):
    """https://en.wikipedia.org/wiki/Billion_laughs_attack"""
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    out = io.BytesIO()
    whole = zipfile.ZipFile(io.BytesIO(sheets.export_xlsx(table, KOEGE, MONDAY)))
    with whole, zipfile.ZipFile(out, "w") as spoilt:
        for part in whole.namelist():
            content = whole.read(part)
            spoilt.writestr(part, laughs + content if part == "xl/worksheets/sheet2.xml" else content)
    with pytest.raises(sheets.BadFile, match="kan ikke læses som regneark") as refused:
        upload(table, out.getvalue())
    why = refused.value.__cause__
    assert isinstance(why.__cause__ or why, EntitiesForbidden)


def test_a_neighbours_sheet_is_refused(table):
    theirs = sheets.export_xlsx(table, "0253", MONDAY)
    before = everything(table)
    with pytest.raises(editing.NotYours):
        sheets.import_file(table, "0253", "x.xlsx", theirs, **ANNA)
    said = {str(fault).split(": ", 1)[1] for fault in upload(table, theirs).faults}
    assert said == {"linjen findes ikke mere hos jer. Hent arket igen. Er linjen ny, så lad id og mærke stå tomme."}
    assert everything(table) == before


def test_text_that_would_be_a_formula_leaves_and_returns_as_text(table):
    change(table, line(table), notes='=HYPERLINK("http://ond.example","her")')
    text = sheets.export_csv(table, KOEGE, "departments.csv", MONDAY).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    content = sheets.export_xlsx(table, KOEGE, MONDAY)
    for page in load_workbook(io.BytesIO(content)).worksheets:
        assert not [one for row in page.iter_rows() for one in row if one.data_type == "f"]
    assert upload(table, content, dry=True).changes == []
    assert upload(table, text.encode(), "x.csv", dry=True).changes == []


@given(st.text(alphabet="'=+-@\t\r a1", max_size=6))
def test_defusing_is_undone_exactly_and_always_safe(text):
    assert fused(defused(text)) == text
    assert not defused(text).startswith(("=", "+", "-", "@", "\t", "\r"))
