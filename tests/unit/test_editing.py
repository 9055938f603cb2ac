"""An editor's change: spoken, kept through every reload of the files, told with who and when, and undone."""

import csv
import datetime as dt
import shutil
import threading

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.answers.find import find_answer
from bot.knowledge import editing, rows
from bot.knowledge import models as m
from bot.knowledge.directory import Shelf
from bot.knowledge.load import KNOWLEDGE, load
from tests.conftest import MONDAY
from tests.unit.test_check import edit as edit_file
from tests.unit.test_check import everything, set_cell

KOEGE = {"0259"}
ANNA = {"who": "Anna", "now": MONDAY, "codes": KOEGE}
PAGE = "https://www.koege.dk/familie"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(KNOWLEDGE, tmp_path / "knowledge")


def line(table, title="Åben Rådgivning", code="0259"):
    return next(one for one in editing.own_lines(table, code, MONDAY) if one.title == title)


def change(table, row, **cells):
    return editing.change(table, row.id, cells, source=PAGE, version=row.version, **ANNA)


def where(table, topic="raad_og_vejledning", now=MONDAY):
    return find_answer(Shelf(table).current(), topic, "0259", now=now).department


def numbers(department):
    return [phone.number.replace(" ", "") for phone in department.phones]


# -- spoken ------------------------------------------------------------------------------------------------------


def test_a_changed_number_is_spoken_a_second_later(table):
    ticks = [0.0]
    shelf = Shelf(table, clock=lambda: ticks[0])
    before = find_answer(shelf.current(), "raad_og_vejledning", "0259", now=MONDAY)
    assert "56672628" in numbers(before.department)
    change(table, line(table), phone="56 67 11 22")
    ticks[0] += 1
    after = find_answer(shelf.current(), "raad_og_vejledning", "0259", now=MONDAY)
    assert "56671122" in numbers(after.department) and "56672628" not in numbers(after.department)
    assert after.department.id == before.department.id, "corrections and history still point at it"
    source = next(source for source in after.sources if source.url == PAGE)
    assert (source.date, source.confidence, source.stale) == ("2026-11-23", "high", False)


def test_hours_address_and_kind_of_door_are_spoken(table):
    change(table, line(table), phone_hours="Mo-Fr 09:00-14:00", address="Nygade 1, 4600 Køge", walk_in="appointment")
    found = where(table)
    assert found.open_now is True
    assert (found.address, found.walk_in) == ("Nygade 1, 4600 Køge", "appointment")


def test_a_change_touches_nothing_else(table):
    before = everything(table)
    change(table, line(table), phone="56671122")
    after = everything(table)
    changed = {name for name in before if before[name] != after[name]}
    facts = {"organization", "organization_source", "source", "contact_point"}
    assert changed == {"sheet_row", "change", *facts}
    assert len(set(before["contact_point"]) ^ set(after["contact_point"])) == 2
    assert len(set(before["organization"]) ^ set(after["organization"])) == 2


def test_a_deadline_and_a_note_can_be_changed(table):
    one = next(one for one in editing.own_lines(table, "0259", MONDAY, "processing_times.csv"))
    change(table, one, text="4 uger", weeks="4")
    assert (
        find_answer(
            Shelf(table).current(), one.cells["topic"], "0259", now=MONDAY, facets=("time",)
        ).processing_time.weeks
        == 4
    )


def test_a_new_department_and_one_taken_away(table):
    cells = {"type": "familieafdeling", "name": "Familiehuset", "phone": "56671122", "walk_in": "no"}
    cells |= {"topics": "tabt_arbejdsfortjeneste", "first_for": "tabt_arbejdsfortjeneste"}
    editing.add(table, "0259", "departments.csv", cells, source="", **ANNA)
    assert where(table, "tabt_arbejdsfortjeneste").name == "Familiehuset"
    new = line(table, "Familiehuset")
    assert new.cells["sources"] == "Oplyst af Køge Kommune" and new.cells["as_of"] == "2026-11-23"
    editing.remove(table, new.id, source="", **ANNA)
    assert not [one for one in editing.own_lines(table, "0259", MONDAY) if one.title == "Familiehuset"]
    assert "Familiehuset" not in str(where(table, "tabt_arbejdsfortjeneste"))


# -- what an editor may ------------------------------------------------------------------------------------------


