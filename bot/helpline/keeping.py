"""The editor's pages: her own lines, what is stale, what somebody says is wrong, the spreadsheet, and the history.

An administrator may do for every municipality what an editor may for her own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Collection
from typing import Any

from flask import Flask, Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import Forbidden, NotFound

from bot.edge.feedback import MAX_MESSAGE
from bot.edge.feedback import ORGANIZATION_FIELDS as FIELDS
from bot.helpline.access import EVERYBODY, add_to_menu, allowed, view
from bot.helpline.context import directory, engine, me, now
from bot.knowledge import corrections, editing, hsds, rows, spreadsheets
from bot.knowledge.editing import BadEdit, NoRow, NotYours, RowChanged
from bot.knowledge.labels import COLUMNS, HOURS, LOCKED, SHEETS, WORDS, from_danish, title, to_danish
from bot.knowledge.sheets import LOCAL, SOURCED, words
from bot.safety.redact import redact

KEEPERS = ("editor", "administrator")
LOOKERS = (*KEEPERS, "coordinator")
MAX_UPLOAD = 300_000
SEVERAL = ("topics",)  # chosen from a list, more than one
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONG = ("notes", "text", "way_in")
HINTS = {
    "phone": "8 cifre, fx 56 67 67 67. Tom betyder: ved vi ikke.",
    "main_phone": "8 cifre, fx 56 67 67 67.",
    "address": "Vej og nummer, postnummer og by: Torvet 1, 4600 Køge",
    "opening_hours": "Hvornår døren er åben, fx ma-on 10:00-14:00; to 10:00-17:00",
    "phone_hours": "Hvornår telefonen bliver taget, fx ma-to 09:00-14:00; fr 09:00-12:00",
    "parent": "Navnet på den afdeling eller forvaltning, den hører under.",
    "first_for": "Emner, hvor afdelingen nævnes først, adskilt af semikolon. * betyder den almindelige af sin art.",
    "topics": "De emner, afdelingen tager sig af. Hold Ctrl nede for at vælge flere.",
    "notes": "Til jer selv. Bliver aldrig vist til borgere.",
    "text": "Korte sætninger. Lov ikke noget: skriv, hvem der vurderer, ikke at man får det.",
    "weeks": "Et helt tal, eller tom.",
    "date": "År-måned-dag, fx 2026-12-23. Eller udfyld dag og måned, hvis det er hvert år.",
}


def register(app: Flask) -> None:
    """Add the pages."""
    app.before_request_funcs.setdefault(None, []).insert(0, _room_for_a_sheet)  # before the token in it is read
    app.register_error_handler(NotYours, lambda error: app.handle_http_exception(Forbidden()))
    app.register_error_handler(NoRow, lambda error: app.handle_http_exception(NotFound()))
    app.jinja_env.filters["danish"] = lambda cell, column: to_danish(column, cell)
    app.jinja_env.globals.update(COLUMNS=COLUMNS, SHEETS=SHEETS, said_at=editing.said_at, said=editing.said)
    pages: list[tuple[str, str, Any, tuple[str, ...]]] = [
        ("/redaktion", "keeping", front, ("GET",)),
        ("/redaktion/<code>", "kept", kept, ("GET",)),
        ("/redaktion/<code>/ny/<sheet>", "new_line", new_line, ("GET", "POST")),
        ("/redaktion/<code>/historik", "history", history, ("GET",)),
        ("/redaktion/<code>/konflikter", "conflicts", conflicts, ("GET",)),
        ("/redaktion/<code>/ark", "sheet", sheet, ("GET", "POST")),
        ("/redaktion/<code>/ark/udfoer", "sheet_apply", sheet_apply, ("POST",)),
        ("/redaktion/<code>/ark/hent/<name>", "sheet_out", sheet_out, ("GET",)),
        ("/redaktion/linje/<row_id>", "line", line, ("GET", "POST")),
        ("/redaktion/linje/<row_id>/stadig-rigtigt", "confirm", confirm, ("POST",)),
        ("/redaktion/linje/<row_id>/slet", "remove_line", remove_line, ("GET", "POST")),
        ("/redaktion/linje/<row_id>/afgoer", "settle", settle, ("POST",)),
        ("/redaktion/<code>/fortryd/<batch>", "undo", undo, ("POST",)),
        ("/redaktion/<code>/rettelse/<number>", "correction", correction, ("POST",)),
        ("/meld/<department>", "report", report, ("GET", "POST")),
        ("/redaktion/uden-redaktoer", "unowned", unowned, ("GET", "POST")),
    ]
    for rule, endpoint, page, methods in pages:
        app.add_url_rule(rule, endpoint, page, methods=list(methods))
    add_to_menu(app, "keeping", "Redaktion")


def _room_for_a_sheet() -> None:
    if getattr(view(), "roomy", False):
        request.max_content_length = 3 * MAX_UPLOAD
        request.max_form_memory_size = 2 * MAX_UPLOAD


def _mine() -> Collection[str]:
    """Return the municipalities the person may change."""
    return list(directory().municipalities) if me().has("administrator") else me().municipalities


def _place(code: str, looks_only: bool = False) -> Any:
    """Return the municipality of the address, if it is one of the person's."""
    if code not in directory().municipalities:
        abort(404)
    if code not in _mine() and not (looks_only and me().has("coordinator")):
        abort(403)
    return directory().municipalities[code]


