"""What only those see who stand where the installation's settings, database and disk are."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import func, select
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.doctor import Finding, fault, fine, note, skipped
from bot.edge.health import oldest_fact, stale_share
from bot.edge.settings import Settings, SettingsError
from bot.edge.sms.figures import used_up
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.store import SmsStore
from bot.heartbeat import BACKUP, SMS, SWEEPS, beats
from bot.helpline.settings import Settings as ConsoleSettings
from bot.helpline.staff import StaffBook
from bot.knowledge import database
from bot.knowledge.directory import Directory
from bot.knowledge.load import KNOWLEDGE, files_fingerprint, loaded_fingerprint
from bot.knowledge.models import TableVersion
from bot.safety.conversations import conversations_url
from bot.training import MODELS, model_path

LEAST_FREE = 1024**3  # bytes: a week of logs and conversations, and room to load a table beside the old one
CLOCK_SECONDS = 30.0  # hours and promises are told by the minute; a signed mark holds five
BACKUP_AGE = dt.timedelta(hours=26)  # one a day, and two hours for it to be late
SWEEP_AGE = dt.timedelta(minutes=30)  # three times missed
JOBS_AGE = dt.timedelta(minutes=1)
_MUCH = 0.5


@dataclass(frozen=True)
class Inside:
    """An installation from within: its environment, its database, and the moment."""

    environ: Mapping[str, str]
    engine: Engine
    now: dt.datetime
    least_free: int = LEAST_FREE

    @property
    def production(self) -> bool:
        """Whether it says that it serves people."""
        return self.environ.get("VEJVISER_ENV") == "production"


def look(inside: Inside) -> Iterator[Finding]:
    """Yield what is found. Where the database is away, what stands in it is skipped."""
    yield from settings(inside)
    found = list(the_database(inside))
    yield from found
    stored: tuple[Callable[[Inside], Iterator[Finding]], ...] = (table, clock, by_itself, backup, sms, accounts)
    if any(finding.state == "fault" for finding in found):
        yield skipped("Det, der står i databasen", "kan ikke ses, før databasen er i orden")
    else:
        for part in stored:
            yield from part(inside)
    for part in (stores, model, disk):
        yield from part(inside)


def settings(inside: Inside) -> Iterator[Finding]:
    """Read the settings as the door, the console and the worker do at start."""
    try:
        Settings.read(inside.environ)
        ConsoleSettings.read(inside.environ)
        SmsSettings.read(inside.environ)
    except SettingsError as error:
        yield fault("Indstillinger", str(error), "Ret variablen, og genstart. Alle står i docs/security.md.")
        return
    if inside.production:
        yield fine("Indstillinger", "kan læses; dette er et anlæg i drift")
    else:
        yield note("Indstillinger", "kan læses; VEJVISER_ENV er ikke production, så svage nøgler er tilladt")


def the_database(inside: Inside) -> Iterator[Finding]:
    """Ask whether the database answers and has the newest tables."""
    where = inside.engine.url.render_as_string(hide_password=True)
    remedy = "Er databasen startet, og passer VEJVISER_DATABASE_URL? Chatten svarer imens fra sidste læsning."
    file = inside.engine.url.database
    if inside.engine.dialect.name == "sqlite" and not Path(file or "").exists():
        yield fault(
            "Database", f"{file} findes ikke", "Ret VEJVISER_DATABASE_URL, eller begynd: vejviser knowledge load"
        )
        return
    newest = database.newest_revision()
    try:
        present = database.revision(inside.engine)
    except SQLAlchemyError as error:
        yield fault("Database", f"{where} svarer ikke ({type(error).__name__})", remedy)
        return
    if present == newest:
        yield fine("Database", f"{where} svarer og har de nyeste tabeller ({newest})")
    else:
        said = f"tabellerne er fra {present or 'før den første version'}, koden er fra {newest}"
        yield fault("Database", said, "Kør: vejviser migrate. Rækkefølgen står i docs/upgrade.md.")


def table(inside: Inside) -> Iterator[Finding]:
    """Ask whether the knowledge is there, is that of the files, and how old it is."""
    load = "Kør: vejviser knowledge load. Redaktørernes linjer bliver stående."
    directory = Directory.read(inside.engine)
    with Session(inside.engine, future=True) as session:
        version = session.execute(select(TableVersion.loaded_at)).first()
    if version is None or not directory.municipalities:
        yield fault("Tabel", "er tom", load)
        return
    count = f"{len(directory.municipalities)} kommuner, {len(directory.topics)} emner"
    if KNOWLEDGE.exists() and loaded_fingerprint(inside.engine) != files_fingerprint():
        yield fault("Tabel", f"{count}, men filerne i data/knowledge er andre end dem, der er lagt ind", load)
    else:
        yield fine("Tabel", f"{count}, lagt ind {version.loaded_at:%d.%m.%Y}")
    share, oldest = stale_share(directory, inside.now) or 0, oldest_fact(directory, inside.now) or 0
    if share > _MUCH:
        said = (
            f"{share:.0%} af stederne har ingen dato eller er over to år gamle; den ældste dato er {oldest // 365} år"
        )
        yield note("Tabellens alder", said, "Bed redaktørerne bekræfte deres linjer i konsollen, de ældste først.")


def clock(inside: Inside) -> Iterator[Finding]:
    """Compare the machine's clock with the database's, where that is another machine's."""
    if inside.engine.dialect.name == "sqlite":
        yield skipped("Ur", "databasen er en fil her, så der er intet andet ur inde i anlægget")
        return
    with inside.engine.connect() as connection:
        yield compared("databasens", connection.execute(select(func.now())).scalar_one(), inside.now)


