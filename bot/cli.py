"""The `vejviser` command."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, TextIO

import click
from sqlalchemy.exc import OperationalError

from bot.knowledge.database import make_engine, migrate
from bot.knowledge.directory import Directory, UnknownMunicipality, UnknownTopic
from bot.knowledge.load import KNOWLEDGE, KnowledgeError, check, files_fingerprint, load, loaded_fingerprint


class _Commands(click.Group):
    """Says in one line that the database cannot be used, whichever command needed it."""

    def invoke(self, context: click.Context) -> Any:
        """Do the command. Raises ClickException."""
        try:
            return super().invoke(context)
        except OperationalError as error:
            raise click.ClickException(f"The database cannot be used: {str(error.orig).strip()}") from error


@click.group(cls=_Commands)
def app() -> None:
    """Vejviser: viser pårørende vej i kommunen."""


@app.command()
@click.option("--port", default=8000, show_default=True, help="Port of the door.")
@click.option("--rasa-port", default=5005, show_default=True)
@click.option("--actions-port", default=5055, show_default=True)
@click.option("--sms-port", default=8100, show_default=True, help="Port of the simulated telephone.")
@click.option("--helpline-port", default=8010, show_default=True, help="Port of the helpline's console.")
def run(port: int, rasa_port: int, actions_port: int, sms_port: int, helpline_port: int) -> None:
    """Load the table, train if needed, start everything and wait until it answers. Ctrl-C stops it."""
    from bot.edge.settings import SettingsError
    from bot.processes import run_all

    _prepare()
    try:
        sys.exit(run_all(port, rasa_port, actions_port, sms_port, helpline_port))
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@app.group(invoke_without_command=True)
@click.option("--https", default=8043, show_default=True, help="Port of the proxy; the console's is the next one.")
@click.option("--http", default=8080, show_default=True, help="Port that leads to https.")
@click.option("--base", default=8200, show_default=True, help="First port of the rest, on loopback.")
@click.pass_context
def stack(context: click.Context, https: int, http: int, base: int) -> None:
    """Run production as processes: docker-compose.yml without Docker. Ctrl-C stops it."""
    from bot.stack.start import Stack
    from bot.stack.topology import TopologyError
    from bot.training import ensure_model

    try:
        context.obj = Stack(https, http, base)
    except TopologyError as error:
        raise click.ClickException(str(error)) from error
    if context.invoked_subcommand is None:
        ensure_model()
        sys.exit(context.obj.run())


@stack.command("status")
@click.pass_obj
def stack_status(running: Any) -> None:
    """List the processes: name, state, pid, port."""
    try:
        for name, state, pid in running.supervisor.states():
            click.echo(f"{name:<10} {state:<10} {pid or '-':>7} {running.ports.get(name, '-'):>6}")
    except OSError as error:
        raise click.ClickException("make stack kører ikke.") from error


@stack.command("stop")
@click.pass_obj
def stack_stop(running: Any) -> None:
    """Stop all of it."""
    try:
        running.supervisor.line.shutdown()
    except OSError as error:
        raise click.ClickException("make stack kører ikke.") from error


@stack.command("restart")
@click.argument("name")
@click.pass_obj
def stack_restart(running: Any, name: str) -> None:
    """Stop one process in order, and start it again."""
    try:
        known = [one for one, _state, _pid in running.supervisor.states()]
        if name not in known:
            raise click.BadParameter(f"'{name}' findes ikke. Skriv en af: {', '.join(known)}")
        running.supervisor.restart(name)
    except OSError as error:
        raise click.ClickException("make stack kører ikke.") from error


@stack.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def stack_run(running: Any, arguments: tuple[str, ...]) -> None:
    """Run a vejviser command on the stack's own database: vejviser stack run user list"""
    sys.exit(running.command(arguments))


@app.command()
@click.option("--force", is_flag=True, help="Train although the model fits the data.")
def train(force: bool) -> None:
    """Train the assistant, if data, rules, code or the lock file differ from what the model was trained on."""
    from bot.training import ensure_model

    _load_if_changed()
    ensure_model(force)