def _line(row_id: str) -> editing.Line:
    """Return a line that is one of the person's and still there."""
    seen = editing.get_line(engine(), row_id, _mine(), now())
    if seen.removed:
        abort(404)
    return seen


def _told(changes: list[Any], nothing: str) -> None:
    """Say what was changed, the evidence apart: it follows from the rest."""
    facts = [editing.said(one) for one in changes if one.field not in SOURCED]
    flash(("Gemt: " + "; ".join(facts[:6]) + ("." if len(facts) <= 6 else " med mere.")) if facts else nothing)


# -- the lines ---------------------------------------------------------------------------------------------------


@allowed(*LOOKERS)
def front() -> Any:
    """Lead to the only municipality, or show those there are with what waits in each."""
    mine = list(directory().municipalities) if me().has("administrator", "coordinator") else me().municipalities
    if len(mine) == 1:
        return redirect(url_for("kept", code=mine[0]))
    waiting = Counter(one.line.municipality for one in corrections.open_corrections(engine(), mine, now()) if one.line)
    with Session(engine(), future=True) as session:
        clashing = Counter(row.municipality_code for row in rows.conflicts(session, mine))
    places = sorted((directory().municipalities[code] for code in mine), key=lambda place: place.name)
    places.sort(key=lambda place: -waiting[place.code] - clashing[place.code])
    return render_template(
        "redaktion/kommuner.html",
        places=places,
        waiting=waiting,
        clashing=clashing,
        unowned=len(corrections.for_nobody(engine(), now())) if me().has("administrator", "coordinator") else 0,
        keeps=bool(_mine()),
    )


@allowed(*KEEPERS)
def kept(code: str) -> Any:
    """Show the lines of a municipality: what somebody says is wrong, what is stale, and the rest."""
    place = _place(code)
    lines = editing.own_lines(engine(), code, now())
    return render_template(
        "redaktion/linjer.html",
        place=place,
        lines=lines,
        stale=[one for one in lines if one.stale],
        fresh=[one for one in lines if not one.stale],
        corrections=corrections.open_corrections(engine(), [code], now()),
        clashing=[one for one in lines if one.conflict],
        topics={topic.code: topic.title for topic in directory().topics.values()},
        new_sheets=[name for name in SHEETS if name != editing.ONE_LINE],
    )


@allowed(*KEEPERS)
def line(row_id: str) -> Any:
    """Show one line to change; change it."""
    seen = _line(row_id)
    typed, faults = dict(seen.cells), {}
    source = request.form.get("source", seen.cells["sources"])
    if request.method == "POST":
        typed |= _typed(seen.sheet, seen.cells)
        try:
            changes = editing.change(
                engine(),
                row_id,
                typed,
                who=me().name,
                source=source,
                now=now(),
                codes=_mine(),
                version=request.form.get("version"),
            )
            _told(changes, "Der var ingen ændringer.")
            return redirect(url_for("kept", code=seen.municipality))
        except BadEdit as bad:
            faults = _by_column(bad)
        except RowChanged as late:
            flash(str(late), "error")
    return render_template(
        "redaktion/linje.html",
        place=_place(seen.municipality),
        seen=seen,
        fields=_fields(seen.sheet),
        typed=typed,
        faults=faults,
        source=source,
        changes=editing.history(engine(), _mine(), row_id, 40),
        corrections=[
            one
            for one in corrections.open_corrections(engine(), [seen.municipality], now())
            if one.line and one.line.id == row_id
        ],
    )