def test_a_neighbours_line_is_not_hers(table):
    theirs = editing.own_lines(table, "0253", MONDAY)[0]
    before = everything(table)
    with pytest.raises(editing.NotYours):
        change(table, theirs, phone="56671122")
    with pytest.raises(editing.NotYours):
        editing.confirm(table, theirs.id, **ANNA)
    with pytest.raises(editing.NotYours):
        editing.remove(table, theirs.id, source="", **ANNA)
    with pytest.raises(editing.NotYours):
        editing.add(table, "0253", "departments.csv", {"name": "x"}, source="", **ANNA)
    with pytest.raises(editing.NoRow):
        editing.confirm(table, "findes-ikke", **ANNA)
    assert everything(table) == before


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"phone": "12 34"}, "telefon: '12 34' er ikke et dansk telefonnummer. Skriv 8 cifre"),
        ({"phone_hours": "9-15"}, "telefontid: '9-15' er ikke åbningstider. Skriv fx ma-on"),
        ({"email": "raadhus"}, "er ikke en e-mailadresse. Skriv fx"),
        ({"topics": "bostotte"}, "Mente du 'bostoette'?"),
        ({"type": "familieafdelng"}, "Mente du 'familieafdeling'?"),
        ({"name": " "}, "navn: mangler. Feltet skal udfyldes."),
        ({"as_of": "2093-01-01"}, "er ikke kommet endnu"),
        ({"telefon": "56671122"}, "kolonnen kendes ikke"),
        ({"phone": "ring", "email": "x"}, "e-mail: 'x' er ikke"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy_and_nothing_changes(table, cells, says):
    before = everything(table)
    with pytest.raises(editing.BadEdit) as refused:
        change(table, line(table), **cells)
    assert says in str(refused.value)
    assert all(fault.row == line(table).id for fault in refused.value.faults)
    assert everything(table) == before


def test_what_the_place_is_called_is_not_the_editors(table):
    with pytest.raises(editing.BadEdit, match=r"navn: kan ikke rettes her. Skriv igen: Køge"):
        change(table, line(table, "Køge Kommune"), name="Kjøge")
    with pytest.raises(editing.BadEdit, match="kan ikke slettes"):
        editing.remove(table, line(table, "Køge Kommune").id, source="", **ANNA)
    change(table, line(table, "Køge Kommune"), main_phone="56671122")
    assert "56671122" in numbers(where(table, "bostoette"))


def test_two_editors_and_one_line(table):
    seen = line(table)
    change(table, seen, phone="56671122")
    with pytest.raises(
        editing.RowChanged, match=r"'Åben Rådgivning' er blevet ændret af Anna 23\.11\.2026 kl\. 10\.00"
    ):
        change(table, seen, phone="56671133")
    assert line(table).cells["phone"] == "56671122"


def test_of_eight_who_save_the_same_line_at_once_one_wins(table):
    seen = line(table)
    met = []

    def save(number):
        try:
            change(table, seen, phone=f"5667112{number}")
            met.append("saved")
        except editing.RowChanged:
            met.append("told")

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(met) == ["saved"] + ["told"] * 7
    assert len([one for one in editing.history(table, KOEGE) if one.field == "phone"]) == 1


# -- evidence ----------------------------------------------------------------------------------------------------


def test_still_right_renews_the_date_and_keeps_the_source(table):
    old = next(one for one in editing.stale(table, "0259", MONDAY) if one.sheet == "departments.csv")
    editing.confirm(table, old.id, **ANNA)
    new = line(table, old.title)
    assert (new.cells["as_of"], new.cells["confidence"]) == ("2026-11-23", "high")
    assert new.cells["sources"] == old.cells["sources"]
    assert not new.stale
    assert {**new.cells, "as_of": "", "confidence": ""} == {**old.cells, "as_of": "", "confidence": ""}
    assert old.id not in [one.id for one in editing.stale(table, "0259", MONDAY)]


def test_own_notes_do_not_renew_the_date(table):
    seen = line(table)
    change(table, seen, notes="Ring til Birthe først")
    assert line(table).cells["as_of"] == seen.cells["as_of"]


def test_the_stale_come_first_with_the_page_to_look_at(table):
    editing.confirm(table, line(table).id, **ANNA)
    lines = editing.own_lines(table, "0259", MONDAY)
    stale = [one.stale for one in lines]
    assert True in stale and False in stale and stale == sorted(stale, reverse=True)
    assert lines[0].cells["as_of"] == "udateret" and lines[0].link.startswith("https://")


# -- the history -------------------------------------------------------------------------------------------------


def test_the_history_tells_who_when_before_after_and_where_from(table):
    change(table, line(table), phone="56671122")
    phone = next(one for one in editing.history(table, KOEGE) if one.field == "phone")
    assert (phone.before, phone.after, phone.source) == ("56672628", "56671122", PAGE)
    assert (phone.changed_by, phone.changed_at) == ("Anna", dt.datetime(2026, 11, 23, 9, 0))
    assert editing.said(phone) == "telefon: 56672628 → 56671122"
    assert editing.history(table, {"0253"}) == []
    assert {one.field for one in editing.history(table, KOEGE, line(table).id)} == {"phone", "sources", "as_of"}


def test_undo_puts_the_line_back_and_it_follows_the_files_again(table, folder):
    before = line(table)
    (batch,) = {one.batch for one in change(table, before, phone="56671122")}
    editing.undo(table, batch, **ANNA)
    assert line(table) == before
    with pytest.raises(editing.RowChanged):
        editing.undo(table, batch, **ANNA)
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    load(table, folder, MONDAY)
    assert line(table).cells["phone"] == "56674444"


def test_undo_brings_a_deleted_line_back_and_takes_a_new_one_away(table):
    before = line(table)
    (gone,) = editing.remove(table, before.id, source="", **ANNA)
    assert "Åben Rådgivning" not in str(where(table))
    (back,) = editing.undo(table, gone.batch, **ANNA)
    assert line(table) == before and where(table).name == "Åben Rådgivning"
    assert editing.said(back) == "linjen tilføjet: Åben Rådgivning"


def test_undo_refuses_when_somebody_changed_it_since(table):
    first = change(table, line(table), phone="56671122")
    change(table, line(table), phone="56671133")
    with pytest.raises(editing.RowChanged):
        editing.undo(table, first[0].batch, **ANNA)
    assert line(table).cells["phone"] == "56671133"
    with pytest.raises(editing.NotYours):
        editing.undo(table, first[0].batch, who="B", now=MONDAY, codes={"0253"})


# -- the files come again ----------------------------------------------------------------------------------------


def conflicts(table):
    with Session(table, future=True) as session:
        return {row.id: (row.incoming, row.fault) for row in rows.conflicts(session)}


def test_a_reload_keeps_the_change_and_is_no_conflict_while_the_files_say_nothing_new(table, folder):
    change(table, line(table), phone="56671122")
    after = everything(table)
    load(table, folder, MONDAY)
    again = everything(table)
    assert conflicts(table) == {}
    for name in ("organization", "contact_point", "schedule", "service", "sheet_row", "change", "processing_time"):
        assert again[name] == after[name], name
    assert "56671122" in numbers(where(table))


def test_a_reload_never_overwrites_but_lists_the_conflict(table, folder):
    change(table, line(table), phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    for _ in range(2):
        load(table, folder, MONDAY)
        assert line(table).cells["phone"] == "56671122" and "56671122" in numbers(where(table))
        assert conflicts(table) == {line(table).id: ({"phone": "56674444"}, None)}
    editing.settle(table, line(table).id, theirs=False, **ANNA)
    load(table, folder, MONDAY)
    assert conflicts(table) == {} and line(table).cells["phone"] == "56671122"


def test_the_files_may_win_when_the_editor_says_so(table, folder):
    change(table, line(table), phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    load(table, folder, MONDAY)
    changes = editing.settle(table, line(table).id, theirs=True, **ANNA)
    assert next(one.after for one in changes if one.field == "phone") == "56674444"
    assert conflicts(table) == {} and not line(table).edited
    assert "56674444" in numbers(where(table))


def test_a_confirmed_line_is_the_editors_too(table, folder):
    """Her date must not come to stand on a number she never saw."""
    editing.confirm(table, line(table).id, **ANNA)
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444"))
    load(table, folder, MONDAY)
    assert line(table).cells["phone"] == "56672628"
    assert conflicts(table)[line(table).id][0] == {"phone": "56674444"}


def test_another_date_in_the_files_is_no_conflict_and_keeps_the_line(table, folder):
    before = line(table)
    change(table, before, phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("as_of", "2025-01-01"))
    load(table, folder, MONDAY)
    assert conflicts(table) == {} and line(table).id == before.id and line(table).cells["phone"] == "56671122"


def test_a_line_that_leaves_the_files_stays_with_the_editor(table, folder):
    change(table, line(table), phone="56671122")
    edit_file(folder / "0259/departments.csv", lambda lines: lines[1:])
    load(table, folder, MONDAY)
    assert conflicts(table) == {line(table).id: ({"row": ""}, None)}
    assert "56671122" in numbers(where(table))
    editing.settle(table, line(table).id, theirs=True, **ANNA)
    assert "Åben Rådgivning" not in [one.title for one in editing.own_lines(table, "0259", MONDAY)]


# Sønderborg's files have two lines of one kind and name; the first is the one with "2. sal" in its address.
OF_TWINS = {"who": "Søren", "now": MONDAY, "codes": {"0540"}, "source": PAGE}


def twins(table):
    found = [
        one for one in editing.own_lines(table, "0540", MONDAY) if one.title.startswith("Borgerservice Sønderborg")
    ]
    return sorted(found, key=lambda one: one.cells["address"])


def correct(table, row):
    editing.change(table, row.id, {"phone": "88721111"}, version=row.version, **OF_TWINS)


@pytest.mark.parametrize("leaves", [0, 1])
@pytest.mark.parametrize("hers", [0, 1])
def test_what_an_editor_made_of_a_twin_stays_with_that_one_when_a_twin_leaves_the_files(table, folder, leaves, hers):
    both = twins(table)
    assert len(both) == 2 and both[0].id != both[1].id
    address = both[leaves].cells["address"]
    correct(table, both[hers])
    edit_file(folder / "0540/departments.csv", lambda lines: [one for one in lines if one["address"] != address])
    for _ in range(2):
        load(table, folder, MONDAY)
        left = {one.id: one.cells["phone"] for one in twins(table)}
        if leaves == hers:
            other = both[1 - hers]
            assert left == {both[hers].id: "88721111", other.id: other.cells["phone"]}
            assert conflicts(table) == {both[hers].id: ({"row": ""}, None)}
        else:
            assert left == {both[hers].id: "88721111"} and conflicts(table) == {}
    load(table, now=MONDAY)  # it comes back
    assert [one.id for one in twins(table)] == [one.id for one in both]
    assert twins(table)[hers].cells["phone"] == "88721111"


def test_twins_keep_their_ids_when_the_files_turn_them_round_or_correct_one(table, folder):
    before = everything(table)
    edit_file(folder / "0540/departments.csv", lambda lines: lines[::-1])
    load(table, folder, MONDAY)
    assert everything(table)["contact_point"] == before["contact_point"]
    both = twins(table)
    correct(table, both[1])
    edit_file(folder / "0540/departments.csv", set_cell("phone", "88722222", row=-1))
    load(table, folder, MONDAY)
    assert [(one.id, one.cells["phone"]) for one in twins(table)] == [
        (both[0].id, "88722222"),
        (both[1].id, "88721111"),
    ]
    assert conflicts(table) == {}


def test_a_twin_that_comes_before_an_editors_line_takes_nothing_from_it(table, folder):
    before = line(table)
    change(table, before, phone="56671122")
    stranger = {"phone": "56679999", "address": "Nygade 1, 4600 Køge", "sources": PAGE}
    edit_file(folder / "0259/departments.csv", lambda lines: [{**lines[0], **stranger}, *lines])
    load(table, folder, MONDAY)
    found = {
        one.id == before.id: one.cells["phone"]
        for one in editing.own_lines(table, "0259", MONDAY)
        if one.title == before.title
    }
    assert found == {True: "56671122", False: "56679999"} and conflicts(table) == {}


def test_an_untouched_line_follows_the_files(table, folder):
    change(table, line(table), phone="56671122")
    edit_file(folder / "0259/departments.csv", set_cell("phone", "56674444", row=1))
    load(table, folder, MONDAY)
    assert line(table, "Borgerservice (Borgerbetjeningen)").cells["phone"] == "56674444"
    edit_file(folder / "0259/departments.csv", lambda lines: [*lines[:1], *lines[2:]])
    load(table, folder, MONDAY)
    assert "Borgerservice (Borgerbetjeningen)" not in [one.title for one in editing.own_lines(table, "0259", MONDAY)]


def test_a_deleted_line_stays_deleted(table, folder):
    editing.remove(table, line(table).id, source="", **ANNA)
    load(table, folder, MONDAY)
    assert "Åben Rådgivning" not in str(where(table))


def test_a_line_that_no_longer_fits_is_set_aside_and_the_load_goes_on(table, folder):
    """A topic the editor uses leaves the country's list: her line waits, the files' own line is spoken."""
    change(table, line(table), topics="raad_og_vejledning;bostoette", phone="56671122")
    with Session(table, future=True) as session, session.begin():
        row = session.get(m.SheetRow, line(table).id)
        row.cells = {**row.cells, "topics": "raad_og_vejledning;nedlagt_emne"}
    load(table, folder, MONDAY)
    ((_, fault),) = conflicts(table).values()
    assert "emnet 'nedlagt_emne' kendes ikke" in fault
    assert "56672628" in numbers(where(table)), "what the files say, meanwhile"
    change(table, line(table), topics="raad_og_vejledning")
    assert conflicts(table) == {} and "56671122" in numbers(where(table))


def test_the_shipped_lines_are_all_there_and_nobodys(table):
    with Session(table, future=True) as session:
        kept = session.execute(select(m.SheetRow)).scalars().all()
        files = sum(
            len(list(csv.DictReader(path.open(encoding="utf-8-sig")))) for path in KNOWLEDGE.glob("[0-9]*/*.csv")
        )
        assert len(kept) == files and not any(row.edited for row in kept)
        assert len({row.municipality_code for row in kept}) == 98
