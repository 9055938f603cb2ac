"""An editor's change: spoken, kept through every reload of the files, told with who and when, and undone."""

import csv
import datetime as dt
import shutil

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.answers.find import find_answer
from bot.knowledge import editing, rows
from bot.knowledge import models as m
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Shelf
from bot.knowledge.load import KNOWLEDGE, load
from tests.conftest import MONDAY
from tests.unit.test_check import edit as edit_file
from tests.unit.test_check import everything, set_cell

KOEGE = {"0259"}
ANNA = {"who": "Anna", "now": MONDAY, "codes": KOEGE}
PAGE = "https://www.koege.dk/familie"


@pytest.fixture
def engine(database, tmp_path):
    """A table of its own, which the test may change."""
    shutil.copy(database.removeprefix("sqlite:///"), tmp_path / "t.db")
    return make_engine(f"sqlite:///{tmp_path}/t.db")


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(KNOWLEDGE, tmp_path / "knowledge")


def line(engine, title="Åben Rådgivning", code="0259"):
    return next(one for one in editing.own_lines(engine, code, MONDAY) if one.title == title)


def change(engine, row, **cells):
    return editing.change(engine, row.id, cells, source=PAGE, version=row.version, **ANNA)


def where(engine, topic="raad_og_vejledning", now=MONDAY):
    return find_answer(Shelf(engine).current(), topic, "0259", now=now).department


def numbers(department):
    return [phone.number.replace(" ", "") for phone in department.phones]


# -- spoken ------------------------------------------------------------------------------------------------------


def test_a_changed_number_is_spoken_a_second_later(engine):
    ticks = [0.0]
    shelf = Shelf(engine, clock=lambda: ticks[0])
    before = find_answer(shelf.current(), "raad_og_vejledning", "0259", now=MONDAY)
    assert "56672628" in numbers(before.department)
    change(engine, line(engine), phone="56 67 11 22")
    ticks[0] += 1
    after = find_answer(shelf.current(), "raad_og_vejledning", "0259", now=MONDAY)
    assert "56671122" in numbers(after.department) and "56672628" not in numbers(after.department)
    assert after.department.id == before.department.id, "corrections and history still point at it"
    source = next(source for source in after.sources if source.url == PAGE)
    assert (source.date, source.confidence, source.stale) == ("2026-11-23", "high", False)


def test_hours_address_and_kind_of_door_are_spoken(engine):
    change(engine, line(engine), phone_hours="Mo-Fr 09:00-14:00", address="Nygade 1, 4600 Køge", walk_in="appointment")
    found = where(engine)
    assert found.open_now is True
    assert (found.address, found.walk_in) == ("Nygade 1, 4600 Køge", "appointment")


def test_a_change_touches_nothing_else(engine):
    before = everything(engine)
    change(engine, line(engine), phone="56671122")
    after = everything(engine)
    changed = {name for name in before if before[name] != after[name]}
    facts = {"organization", "organization_source", "source", "contact_point"}
    assert changed == {"sheet_row", "change", *facts}
    assert len(set(before["contact_point"]) ^ set(after["contact_point"])) == 2
    assert len(set(before["organization"]) ^ set(after["organization"])) == 2


def test_a_deadline_and_a_note_can_be_changed(engine):
    one = next(one for one in editing.own_lines(engine, "0259", MONDAY, "processing_times.csv"))
    change(engine, one, text="4 uger", weeks="4")
    assert (
        find_answer(
            Shelf(engine).current(), one.cells["topic"], "0259", now=MONDAY, facets=("time",)
        ).processing_time.weeks
        == 4
    )