@app.command()
@click.argument("text")
@click.option("--kommune", help="Name or code of the municipality the site belongs to.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True)
def ask(text: str, kommune: str | None, url: str) -> None:
    """Ask one question of a running Vejviser."""
    from bot.terminal import Chat

    Chat(url, _municipality(_directory(), kommune) if kommune else None).say(text)


@app.command()
@click.option("--kommune", help="Name or code of the municipality the site belongs to.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True)
def chat(kommune: str | None, url: str) -> None:
    """Talk with a running Vejviser; an empty line ends."""
    from bot.terminal import Chat

    talk = Chat(url, _municipality(_directory(), kommune) if kommune else None)
    while text := click.prompt("Du", default="", show_default=False).strip():
        talk.say(text)


@app.command()
@click.option("--emne", required=True, help="Code of the topic, e.g. tabt_arbejdsfortjeneste.")
@click.option("--kommune", help="Name or code of the municipality.")
@click.option("--dato", type=click.DateTime(["%Y-%m-%d"]), help="The law on that date.")
@click.option("--facet", "facets", multiple=True, default=("where",), help="where, legal, hours ... May be repeated.")
def lookup(emne: str, kommune: str | None, dato: dt.datetime | None, facets: tuple[str, ...]) -> None:
    """Look an answer up in the table, without a conversation."""
    from bot.answers.find import find_answer
    from bot.answers.text import render

    directory = _directory()
    code = _municipality(directory, kommune) if kommune else None
    now = dt.datetime.now(dt.timezone.utc)
    try:
        answer = find_answer(directory, emne, code, now=now, facets=facets, on=dato.date() if dato else None)
    except UnknownTopic as error:
        raise click.BadParameter(f"emnet '{emne}' kendes ikke. Mente du: {', '.join(error.near)}") from error
    click.echo(render(answer))


@app.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The door.")
@click.option("--kommune", "codes", multiple=True, help="Code of a municipality to ask for; all when left out.")
@click.option("--indefra/--udefra", "within", default=None, help="Look at settings, database and disk too, or not.")
@click.option("--spørg/--stille", "asks", default=True, help="Ask one question for each municipality, or none.")
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
def doctor(url: str, codes: tuple[str, ...], within: bool | None, asks: bool, as_json: bool) -> None:
    """Look a running installation over and say what to do about each fault. Exit code 1 when there is one."""
    from bot.doctor import visit

    inside = visit.is_inside(url) if within is None else within
    findings = []
    for finding in visit.visit(url, codes, inside, _now(), asks):
        findings.append(finding)
        if not as_json:
            click.echo(str(finding))
    faults = sum(finding.state == "fault" for finding in findings)
    if as_json:
        rows = [dataclasses.asdict(finding) for finding in findings]
        click.echo(json.dumps({"ok": not faults, "faults": faults, "findings": rows}, ensure_ascii=False, indent=1))
    else:
        click.echo(f"{faults} fejl." if faults else "Alt er i orden.")
    sys.exit(1 if faults else 0)


@app.command("migrate")
@click.option("--to", help="Go down to an older revision, e.g. 0005, or base; up to the newest when left out.")
@click.option("--lose-data", is_flag=True, help="Going down deletes what the older tables have no room for.")
def migrate_command(to: str | None, lose_data: bool) -> None:
    """Bring the tables of the database up to this version, while others use them; or down, which loses data."""
    from bot.knowledge.database import LosesData, UnknownRevision, downgrade, newest_revision

    engine = make_engine()
    if to in (None, newest_revision()):
        _migrate(engine)
    else:
        try:
            losses = downgrade(engine, str(to), lose_data)
        except UnknownRevision as error:
            raise click.ClickException(str(error)) from error
        except LosesData as error:
            lost = "\n".join(f"  {loss}" for loss in error.losses)
            raise click.ClickException(
                f"Going down to {to} deletes:\n{lost}\nTake a backup, then say --lose-data. Nothing was changed."
            ) from error
        for loss in losses:
            click.echo(f"Deleted: {loss}")
    click.echo(f"The tables are at revision {to or newest_revision()}.")


@app.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
def backup_command(file: Path) -> None:
    """Write the whole database to FILE, a ZIP that `restore` reads on SQLite and PostgreSQL; - is the output.

    It holds telephone numbers: encrypt it, and delete it when a newer one is there. Conversations are not in it.
    """
    from bot.backup import BackupError, backup
    from bot.heartbeat import BACKUP, beat

    if file.exists():
        raise click.ClickException(f"{file} exists. Choose another name: a backup is never overwritten.")
    half = file.with_name(f"{file.name}.part")  # what has the name is whole
    try:
        if str(file) == "-":
            manifest = backup(make_engine(), sys.stdout.buffer, _now())
        else:
            with open(half, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
                manifest = backup(make_engine(), out, _now())
            half.rename(file)
        beat(make_engine(), BACKUP, _now())
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    finally:
        half.unlink(missing_ok=True)
    click.echo(f"{manifest.rows} rows of {len(manifest.tables)} tables at revision {manifest.revision}.", err=True)


@app.command("restore")
@click.argument("file", type=click.File("rb"))
@click.option("--replace", is_flag=True, help="Delete what the database holds.")
def restore_command(file: Any, replace: bool) -> None:
    """Put a backup into an empty database: everything, read back and compared, or nothing."""
    from bot.backup import BackupError, restore

    try:
        manifest = restore(make_engine(), file, replace)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{manifest.rows} rows of {len(manifest.tables)} tables, taken at {manifest.taken_at}, are restored.")


@app.group()
def knowledge() -> None:
    """The knowledge table."""


@knowledge.command("check")
@click.option("--folder", type=click.Path(exists=True, path_type=Path), default=KNOWLEDGE)
@click.option("--quiet", is_flag=True, help="Faults only, not the remarks.")
def check_command(folder: Path, quiet: bool) -> None:
    """Check every file: faults with file, line, column and what to write; then what is kept but not shown."""
    checked = check(folder)
    for problem in checked.problems:
        click.echo(f"FEJL  {problem}")
    if not quiet:
        for remark in checked.remarks:
            click.echo(f"obs   {remark}")
    click.echo(f"{len(checked.problems)} fejl, {len(checked.remarks)} bemærkninger.")
    sys.exit(1 if checked.problems else 0)


@knowledge.command("load")
@click.option("--folder", type=click.Path(exists=True, path_type=Path), default=KNOWLEDGE)
@click.option("--if-changed", is_flag=True, help="Not if these files are what was loaded last.")
def load_command(folder: Path, if_changed: bool) -> None:
    """Load the files into the database: everything or, if there is a fault, nothing."""
    engine = make_engine()
    _migrate(engine)
    if if_changed and loaded_fingerprint(engine) == files_fingerprint(folder):
        click.echo("Tabellen er som filerne.")
        return
    try:
        checked = load(engine, folder)
    except KnowledgeError as error:
        for problem in error.problems:
            click.echo(f"FEJL  {problem}")
        raise click.ClickException(f"{error}. Tabellen er uændret.") from error
    rows = sum(len(rows) for rows in checked.rows.values())
    click.echo(f"{rows} rækker lagt i {engine.url.render_as_string(hide_password=True)}.")


@knowledge.command("stats")
@click.option("--all", "every", is_flag=True, help="Every municipality and topic, not the totals only.")
def stats_command(every: bool) -> None:
    """Count the table, its coverage per municipality and topic, and how much of it is stale."""
    from bot.knowledge.stats import table_stats

    click.echo(table_stats(make_engine(), dt.date.today(), every))


@knowledge.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--kommune", help="Name or code; all of them when left out (HSDS only).")
@click.option("--ark", default="afdelinger", show_default=True, help="Which sheet, for CSV.")
def export_command(file: Path, kommune: str | None, ark: str) -> None:
    """Write a municipality's lines to FILE: .xlsx for all sheets, .csv for one, .zip for an HSDS data package."""
    from bot.knowledge import hsds, spreadsheets
    from bot.knowledge.labels import SHEETS

    directory, engine, now = _directory(), make_engine(), dt.datetime.now(dt.timezone.utc)
    code = _municipality(directory, kommune) if kommune else None
    sheet = next((name for name, danish in SHEETS.items() if ark in (name, danish)), None)
    if sheet is None:
        raise click.BadParameter(f"arket '{ark}' kendes ikke. Skriv en af: {', '.join(SHEETS.values())}")
    kind = file.suffix.lower()
    if kind == ".zip":
        codes = [code] if code else list(directory.municipalities)
        content = hsds.packed(hsds.package(directory, codes, now))
    elif code is None:
        raise click.UsageError("Skriv --kommune; kun en .zip kan rumme dem alle.")
    elif kind == ".xlsx":
        content = spreadsheets.export_xlsx(engine, code, now)
    elif kind == ".csv":
        content = spreadsheets.export_csv(engine, code, sheet, now)
    else:
        raise click.BadParameter(f"'{file.name}' skal ende på .xlsx, .csv eller .zip")
    file.write_bytes(content)
    click.echo(f"{len(content)} bytes skrevet i {file}.")


@knowledge.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kommune", required=True, help="Name or code of the municipality.")
@click.option("--hvem", required=True, help="Who answers for it; stands in the history.")
@click.option("--kilde", default="", help="Where it is known from; the municipality's own word when left out.")
@click.option("--udfør", "do", is_flag=True, help="Do it; without this it is only shown.")
def import_command(file: Path, kommune: str, hvem: str, kilde: str, do: bool) -> None:
    """Show what a filled spreadsheet would change, with faults by cell; with --udfør do all of it or nothing."""
    from bot.knowledge import editing, spreadsheets

    directory, now = _directory(), dt.datetime.now(dt.timezone.utc)
    code = _municipality(directory, kommune)
    options: dict[str, Any] = {"who": hvem, "source": kilde, "now": now, "codes": {code}, "dry": not do}
    try:
        seen = spreadsheets.import_file(make_engine(), code, file.name, file.read_bytes(), **options)
    except spreadsheets.BadFile as error:
        raise click.ClickException(str(error)) from error
    for fault in seen.faults:
        click.echo(f"FEJL  {fault}")
    if seen.faults:
        raise click.ClickException(f"{len(seen.faults)} fejl. Intet er ændret.")
    for one in seen.changes:
        click.echo(f"{one.table_name}  {editing.said(one)}")
    click.echo(f"{len(seen.changes)} ændringer" + (" er lagt ind." if do else ". Skriv --udfør for at lægge dem ind."))


@knowledge.command("conflicts")
def conflicts_command() -> None:
    """List editors' lines that the files contradict, or that no longer fit the table."""
    from sqlalchemy.orm import Session

    from bot.knowledge import rows
    from bot.knowledge.labels import COLUMNS, title

    _load_if_changed()
    with Session(make_engine(), future=True) as session:
        found = rows.conflicts(session)
    for row in found:
        click.echo(f"{row.municipality_code} {row.sheet}: {title(row.sheet, row.cells)}")
        for column, files in (row.incoming or {}).items():
            if column == rows.WHOLE:
                click.echo("    linjen er ikke mere i filerne")
            else:
                click.echo(f"    {COLUMNS[column]}: redaktøren '{row.cells[column]}', filerne '{files}'")
        if row.fault:
            click.echo(f"    bruges ikke: {row.fault}")
    click.echo(f"{len(found)} konflikter.")


@knowledge.command("changes")
@click.option("--kommune", help="Name or code; all of them when left out.")
@click.option("--antal", default=50, show_default=True)
def changes_command(kommune: str | None, antal: int) -> None:
    """List what editors changed, newest first: when, who, where, before, after, source."""
    from bot.knowledge import editing

    directory = _directory()
    codes = [_municipality(directory, kommune)] if kommune else list(directory.municipalities)
    for one in editing.history(make_engine(), codes, limit=antal):
        source = f" (kilde: {one.source})" if one.source else ""
        when = editing.said_at(one.changed_at)
        click.echo(f"{when} {one.changed_by}, {one.municipality_code} {one.table_name}: {editing.said(one)}{source}")


@knowledge.command("docs")
def docs_command() -> None:
    """Print the reference of the table, generated from its models."""
    from bot.knowledge.reference import table_reference

    click.echo(table_reference(), nl=False)


@app.group("misses", invoke_without_command=True)
@click.option("--most", default=200, show_default=True, help="How many rows.")
@click.option("--out", type=click.File("w", encoding="utf-8"), default="-", help="CSV file; the screen when left out.")
@click.pass_context
def misses_command(context: click.Context, most: int, out: TextIO) -> None:
    """List the least certain messages of the kept conversations as CSV, to be labelled by an editor."""
    from bot.misses import misses, write_misses
    from bot.safety.conversations import Conversations

    if context.invoked_subcommand is None:
        rows = misses(Conversations().messages(), most)
        write_misses(rows, out)
        click.echo(f"{len(rows)} beskeder. Udfyld act, topic og facets; så: vejviser misses merge FIL", err=True)


@misses_command.command("merge")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def merge_command(file: Path) -> None:
    """Add the labelled rows of a CSV file to the training data: all or, if there is a fault, none."""
    from bot.misses import MissesError, merge

    try:
        difference = merge(file, _directory())
    except MissesError as error:
        for problem in error.problems:
            click.echo(f"FEJL  {problem}")
        raise click.ClickException(f"{error}. Intet er ændret.") from error
    click.echo(difference or "Ingen rækker var udfyldt; intet er ændret.")
    if difference:
        click.echo("Træn og mål nu: make train && make evaluate")


@app.command("doubts")
@click.option("--encoder", is_flag=True, help="Compare meanings as well: about ten minutes.")
def doubts_command(encoder: bool) -> None:
    """List what is doubtful in the training data: copies, labels neighbours contradict, counts, personal data."""
    from bot.doubts import report

    for line in report(encoder):
        click.echo(line)


@app.group()
def sms() -> None:
    """SMS: what could not be sent, a simulated gateway, and what answers cost."""


@sms.command("failed")
def sms_failed_command() -> None:
    """List the dead letters: what the gateway would not take. Neither text nor number is shown."""
    letters = _sms_store().dead_letters()
    for letter in letters:
        place = letter.municipality_code or "-"
        click.echo(
            f"{letter.id:>6}  {letter.created_at:%Y-%m-%d %H:%M} UTC  {letter.kind:<8} {place:<5} "
            f"{letter.attempts} forsøg  {letter.error}"
        )
    click.echo(f"{len(letters)} beskeder kunne ikke sendes.")
    if letters:
        click.echo("Ret årsagen; så: vejviser sms retry (inden for et døgn, så længe numrene er kendt)")


@sms.command("retry")
@click.argument("ids", type=int, nargs=-1)
def sms_retry_command(ids: tuple[int, ...]) -> None:
    """Send dead letters again: those with these IDS, or all whose number is still known."""
    senders = _sms_store().revive(list(ids) or None, dt.datetime.now(dt.timezone.utc))
    click.echo(f"{len(senders)} beskeder er sat i kø. De sendes inden for få sekunder, når Vejviser kører.")


@sms.command("simulate")
@click.option("--port", default=8100, show_default=True, help="Port of the page that looks like a telephone.")
@click.option("--webhook", default="http://127.0.0.1:8000/sms/gatewayapi", show_default=True, help="Vejviser's door.")
@click.option("--scheme", type=click.Choice(["token", "body"]), default="token", help="Which signature it uses.")
def sms_simulate_command(port: int, webhook: str, scheme: str) -> None:
    """Play a gateway, with a page that looks like a telephone. `vejviser run` starts it where no gateway is set."""
    from bot.edge.sms.simulator import Gateway, environment, serve

    env = environment(port, webhook)
    if os.environ.get("VEJVISER_SMS_TOKEN") != env["VEJVISER_SMS_TOKEN"]:  # `vejviser run` has told the others already
        click.echo("\n".join(f"{name}={value}" for name, value in env.items()))
    click.echo(f"\nTelefon: http://127.0.0.1:{port}  (Ctrl-C stopper)", err=True)
    secret, token = env["VEJVISER_SMS_WEBHOOK_SECRET"], env["VEJVISER_SMS_TOKEN"]
    serve(Gateway(webhook, secret, token, env["VEJVISER_SMS_NUMBER"], scheme), port)


@sms.command("measure")
@click.option("--home", default="https://vejviser.koege.dk", show_default=True, help="Public address in the links.")
def sms_measure_command(home: str) -> None:
    """Write every answer of the table as an SMS, at three moments, and count the segments; then what cannot be sent."""
    from bot.answers.links import Links
    from bot.answers.sms import segments_of_the_table, unsendable
    from bot.knowledge.hours import COPENHAGEN

    directory = _directory()
    links = Links(home, tuple(directory.topics))
    for moment in ("2026-11-23T10:00", "2026-11-22T22:30", "2026-12-24T19:00"):
        counts = segments_of_the_table(directory, links, dt.datetime.fromisoformat(moment).replace(tzinfo=COPENHAGEN))
        total = sum(counts.values())
        shares = ", ".join(f"{n} segment: {count} ({count / total:.1%})" for n, count in sorted(counts.items()))
        click.echo(f"{moment}: {total} svar. {shares}")
    problems = unsendable(directory)
    for problem in problems:
        click.echo(f"FEJL  {problem}")
    click.echo(f"{len(problems)} tekster kan ikke sendes i en sms.")
    sys.exit(1 if problems else 0)


def _sms_store() -> Any:
    from bot.edge.sms.store import SmsStore

    engine = make_engine()
    _migrate(engine)
    return SmsStore(engine)


@app.group()
def user() -> None:
    """The accounts of the helpline's console."""


@user.command("add")
@click.argument("login")
@click.option("--navn", "name", required=True, help="Name, as colleagues see it.")
@click.option("--rolle", "roles", multiple=True, required=True, help="volunteer, editor:0259, coordinator ...")
@click.option("--oidc", is_flag=True, help="Comes in through the association's own login only: no password.")
@click.option("--generate", is_flag=True, help="Make a password and print it, instead of asking for one.")
def user_add(login: str, name: str, roles: tuple[str, ...], oidc: bool, generate: bool) -> None:
    """Make an account."""
    from bot.helpline.staff import Role, StaffError
    from bot.helpline.users import new_password

    try:
        wanted = [Role.read(role) for role in roles]
        password = None if oidc else new_password() if generate else _ask_password()
        _staff().add(login, name, password, wanted, _now())
    except StaffError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{name} kan nu logge ind som {login}." + (f" Adgangskode: {password}" if generate else ""))


@user.command("password")
@click.argument("login")
def user_password(login: str) -> None:
    """Give an account a new password, open it if it is locked, and end its logins."""
    from bot.helpline.staff import StaffError

    staff = _staff().by_login(login)
    if staff is None:
        raise click.BadParameter(f"'{login}' findes ikke. Se: vejviser user list")
    try:
        _staff().set_password(staff.id, _ask_password())
    except StaffError as error:
        raise click.ClickException(str(error)) from error
    click.echo("Adgangskoden er skiftet.")


@user.command("remove")
@click.argument("login")
def user_remove(login: str) -> None:
    """Delete an account; its trace in the audit stays."""
    from bot.helpline.staff import StaffError

    try:
        if not _staff().remove(login):
            raise click.BadParameter(f"'{login}' findes ikke. Se: vejviser user list")
    except StaffError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{login} er slettet.")


@user.command("list")
def user_list() -> None:
    """List the accounts with their roles."""
    for staff in _staff().all():
        roles = ", ".join(":".join(filter(None, (row.role, row.municipality_code))) for row in staff.roles)
        state = "" if staff.active else " (lukket)"
        click.echo(f"{staff.login}\t{staff.name}\t{roles}{state}")


def _staff() -> Any:
    from bot.helpline.staff import StaffBook

    engine = make_engine()
    _migrate(engine)
    return StaffBook(engine)


def _ask_password() -> str:
    return str(click.prompt("Adgangskode", hide_input=True, confirmation_prompt=True))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _prepare() -> None:
    from bot.training import ensure_model

    _load_if_changed()
    ensure_model()


def _migrate(engine: Any) -> None:
    from bot.knowledge.database import UnknownRevision

    try:
        migrate(engine)
    except UnknownRevision as error:
        raise click.ClickException(str(error)) from error


def _load_if_changed() -> None:
    engine = make_engine()
    _migrate(engine)
    if loaded_fingerprint(engine) == files_fingerprint():
        return
    click.echo("Lægger tabellen i databasen ...")
    try:
        load(engine)
    except KnowledgeError as error:
        for problem in error.problems:
            click.echo(f"FEJL  {problem}")
        raise click.ClickException(str(error)) from error


def _directory() -> Directory:
    _load_if_changed()
    return Directory.read(make_engine())


def _municipality(directory: Directory, name: str) -> str:
    """Return the code for a code or a name; a name that is none is told with near ones."""
    from bot.knowledge.places import Gazetteer, near_names

    if re.fullmatch("[0-9]+", name):
        try:
            return str(directory.municipality(name).code)
        except UnknownMunicipality as error:
            raise click.BadParameter(f"koden {name} kendes ikke. Nær ved: {', '.join(error.near)}") from error
    found = Gazetteer(directory).find(name, alone=True).concerned
    if found is None:
        raise click.BadParameter(f"'{name}' er ingen kommune. Mente du: {', '.join(near_names(directory, name))}")
    return found.code


def main() -> Any:
    """Run the command."""
    return app()