@allowed(*KEEPERS)
def new_line(code: str, sheet: str) -> Any:
    """Show an empty line; add it."""
    place = _place(code)
    if sheet not in SHEETS or sheet == editing.ONE_LINE:
        abort(404)
    typed, faults = dict.fromkeys(LOCAL[sheet], ""), {}
    if request.method == "POST":
        typed |= _typed(sheet, typed)
        try:
            given = {column: cell for column, cell in typed.items() if column not in SOURCED}
            source = request.form.get("source", "")
            changes = editing.add(engine(), code, sheet, given, who=me().name, source=source, now=now(), codes=_mine())
            _told(changes, "")
            return redirect(url_for("kept", code=code))
        except BadEdit as bad:
            faults = _by_column(bad)
    return render_template(
        "redaktion/linje.html",
        place=place,
        seen=None,
        sheet=sheet,
        fields=_fields(sheet),
        typed=typed,
        faults=faults,
        source=request.form.get("source", ""),
        changes=[],
        corrections=[],
    )


@allowed(*KEEPERS)
def confirm(row_id: str) -> Any:
    """Renew a line's date with one press."""
    seen = _line(row_id)
    try:
        seen_as = request.form.get("version")
        editing.confirm(engine(), row_id, who=me().name, now=now(), codes=_mine(), version=seen_as)
        flash(f"{seen.title}: stadig rigtigt, set efter i dag.")
    except (BadEdit, RowChanged) as error:
        flash(str(error), "error")
    return redirect(url_for("kept", code=seen.municipality, _anchor="gamle-" + seen.sheet.split(".")[0]))


@allowed(*KEEPERS)
def remove_line(row_id: str) -> Any:
    """Ask, and take a line away."""
    seen = _line(row_id)
    if request.method == "POST":
        try:
            seen_as = request.form.get("version")
            editing.remove(engine(), row_id, who=me().name, source="", now=now(), codes=_mine(), version=seen_as)
            flash(f"{seen.title} er slettet. Du kan fortryde i historikken.")
        except (BadEdit, RowChanged) as error:
            flash(str(error), "error")
        return redirect(url_for("kept", code=seen.municipality))
    return render_template("redaktion/slet.html", place=_place(seen.municipality), seen=seen)


@allowed(*KEEPERS)
def history(code: str) -> Any:
    """Show what was changed, what was saved together standing together."""
    place = _place(code)
    batches: dict[str, list[Any]] = {}
    for one in editing.history(engine(), [code], limit=400):
        batches.setdefault(one.batch, []).append(one)
    with Session(engine(), future=True) as session:
        ids = {change.record_id for changes in batches.values() for change in changes}
        found = {row_id: session.get(rows.SheetRow, row_id) for row_id in ids}
        titles = {row_id: title(row.sheet, row.cells) for row_id, row in found.items() if row is not None}
    return render_template("redaktion/historik.html", place=place, batches=batches, titles=titles, SOURCED=SOURCED)


@allowed(*KEEPERS)
def undo(code: str, batch: str) -> Any:
    """Put back what was saved together."""
    _place(code)
    try:
        editing.undo(engine(), batch, who=me().name, now=now(), codes=[code])
        flash("Fortrudt.")
    except (RowChanged, BadEdit) as error:
        flash(f"Det kan ikke fortrydes. {error}", "error")
    return redirect(url_for("history", code=code))


# -- what clashes, and what somebody says ------------------------------------------------------------------------


@allowed(*LOOKERS)
def conflicts(code: str) -> Any:
    """Show the lines that the files contradict."""
    place = _place(code, looks_only=True)
    with Session(engine(), future=True) as session:
        found = [(row, title(row.sheet, row.cells)) for row in rows.conflicts(session, [code])]
    return render_template(
        "redaktion/konflikter.html", place=place, found=found, WHOLE=rows.WHOLE, keeps=code in _mine()
    )


