"""`knowledge check` and `load`: faults named with file, line, column and remedy; all or nothing."""

import csv
import shutil

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.knowledge import models as m
from bot.knowledge.database import migrate
from bot.knowledge.load import KNOWLEDGE, KnowledgeError, check, load, loaded_fingerprint
from tests.conftest import vejviser
from tests.databases import new_database, own_engine


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped files that a test may spoil."""
    return shutil.copytree(KNOWLEDGE, tmp_path / "knowledge")


def edit(path, change):
    """Apply a change to the rows (dictionaries) of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), list(reader.fieldnames)
    rows = change(rows) or rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def set_cell(column, value, row=0):
    def change(rows):
        rows[row][column] = value

    return change


def test_the_shipped_files_have_no_faults():
    assert [str(problem) for problem in check().problems] == []


def test_what_is_not_shown_is_listed_with_file_and_line():
    remarks = [str(remark) for remark in check().remarks]
    assert any(remark.startswith("0730/municipality.csv:2: main_phone:") for remark in remarks)
    assert any("legal_basis.csv" in remark and "low" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("file", "column", "value", "says"),
    [
        ("0259/departments.csv", "phone", "12 34", "'12 34' er ikke et dansk telefonnummer. Skriv 8 cifre"),
        ("0259/departments.csv", "phone", "ring", "'ring' er ikke et telefonnummer"),
        ("0259/departments.csv", "phone", "5667676²", "'5667676²' er ikke et telefonnummer"),
        ("0259/departments.csv", "phone", "٥٦٦٧٦٧٦٧", "'٥٦٦٧٦٧٦٧' er ikke et telefonnummer"),
        ("0259/departments.csv", "phone", "5" * 40, "er ikke et telefonnummer"),
        ("0259/departments.csv", "phone", "112", "'112' er alarmnummeret. Skriv afdelingens eget nummer"),
        ("0259/municipality.csv", "main_phone", "114", "'114' er alarmnummeret"),
        ("0259/departments.csv", "minimum_age", "²", "'²' er ikke et helt tal"),
        ("0259/departments.csv", "parent", "Åben Rådgivning", "hører under sig selv"),
        ("national/processing_times.csv", "weeks", "9" * 20, "er ikke et helt tal under 1000"),
        ("national/age_transitions.csv", "age", "nan", "'nan' er ikke et tal"),
        ("0259/departments.csv", "phone_hours", "9-15", "'9-15' er ikke åbningstider. Skriv fx Mo-We"),
        ("0259/departments.csv", "phone_hours", "Mo-Fr 09:00-12:00; Tu 13:00-15:00", "samme dag to gange"),
        (
            "0259/departments.csv",
            "type",
            "familieafdelng",
            "afdelingstypen 'familieafdelng' kendes ikke. Mente du 'familieafdeling'?",
        ),
        ("0259/departments.csv", "topics", "bostotte", "emnet 'bostotte' kendes ikke. Mente du 'bostoette'?"),
        ("0259/departments.csv", "as_of", "", "mangler. Skriv fx 2026-03-30"),
        ("0259/departments.csv", "as_of", "2026-13", "'2026-13' er ikke en kildedato"),
        ("0259/departments.csv", "sources", "", "kilden mangler. Skriv adressen"),
        ("0259/departments.csv", "confidence", "hig", "'hig' kendes ikke. Mente du 'high'?"),
        ("0259/municipality.csv", "email", "raadhus at koege", "er ikke en e-mailadresse"),
        ("0259/municipality.csv", "postal_codes", "46", "'46' er ikke et postnummer"),
        ("national/legal_basis.csv", "valid_from", "1. januar", "er ikke en dato. Skriv år-måned-dag"),
        ("national/legal_basis.csv", "topic", "", "mangler. Feltet skal udfyldes"),
        ("national/legal_basis.csv", "replaces", "serviceloven § 43", "findes ikke som ophørt under emnet"),
        ("national/topic_words.csv", "kind", "alias", "'alias' kendes ikke"),
        ("national/closing_days.csv", "day", "41", "41/5 findes ikke"),
        ("0259/departments.csv", "as_of", "2093-04-17", "er ikke kommet endnu"),
        ("0259/departments.csv", "name", "a" * 161, "er på 161 tegn. Der er plads til 160"),
        ("0259/municipality.csv", "website", "https://" + "a" * 80, "er på 88 tegn. Der er plads til 80"),
        ("0259/municipality.csv", "full_name", "a" * 81, "er på 81 tegn. Der er plads til 80"),
        ("0259/municipality.csv", "aliases", "a" * 61, "er på 61 tegn. Der er plads til 60"),
    ],
)
def test_a_fault_names_file_line_column_and_remedy(folder, file, column, value, says):
    edit(folder / file, set_cell(column, value))
    problems = [str(problem) for problem in check(folder).problems]
    assert len(problems) == 1
    assert problems[0].startswith(f"{file}:2: {column}:")
    assert says in problems[0]


def test_a_day_that_no_year_has_is_a_fault(folder):
    def thirtieth_of_february(rows):
        rows[0] |= {"month": "2", "day": "30"}

    edit(folder / "national/closing_days.csv", thirtieth_of_february)
    assert ["30/2 findes ikke" in str(problem) for problem in check(folder).problems] == [True]