def test_a_new_department_and_one_taken_away(engine):
    cells = {"type": "familieafdeling", "name": "Familiehuset", "phone": "56671122", "walk_in": "no"}
    cells |= {"topics": "tabt_arbejdsfortjeneste", "first_for": "tabt_arbejdsfortjeneste"}
    editing.add(engine, "0259", "departments.csv", cells, source="", **ANNA)
    assert where(engine, "tabt_arbejdsfortjeneste").name == "Familiehuset"
    new = line(engine, "Familiehuset")
    assert new.cells["sources"] == "Oplyst af Køge Kommune" and new.cells["as_of"] == "2026-11-23"
    editing.remove(engine, new.id, source="", **ANNA)
    assert not [one for one in editing.own_lines(engine, "0259", MONDAY) if one.title == "Familiehuset"]
    assert "Familiehuset" not in str(where(engine, "tabt_arbejdsfortjeneste"))


# -- what an editor may ------------------------------------------------------------------------------------------


def test_a_neighbours_line_is_not_hers(engine):
    theirs = editing.own_lines(engine, "0253", MONDAY)[0]
    before = everything(engine)
    with pytest.raises(editing.NotYours):
        change(engine, theirs, phone="56671122")
    with pytest.raises(editing.NotYours):
        editing.confirm(engine, theirs.id, **ANNA)
    with pytest.raises(editing.NotYours):
        editing.remove(engine, theirs.id, source="", **ANNA)
    with pytest.raises(editing.NotYours):
        editing.add(engine, "0253", "departments.csv", {"name": "x"}, source="", **ANNA)
    with pytest.raises(editing.NoRow):
        editing.confirm(engine, "findes-ikke", **ANNA)
    assert everything(engine) == before


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"phone": "12 34"}, "telefon: '12 34' er ikke et dansk telefonnummer. Skriv 8 cifre"),
        ({"phone_hours": "9-15"}, "telefontid: '9-15' er ikke åbningstider. Skriv fx Mo-We"),
        ({"email": "raadhus"}, "er ikke en e-mailadresse. Skriv fx"),
        ({"topics": "bostotte"}, "Mente du 'bostoette'?"),
        ({"type": "familieafdelng"}, "Mente du 'familieafdeling'?"),
        ({"name": " "}, "navn: mangler. Feltet skal udfyldes."),
        ({"as_of": "2093-01-01"}, "er ikke kommet endnu"),
        ({"telefon": "56671122"}, "kolonnen kendes ikke"),
        ({"phone": "ring", "email": "x"}, "e-mail: 'x' er ikke"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy_and_nothing_changes(engine, cells, says):
    before = everything(engine)
    with pytest.raises(editing.BadEdit) as refused:
        change(engine, line(engine), **cells)
    assert says in str(refused.value)
    assert all(fault.row == line(engine).id for fault in refused.value.faults)
    assert everything(engine) == before


def test_what_the_place_is_called_is_not_the_editors(engine):
    with pytest.raises(editing.BadEdit, match=r"navn: kan ikke rettes her. Skriv igen: Køge"):
        change(engine, line(engine, "Køge Kommune"), name="Kjøge")
    with pytest.raises(editing.BadEdit, match="kan ikke slettes"):
        editing.remove(engine, line(engine, "Køge Kommune").id, source="", **ANNA)
    change(engine, line(engine, "Køge Kommune"), main_phone="56671122")
    assert "56671122" in numbers(where(engine, "bostoette"))


def test_two_editors_and_one_line(engine):
    seen = line(engine)
    change(engine, seen, phone="56671122")
    with pytest.raises(
        editing.RowChanged, match=r"'Åben Rådgivning' er blevet ændret af Anna 23\.11\.2026 kl\. 10\.00"
    ):
        change(engine, seen, phone="56671133")
    assert line(engine).cells["phone"] == "56671122"


# -- evidence ----------------------------------------------------------------------------------------------------


def test_still_right_renews_the_date_and_keeps_the_source(engine):
    old = next(one for one in editing.stale(engine, "0259", MONDAY) if one.sheet == "departments.csv")
    editing.confirm(engine, old.id, **ANNA)
    new = line(engine, old.title)
    assert (new.cells["as_of"], new.cells["confidence"]) == ("2026-11-23", "high")
    assert new.cells["sources"] == old.cells["sources"]
    assert not new.stale
    assert {**new.cells, "as_of": "", "confidence": ""} == {**old.cells, "as_of": "", "confidence": ""}
    assert old.id not in [one.id for one in editing.stale(engine, "0259", MONDAY)]


def test_own_notes_do_not_renew_the_date(engine):
    seen = line(engine)
    change(engine, seen, notes="Ring til Birthe først")
    assert line(engine).cells["as_of"] == seen.cells["as_of"]


def test_the_stale_come_first_with_the_page_to_look_at(engine):
    editing.confirm(engine, line(engine).id, **ANNA)
    lines = editing.own_lines(engine, "0259", MONDAY)
    stale = [one.stale for one in lines]
    assert True in stale and False in stale and stale == sorted(stale, reverse=True)
    assert lines[0].cells["as_of"] == "udateret" and lines[0].link.startswith("https://")


# -- the history -------------------------------------------------------------------------------------------------


def test_the_history_tells_who_when_before_after_and_where_from(engine):
    change(engine, line(engine), phone="56671122")
    phone = next(one for one in editing.history(engine, KOEGE) if one.field == "phone")
    assert (phone.before, phone.after, phone.source) == ("56672628", "56671122", PAGE)
    assert (phone.changed_by, phone.changed_at) == ("Anna", dt.datetime(2026, 11, 23, 9, 0))
    assert editing.said(phone) == "telefon: 56672628 → 56671122"
    assert editing.history(engine, {"0253"}) == []
    assert {one.field for one in editing.history(engine, KOEGE, line(engine).id)} == {"phone", "sources", "as_of"}


def test_undo_puts_the_line_back_and_it_follows_the_files_again(engine, folder):
    before = line(engine)
    (batch,) = {one.batch for one in change(engine, before, phone="56671122")}
    editing.undo(engine, batch, **ANNA)
    assert line(engine) == before
    with pytest.raises(editing.RowChanged):
        editing.undo(engine, batch, **ANNA)
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    load(engine, folder, MONDAY)
    assert line(engine).cells["phone"] == "56674444"


def test_undo_brings_a_deleted_line_back_and_takes_a_new_one_away(engine):
    before = line(engine)
    (gone,) = editing.remove(engine, before.id, source="", **ANNA)
    assert "Åben Rådgivning" not in str(where(engine))
    (back,) = editing.undo(engine, gone.batch, **ANNA)
    assert line(engine) == before and where(engine).name == "Åben Rådgivning"
    assert editing.said(back) == "linjen tilføjet: Åben Rådgivning"


def test_undo_refuses_when_somebody_changed_it_since(engine):
    first = change(engine, line(engine), phone="56671122")
    change(engine, line(engine), phone="56671133")
    with pytest.raises(editing.RowChanged):
        editing.undo(engine, first[0].batch, **ANNA)
    assert line(engine).cells["phone"] == "56671133"
    with pytest.raises(editing.NotYours):
        editing.undo(engine, first[0].batch, who="B", now=MONDAY, codes={"0253"})


# -- the files come again ----------------------------------------------------------------------------------------


def conflicts(engine):
    with Session(engine, future=True) as session:
        return {row.id: (row.incoming, row.fault) for row in rows.conflicts(session)}


def test_a_reload_keeps_the_change_and_is_no_conflict_while_the_files_say_nothing_new(engine, folder):
    change(engine, line(engine), phone="56671122")
    after = everything(engine)
    load(engine, folder, MONDAY)
    again = everything(engine)
    assert conflicts(engine) == {}
    for name in ("organization", "contact_point", "schedule", "service", "sheet_row", "change", "processing_time"):
        assert again[name] == after[name], name
    assert "56671122" in numbers(where(engine))


def test_a_reload_never_overwrites_but_lists_the_conflict(engine, folder):
    change(engine, line(engine), phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    for _ in range(2):
        load(engine, folder, MONDAY)
        assert line(engine).cells["phone"] == "56671122" and "56671122" in numbers(where(engine))
        assert conflicts(engine) == {line(engine).id: ({"phone": "56674444"}, None)}
    editing.settle(engine, line(engine).id, theirs=False, **ANNA)
    load(engine, folder, MONDAY)
    assert conflicts(engine) == {} and line(engine).cells["phone"] == "56671122"


def test_the_files_may_win_when_the_editor_says_so(engine, folder):
    change(engine, line(engine), phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    load(engine, folder, MONDAY)
    changes = editing.settle(engine, line(engine).id, theirs=True, **ANNA)
    assert next(one.after for one in changes if one.field == "phone") == "56674444"
    assert conflicts(engine) == {} and not line(engine).edited
    assert "56674444" in numbers(where(engine))


def test_a_confirmed_line_is_the_editors_too(engine, folder):
    """Her date must not come to stand on a number she never saw."""
    editing.confirm(engine, line(engine).id, **ANNA)
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    load(engine, folder, MONDAY)
    assert line(engine).cells["phone"] == "56672628"
    assert conflicts(engine)[line(engine).id][0] == {"phone": "56674444"}


def test_another_date_in_the_files_is_no_conflict_and_keeps_the_line(engine, folder):
    before = line(engine)
    change(engine, before, phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("as_of", "2025-01-01"))
    load(engine, folder, MONDAY)
    assert conflicts(engine) == {} and line(engine).id == before.id and line(engine).cells["phone"] == "56671122"


def test_a_line_that_leaves_the_files_stays_with_the_editor(engine, folder):
    change(engine, line(engine), phone="56671122")
    edit_file(folder / "0259/departments.csv", lambda lines: lines[1:])
    load(engine, folder, MONDAY)
    assert conflicts(engine) == {line(engine).id: ({"row": ""}, None)}
    assert "56671122" in numbers(where(engine))
    editing.settle(engine, line(engine).id, theirs=True, **ANNA)
    assert "Åben Rådgivning" not in [one.title for one in editing.own_lines(engine, "0259", MONDAY)]


def test_an_untouched_line_follows_the_files(engine, folder):
    change(engine, line(engine), phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444", row=1))
    load(engine, folder, MONDAY)
    assert line(engine, "Borgerservice (Borgerbetjeningen)").cells["phone"] == "56674444"
    edit_file(folder / "0259/departments.csv", lambda lines: [*lines[:1], *lines[2:]])
    load(engine, folder, MONDAY)
    assert "Borgerservice (Borgerbetjeningen)" not in [one.title for one in editing.own_lines(engine, "0259", MONDAY)]


def test_a_deleted_line_stays_deleted(engine, folder):
    editing.remove(engine, line(engine).id, source="", **ANNA)
    load(engine, folder, MONDAY)
    assert "Åben Rådgivning" not in str(where(engine))


def test_a_line_that_no_longer_fits_is_set_aside_and_the_load_goes_on(engine, folder):
    """A topic the editor uses leaves the country's list: her line waits, the files' own line is spoken."""
    change(engine, line(engine), topics="raad_og_vejledning;bostoette", phone="56671122")
    with Session(engine, future=True) as session, session.begin():
        row = session.get(m.SheetRow, line(engine).id)
        row.cells = {**row.cells, "topics": "raad_og_vejledning;nedlagt_emne"}
    load(engine, folder, MONDAY)
    ((_, fault),) = conflicts(engine).values()
    assert "emnet 'nedlagt_emne' kendes ikke" in fault
    assert "56672628" in numbers(where(engine)), "what the files say, meanwhile"
    change(engine, line(engine), topics="raad_og_vejledning")
    assert conflicts(engine) == {} and "56671122" in numbers(where(engine))


def test_the_shipped_lines_are_all_there_and_nobodys(engine):
    with Session(engine, future=True) as session:
        kept = session.execute(select(m.SheetRow)).scalars().all()
        files = sum(
            len(list(csv.DictReader(path.open(encoding="utf-8-sig")))) for path in KNOWLEDGE.glob("[0-9]*/*.csv")
        )
        assert len(kept) == files and not any(row.edited for row in kept)
        assert len({row.municipality_code for row in kept}) == 98
