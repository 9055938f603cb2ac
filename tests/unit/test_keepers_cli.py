"""The commands an administrator has at the machine: out, in, what clashes, what was changed."""

import os

import pytest
from openpyxl import load_workbook

from bot.knowledge import editing
from tests.conftest import MONDAY, vejviser
from tests.unit.test_editing import change, line


@pytest.fixture
def run(table):
    environment = {**os.environ, "VEJVISER_DATABASE_URL": str(table.url)}
    return lambda *words: vejviser("knowledge", *words, env=environment)


def test_a_sheet_goes_out_is_filled_shown_and_comes_in(run, table, tmp_path):
    file = tmp_path / "koege.xlsx"
    assert run("export", str(file), "--kommune", "Køge").returncode == 0
    book = load_workbook(file)
    page = book["afdelinger"]
    row = next(row for row in page.iter_rows(min_row=2) if row[1].value == "Åben Rådgivning")
    row[6].value = "56671122"
    book.save(file)
    words = ("import", str(file), "--kommune", "0259", "--hvem", "Anna")
    shown = run(*words).stdout
    assert "telefon: 56672628 → 56671122" in shown and "Skriv --udfør" in shown
    assert line(table).cells["phone"] == "56672628"
    assert "er lagt ind" in run(*words, "--udfør").stdout
    assert line(table).cells["phone"] == "56671122"
    said = run("changes", "--kommune", "Køge").stdout
    assert "Anna, 0259 departments.csv: telefon: 56672628 → 56671122" in said
    row[6].value = "12"
    book.save(file)
    refused = run(*words, "--udfør")
    assert refused.returncode == 1 and "FEJL  Ark 'afdelinger', celle" in refused.stdout


def test_a_csv_a_package_and_a_name_that_is_none(run, tmp_path):
    assert run("export", str(tmp_path / "a.csv"), "--kommune", "Køge", "--ark", "svartider").returncode == 0
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").startswith("emne;tekst;uger")
    assert run("export", str(tmp_path / "alle.zip")).returncode == 0
    assert "Skriv --kommune" in run("export", str(tmp_path / "a.xlsx")).stderr
    assert "skal ende på" in run("export", str(tmp_path / "a.pdf"), "--kommune", "Køge").stderr


def test_conflicts_are_listed(run, table):
    from sqlalchemy.orm import Session

    from bot.knowledge.models import SheetRow

    change(table, line(table), phone="56671122")
    with Session(table, future=True) as session, session.begin():
        session.get(SheetRow, line(table).id).incoming = {"phone": "56674444"}
    said = run("conflicts").stdout
    assert "0259 departments.csv: Åben Rådgivning" in said
    assert "telefon: redaktøren '56671122', filerne '56674444'" in said and "1 konflikter." in said
    editing.settle(table, line(table).id, theirs=False, who="A", now=MONDAY, codes={"0259"})
    assert "0 konflikter." in run("conflicts").stdout


def test_a_question_is_asked_of_the_door_and_touches_no_database(tmp_path):
    """The alarm's page says to ask one, also where the database is what is wrong."""
    database = tmp_path / "none.db"
    environment = {**os.environ, "VEJVISER_DATABASE_URL": f"sqlite:///{database}"}
    asked = vejviser("ask", "bostøtte i Køge", "--url", "http://127.0.0.1:1", env=environment)
    assert asked.returncode == 1 and "Ingen svarer på http://127.0.0.1:1" in asked.stderr
    assert not database.exists()