def compared(whose: str, theirs: dt.datetime, ours: dt.datetime) -> Finding:
    """Return what two clocks (aware) say of each other."""
    apart = abs((theirs - ours).total_seconds())
    if apart <= CLOCK_SECONDS:
        return fine("Ur", f"går som {whose} (forskel {apart:.0f} s)")
    said = f"{apart:.0f} sekunder fra {whose}: åbningstider og løfter bliver forkerte"
    return fault("Ur", said, "Slå NTP til på begge maskiner (timedatectl set-ntp true).")


def by_itself(inside: Inside) -> Iterator[Finding]:
    """Ask whether what runs by the clock has run: deletion of conversations, and the worker that sends SMS."""
    seen = beats(inside.engine)
    names = {"conversations": "Sletning af samtaler", "requests": "Sletning af henvendelser"}
    for name in SWEEPS:
        yield _since(names[name], seen.get(name), SWEEP_AGE, inside.now, "Genstart døren (edge). Se dens log.")
    if _sms_settings(inside.environ):
        remedy = "Start arbejderen (jobs): python -m bot.jobs.worker. Se dens log."
        yield _since("Arbejder til sms", seen.get(SMS[0]), JOBS_AGE, inside.now, remedy)
        yield _since("Sletning af sms", seen.get(SMS[1]), SWEEP_AGE, inside.now, remedy)


def backup(inside: Inside) -> Iterator[Finding]:
    """Ask when the last backup was made."""
    found = _since(
        "Sikkerhedskopi", beats(inside.engine).get(BACKUP), BACKUP_AGE, inside.now, "Kør: vejviser backup FIL"
    )
    if found.state == "fault" and not inside.production:
        found = note(found.name, found.said, "I drift skal der tages en hvert døgn: vejviser backup FIL")
    yield found


def _since(name: str, at: dt.datetime | None, longest: dt.timedelta, now: dt.datetime, remedy: str) -> Finding:
    if at is None:
        return fault(name, "er aldrig sket", remedy)
    ago = now - at
    said = f"sidst {at.astimezone():%d.%m.%Y kl. %H.%M}"
    return fine(name, said) if ago <= longest else fault(name, f"{said}, og det er for længe siden", remedy)


def sms(inside: Inside) -> Iterator[Finding]:
    """Ask whether SMS is on, and whether something could not be sent."""
    found = _sms_settings(inside.environ)
    if found is None:
        yield note("Sms", "er ikke sat op", "Vil I have sms, så se docs/sms.md.")
        return
    figures = SmsStore(inside.engine).figures(inside.now)
    if dead := figures["states"].get("failed", 0):
        yield fault(
            "Sms", f"{dead} beskeder kunne ikke sendes", "Se grunden: vejviser sms failed. Så: vejviser sms retry"
        )
    elif used_up(figures, found.ceiling):
        said = f"dagens loft på {found.ceiling} dele er nået"
        yield fault("Sms", said, "Se på /metrics, hvem der bruger dem; hæv VEJVISER_SMS_CEILING, hvis det er i orden.")
    else:
        yield fine("Sms", f"er sat op med {found.provider}, og intet sidder fast")