@allowed(*KEEPERS)
def settle(row_id: str) -> Any:
    """Keep the editor's line, or take the files'."""
    code = editing.get_line(engine(), row_id, _mine(), now()).municipality
    theirs = request.form.get("take") == "files"
    try:
        editing.settle(engine(), row_id, theirs, who=me().name, now=now(), codes=_mine())
        flash("Linjen er nu som i filerne." if theirs else "Jeres linje er beholdt.")
    except BadEdit as error:
        flash(str(error), "error")
    return redirect(url_for("conflicts", code=code))


@allowed(*KEEPERS)
def correction(code: str, number: str) -> Any:
    """Make the change a report asks for, or turn it down with a reason."""
    _place(code)
    try:
        if request.form.get("do") == "reject":
            _close(_number(number), False, [code])
            flash("Rettelsen er lukket.")
        else:
            column = request.form.get("column", "")
            changes = corrections.accept(
                engine(),
                _number(number),
                column,
                from_danish(column, request.form.get("value", "")),
                who=me().name,
                source=request.form.get("source", ""),
                now=now(),
                codes=[code],
            )
            _told(changes, "Rettelsen er lukket.")
    except (BadEdit, corrections.Resolved) as error:
        flash(str(error), "error")
    return redirect(url_for("kept", code=code))