def test_a_gap_in_the_law_is_a_fault(folder):
    edit(folder / "national/legal_basis.csv", set_cell("valid_from", "2024-02-01"))
    assert "der er et hul: 'serviceloven § 42' gjaldt til 2023-12-31" in str(check(folder).problems[0])


def test_overlapping_periods_are_a_fault(folder):
    def overlap(rows):
        row = next(row for row in rows if row["topic"] == "merudgifter_boern" and row["valid_to"] == "2025-08-31")
        row["valid_to"] = "2025-10-31"

    edit(folder / "national/legal_basis.csv", overlap)
    assert any("gælder to gange på samme dag" in str(problem) for problem in check(folder).problems)


@pytest.mark.parametrize(
    "file",
    [
        "0259/departments.csv",
        "national/closing_days.csv",
        "national/age_rules.csv",
        "national/topic_words.csv",
        "0730/service_notes.csv",
    ],
)
def test_a_duplicate_line_points_at_the_first(folder, file):
    edit(folder / file, lambda rows: [*rows, rows[0]])
    (problem,) = check(folder).problems
    assert f"står også i {file}:2" in problem.what


def test_missing_and_unknown_columns(folder):
    path = folder / "0259/departments.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("phone_hours", "telefontid", 1), encoding="utf-8")
    said = [str(problem) for problem in check(folder).problems]
    assert "0259/departments.csv:1: phone_hours: kolonnen mangler. Sæt den ind i første linje." in said
    assert any("telefontid: kolonnen kendes ikke" in line for line in said)


def test_a_line_with_too_many_fields_and_a_file_in_the_wrong_encoding(folder):
    with (folder / "0259/departments.csv").open("a", encoding="utf-8") as file:
        file.write("borgerservice,Ny,x,y\n")
    (folder / "0730/departments.csv").write_bytes("type,name\nå".encode("cp1252"))
    said = " | ".join(str(problem) for problem in check(folder).problems)
    assert "linjen har 4 felter" in said
    assert "filen er ikke UTF-8. Gem den som 'CSV UTF-8'" in said


def test_excel_saves_with_semicolons_and_a_byte_order_mark(folder):
    path = folder / "0259/municipality.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    assert check(folder).problems == []


@pytest.fixture
def engine(empty, tmp_path):
    with own_engine(new_database(empty, tmp_path)) as engine:
        migrate(engine)
        yield engine


def everything(engine):
    with Session(engine, future=True) as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in m.Base.metadata.sorted_tables
            if table.name != "table_version"
        }


def test_loading_twice_gives_the_same_rows_and_ids(engine):
    load(engine)
    first = everything(engine)
    load(engine)
    assert everything(engine) == first


def test_a_faulty_file_leaves_the_table_as_it_was(engine, folder):
    load(engine, folder)
    before, version = everything(engine), loaded_fingerprint(engine)
    edit(folder / "0259/departments.csv", set_cell("phone", "12"))
    edit(folder / "0101/departments.csv", set_cell("name", "Et andet navn"))
    with pytest.raises(KnowledgeError, match="1 fejl"):
        load(engine, folder)
    assert everything(engine) == before
    assert loaded_fingerprint(engine) == version


def test_an_edited_number_is_in_the_table_after_loading(engine, folder):
    edit(folder / "0259/departments.csv", set_cell("phone", "56 67 00 00"))
    load(engine, folder)
    with Session(engine, future=True) as session:
        found = session.execute(select(func.count()).where(m.ContactPoint.value == "56670000")).scalar_one()
    assert found == 1


def test_foreign_keys_hold(engine):
    with Session(engine, future=True) as session, pytest.raises(IntegrityError):
        session.add(m.TopicWord(id="x", topic="findes_ikke", word="x", kind="name"))
        session.commit()


def test_corrections_survive_a_reload(engine):
    import datetime as dt

    load(engine)
    with Session(engine, future=True) as session:
        session.add(
            m.CorrectionReport(
                table_name="contact_point",
                record_id="x",
                field="value",
                message="forkert",
                reported_at=dt.datetime.now(),
            )
        )
        session.commit()
    load(engine)
    with Session(engine, future=True) as session:
        assert session.execute(select(func.count()).select_from(m.CorrectionReport)).scalar_one() == 1


def test_stats_count_the_facts_that_were_gathered():
    said = vejviser("knowledge", "stats").stdout
    counts = {line.strip().split(" ", 1)[1]: int(line.split()[0]) for line in said.split("\n\n")[0].splitlines()}
    assert counts["kommuner"] == 98
    assert counts["emner"] == 61
    assert counts["afdelingstyper"] == 26
    assert counts["retsgrundlag"] == 84 + 99
    assert counts["sagsbehandlingsfrister"] == 189 + 121 + 6  # and six that hold in the whole country
    assert counts["regionale enheder"] == 36
    assert counts["hjælpelinjer"] == 30
    # 229 + 175 departments and 18 lines of Borgerservice hours; one of those was the same office from the same page.
    # Beside them the 11 units of Vordingborg and the administrations that departments name as their parents.
    assert counts["afdelinger i kommuner"] == 229 + 175 + 18 - 1 + 11


def test_the_command_ends_with_1_on_a_fault(folder):
    edit(folder / "0259/departments.csv", set_cell("phone", "12"))
    result = vejviser("knowledge", "check", "--quiet", "--folder", str(folder))
    assert result.returncode == 1
    assert "FEJL  0259/departments.csv:2: phone:" in result.stdout
    assert vejviser("knowledge", "check", "--quiet").returncode == 0