def accounts(inside: Inside) -> Iterator[Finding]:
    """Ask whether the developer's login is open."""
    open_ = StaffBook(inside.engine).development_logins()
    if not open_:
        yield fine("Konti", "ingen åben konto til udvikling")
    elif inside.production:
        said = f"kontoen til udvikling, {open_[0]}, er åben, så konsollen starter ikke"
        yield fault("Konti", said, f"Kør: vejviser user remove {open_[0]}")
    else:
        yield note("Konti", f"kontoen til udvikling, {open_[0]}, er åben; det skal den ikke være i drift")


def stores(inside: Inside) -> Iterator[Finding]:
    """Ask what keeps the conversations, and each Redis that the settings name."""
    kept = inside.environ.get("VEJVISER_CONVERSATIONS", "")
    if "://" in kept and not kept.startswith("sqlite"):
        try:
            with database.make_engine(kept).connect():
                yield fine("Samtaler", "deres database svarer")
        except SQLAlchemyError as error:
            said = f"deres database svarer ikke ({type(error).__name__})"
            yield fault("Samtaler", said, "Er den startet, og passer VEJVISER_CONVERSATIONS?")
    for name, connect in _redis_of(inside.environ):
        try:
            connect().ping()
            yield fine("Redis", f"svarer ({name})")
        except (redis.RedisError, ValueError) as error:
            said = f"svarer ikke ({name}, {type(error).__name__})"
            yield fault("Redis", said, "Start Redis, eller ret variablen. Imens tæller hver dør grænserne for sig.")


def _redis_of(environ: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], redis.Redis]]]:
    patience: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 2}
    for name in ("VEJVISER_RATE_STORAGE", "VEJVISER_JOBS"):
        if (url := environ.get(name, "")).startswith(("redis://", "rediss://")):
            yield name, partial(redis.Redis.from_url, url, **patience)
    if host := environ.get("VEJVISER_REDIS_HOST"):
        port, password = environ.get("VEJVISER_REDIS_PORT") or "6379", environ.get("VEJVISER_REDIS_PASSWORD") or None
        yield "VEJVISER_REDIS_HOST", partial(redis.Redis, host, port=port, password=password, **patience)


def model(_inside: Inside) -> Iterator[Finding]:
    """Ask whether there is a model of this very code and training data."""
    try:
        path = model_path()
    except OSError:
        yield skipped("Model", "data til træning er ikke her (kun i Rasas image)")
        return
    if path.exists():
        yield fine("Model", f"{path.name} passer til koden")
    else:
        there = ", ".join(sorted(file.name for file in MODELS.glob("*.tar.gz"))) or "ingen"
        yield fault(
            "Model", f"{path.name} mangler; her er {there}", "Kør: make train (fem minutter), og genstart Rasa."
        )


def disk(inside: Inside) -> Iterator[Finding]:
    """Ask how much room there is where something is written."""
    files = [url.database for url in (inside.engine.url, make_url(conversations_url())) if url.host is None]
    folders = {Path(file).resolve().parent for file in files if file}
    if not folders:
        yield skipped("Disk", "intet skrives her; se disken dér, hvor databasen er")
    for folder in sorted(folder for folder in folders if folder.exists()):
        free = shutil.disk_usage(folder).free
        said = f"{free / 1024**3:.1f} GB fri ved {folder}"
        if free >= inside.least_free:
            yield fine("Disk", said)
        else:
            remedy = "Slet gamle logs og sikkerhedskopier, eller gør disken større. Er den fuld, gemmes intet."
            yield fault("Disk", f"kun {said}", remedy)


def _sms_settings(environ: Mapping[str, str]) -> SmsSettings | None:
    """Return the settings of SMS; None also where they are wrong, which `settings` tells."""
    try:
        return SmsSettings.read(environ)
    except SettingsError:
        return None