def _number(given: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", given):
        abort(404)
    return int(given)


def _close(number: int, accepted: bool, codes: Collection[str]) -> None:
    reason = request.form.get("reason", "")
    corrections.close(engine(), number, accepted=accepted, reason=reason, who=me().name, now=now(), codes=codes)


@allowed(*EVERYBODY)
def report(department: str) -> Any:
    """Let whoever has a caller on the line say what is wrong with a department."""
    organization = next((one for one in directory().organizations if one.id == department), None)
    if organization is None:
        raise NoRow(department)
    field, message = request.form.get("field", ""), request.form.get("message", "").strip()
    if request.method == "POST":
        clean, _ = redact(message[:MAX_MESSAGE], directory().phone_numbers)
        if field not in FIELDS or not clean.strip():
            flash("Vælg, hvad der er forkert, og skriv kort, hvad du ved.", "error")
        else:
            corrections.report(engine(), department, field, clean, now=now())
            flash("Tak. Fejlen er meldt til dem, der holder oplysningerne ved lige.")
            return redirect(url_for("lookup"))
    fields = {name: corrections.FIELDS[name] for name in FIELDS}
    return render_template("meld.html", organization=organization, fields=fields, field=field, message=message)


@allowed("coordinator", "administrator")
def unowned() -> Any:
    """Show the reports on what no editor keeps; close one with a word on what was done."""
    if request.method == "POST":
        number = request.form.get("number", "")
        try:
            _close(_number(number), request.form.get("do") != "reject", ())
            flash("Rettelsen er lukket.")
            return redirect(url_for("unowned"))
        except (BadEdit, corrections.Resolved) as error:
            flash(str(error), "error")
    found = corrections.for_nobody(engine(), now())
    names = {org.id: org.name for org in directory().organizations}
    names |= {topic.code: topic.title for topic in directory().topics.values()}
    return render_template("redaktion/uden_redaktoer.html", found=found, names=names)


# -- the spreadsheet ---------------------------------------------------------------------------------------------


def _roomy(page: Any) -> Any:
    page.roomy = True
    return page


@_roomy
@allowed(*KEEPERS)
def sheet(code: str) -> Any:
    """Offer the sheets; show what a filled one would change."""
    place = _place(code)
    seen, content, name = None, b"", ""
    if request.method == "POST":
        given = request.files.get("file")
        content, name = (given.read(), given.filename or "") if given else (b"", "")
        seen = _imported(code, name, content, dry=True)
    return _sheet_page(place, seen, name, content)


@_roomy
@allowed(*KEEPERS)
def sheet_apply(code: str) -> Any:
    """Do what the preview showed, checked anew: the file comes back with the press."""
    place = _place(code)
    name = request.form.get("name", "")
    try:
        content = base64.b64decode(request.form.get("content", ""), validate=True)
    except (binascii.Error, ValueError):
        abort(400)
    seen = _imported(code, name, content, dry=False)
    if seen is None or seen.faults:
        return _sheet_page(place, seen, name, content)
    flash(f"{len(seen.changes)} ændringer er lagt ind. Svarene bruger dem nu.")
    return redirect(url_for("kept", code=code))


def _imported(code: str, name: str, content: bytes, dry: bool) -> spreadsheets.Preview | None:
    if not content:
        flash("Vælg først en fil.", "error")
        return None
    if len(content) > MAX_UPLOAD:
        flash("Filen er for stor. Den må højst fylde 300 kB. Slet tomme linjer og billeder.", "error")
        return None
    source = request.form.get("source", "")
    try:
        return spreadsheets.import_file(
            engine(), code, name, content, who=me().name, source=source, now=now(), codes=_mine(), dry=dry
        )
    except spreadsheets.BadFile as error:
        flash(str(error), "error")
        return None


def _sheet_page(place: Any, seen: spreadsheets.Preview | None, name: str, content: bytes) -> Any:
    lines = {one.id: one.title for one in editing.own_lines(engine(), place.code, now())}
    changed: dict[str, list[Any]] = {}
    for one in seen.changes if seen else []:
        changed.setdefault(one.record_id, []).append(one)
    return render_template(
        "redaktion/ark.html",
        place=place,
        seen=seen,
        changed=changed,
        lines=lines,
        name=name,
        content=base64.b64encode(content).decode() if seen and seen.changes else "",
        source=request.form.get("source", ""),
    )


@allowed(*KEEPERS)
def sheet_out(code: str, name: str) -> Any:
    """Hand out the sheets: `alt.xlsx`, `afdelinger.csv` ..., or `hsds.zip`."""
    place = _place(code)
    stem, _, kind = name.rpartition(".")
    sheets = {danish: sheet for sheet, danish in SHEETS.items()}
    if name == "alt.xlsx":
        content, mime = spreadsheets.export_xlsx(engine(), code, now()), XLSX
    elif name == "hsds.zip":
        content, mime = hsds.packed(hsds.package(directory(), [code], now())), "application/zip"
    elif kind == "csv" and stem in sheets:
        content, mime = spreadsheets.export_csv(engine(), code, sheets[stem], now()), "text/csv; charset=utf-8"
    else:
        abort(404)
    return Response(
        content,
        content_type=mime,
        headers={"Content-Disposition": f'attachment; filename="vejviser-{place.code}-{name}"'},
    )


# -- the form ----------------------------------------------------------------------------------------------------


def _fields(sheet: str) -> list[dict[str, Any]]:
    """Return how each column an editor may change is asked for."""
    kinds = directory().department_types.values()
    topics = sorted(directory().topics.values(), key=lambda topic: topic.title)
    choices: dict[str, list[tuple[str, str]]] = {
        "type": sorted(((kind.code, kind.term.name) for kind in kinds), key=lambda pair: pair[1]),
        "topic": [(topic.code, topic.title) for topic in topics],
        "topics": [(topic.code, topic.title) for topic in topics],
        **{column: list(danish.items()) for column, danish in WORDS.items()},
    }
    return [
        {
            "name": column,
            "label": COLUMNS[column][:1].upper() + COLUMNS[column][1:],
            "hint": HINTS.get(column),
            "choices": choices.get(column),
            "several": column in SEVERAL,
            "long": column in LONG,
        }
        for column in LOCAL[sheet]
        if column not in SOURCED and column not in LOCKED.get(sheet, ())
    ]


def _typed(sheet: str, before: dict[str, str]) -> dict[str, str]:
    """Return what the form says, as the table keeps it; the same topics in another order are no change."""
    typed = {}
    for field in _fields(sheet):
        column = field["name"]
        if field["several"]:
            chosen = request.form.getlist(column)
            typed[column] = before[column] if set(chosen) == set(words(before[column])) else ";".join(chosen)
        elif column in request.form:
            cell = " ".join(request.form[column].split()) if column in LONG else request.form[column]
            cell = before[column] if cell == " ".join(before[column].split()) else cell
            typed[column] = from_danish(column, cell) if column in HOURS else cell.strip()
    return typed


def _by_column(bad: BadEdit) -> dict[str, str]:
    return {fault.column: f"{fault.what[:1].upper()}{fault.what[1:]}. {fault.instead}".strip() for fault in bad.faults}
