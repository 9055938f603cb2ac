"""The HSDS package: valid against its own description, and true to the table."""

import csv
import io
import json
import zipfile

import frictionless
import pytest

from bot.knowledge import editing, hsds
from bot.knowledge.directory import Directory
from tests.conftest import MONDAY
from tests.unit.test_editing import change, line


def written(files, folder):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "datapackage.json"


def read(files, name):
    return list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode())))


def faults(path):
    report = frictionless.validate(str(path), trusted=True)
    return [error for task in report.tasks for error in task.flatten(["fieldName", "rowPosition", "message"])] + list(
        report.errors
    )


def test_the_whole_country_is_a_valid_package(directory, tmp_path):
    files = hsds.package(directory, list(directory.municipalities), MONDAY)
    assert faults(written(files, tmp_path)) == []
    assert len({row["municipality_code"] for row in read(files, "organization")}) == 98


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("organization", "name", ""),
        ("schedule", "opens_at", "kl. 9"),
        ("service", "status", "måske"),
        ("phone", "organization_id", "findes-ikke"),
        ("address", "id", "dobbelt"),
    ],
)
def test_a_package_that_is_wrong_is_found(directory, tmp_path, table, column, value):
    files = hsds.package(directory, list(directory.municipalities), MONDAY)
    rows = read(files, table)
    for row in rows[:2]:
        row[column] = value
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    assert faults(written(files | {f"{table}.csv": out.getvalue().encode()}, tmp_path))


def test_it_says_what_the_table_says_after_an_edit(table):
    change(table, line(table), phone="56671122", phone_hours="Mo-Tu 09:00-14:00")
    files = hsds.package(Directory.read(table), ["0259"], MONDAY)
    org = next(row for row in read(files, "organization") if row["name"] == "Åben Rådgivning")
    assert (org["as_of"], org["walk_in"], org["department_type"]) == ("2026-11-23", "yes", "aaben_raadgivning")
    phone = next(row for row in read(files, "phone") if row["organization_id"] == org["id"])
    assert phone["number"] == "56671122"
    hours = [row for row in read(files, "schedule") if row["phone_id"] == phone["id"]]
    assert [(row["byday"], row["opens_at"], row["closes_at"]) for row in hours] == [
        ("MO", "09:00", "14:00"),
        ("TU", "09:00", "14:00"),
    ]
    (service,) = [row for row in read(files, "service") if row["organization_id"] == org["id"]]
    assert service["assured_date"] == "2026-11-23"
    assert {row["municipality_code"] for row in read(files, "organization")} == {"0259"}


def test_what_a_citizen_may_not_see_is_not_in_it(table):
    seen = line(table)
    editing.change(
        table, seen.id, {"confidence": "low"}, who="A", source="", now=MONDAY, codes={"0259"}, version=seen.version
    )
    files = hsds.package(Directory.read(table), ["0259"], MONDAY)
    assert b"\xc3\x85ben R\xc3\xa5dgivning," not in files["organization.csv"]


def test_every_column_of_the_danish_profile_is_explained(directory):
    files = hsds.package(directory, ["0259"], MONDAY)
    described = json.loads(files["datapackage.json"])
    columns = {field["name"] for one in described["resources"] for field in one["schema"]["fields"]}
    for column in ("municipality_code", "walk_in", "phone_id", "processing_time", "source_url", "as_of", "confidence"):
        assert column in columns and column in described["description"]


def test_the_zip_holds_all_of_it(directory):
    files = hsds.package(directory, ["0259"], MONDAY)
    with zipfile.ZipFile(io.BytesIO(hsds.packed(files))) as archive:
        assert set(archive.namelist()) == set(files) and archive.testzip() is None
