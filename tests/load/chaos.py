"""`make chaos`: faults while twenty people write, or `make chaos PART=clock`; everything hurt is started here.

Writes build/chaos.json, build/bench.html and the tables of docs/benchmarks.md, as `make bench` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bot.knowledge.hours import COPENHAGEN
from tests.load import bench, players
from tests.load.conversations import Texts, conversations
from tests.load.figures import Aim
from tests.load.players import Said
from tests.load.production import production
from tests.load.report import CHAOS, Part, figures, run, table
from tests.load.topology import START_SECONDS, Desk, Keeper, desk, family

PEOPLE = 20
PAUSE_SECONDS = 2.0  # so that twenty people are about eight messages a second: busy, not drowned
CALM_SECONDS = 4.0  # before the fault, and without a fault before it counts as over
LONGEST_SECONDS = 60.0
COLUMNS = ["messages", "first try failed", "degraded", "lost", "silent or no number", "s to recover", "slowest, ms"]


@dataclass
class Fault:
    """One thing that goes wrong, and what undoes it after so many seconds; by default whoever supervises does."""

    name: str
    strike: Callable[[], object]
    heal: Callable[[], object] = lambda: None
    away_seconds: float = 0.0


@dataclass
class Wound:
    """What was written while it went wrong, and when: `struck` and `healed` are moments of the monotonic clock."""

    name: str
    said: list[Said] = field(default_factory=list)
    struck: float = 0.0
    healed: float = 0.0
    whole: bool = False

    @property
    def recovery(self) -> float:
        """Seconds from the fault until the last answer that was degraded, missing or late by a try; 0 when none was."""
        troubled = [message.due + message.ms / 1000 for message in self.said if out_of_order(message)]
        return max([0.0, *(moment - self.struck for moment in troubled)])

    def row(self) -> list[object]:
        """Return it as a line of the table."""
        came = players.came_to(self.said, 1)
        return [
            self.name,
            len(self.said),
            came["retried"],
            came["degraded"],
            came["lost"],
            came["silent"] + came["wrong"],
            round(self.recovery, 1) if self.whole else "not within 60",
            round(came["max"]),
        ]


def out_of_order(message: Said) -> bool:
    """Return whether a message did not come to an ordinary answer at the first try."""
    return bool(message.retried or message.degraded or message.problem)


def wounds(door: str, faults: list[Fault], well: Callable[[], bool], texts: Texts) -> list[Wound]:
    """Let people write all the while, and one thing after the other go wrong; each begins when the last is over."""
    return [asyncio.run(_wound(door, fault, well, texts)) for fault in faults]


async def _wound(door: str, fault: Fault, well: Callable[[], bool], texts: Texts) -> Wound:
    wound, over = Wound(fault.name), asyncio.Event()
    people = asyncio.create_task(
        players.write(door, conversations(texts, 17), PEOPLE, PAUSE_SECONDS, wound.said, over.is_set)
    )
    await asyncio.sleep(CALM_SECONDS)
    wound.struck = time.monotonic()
    await asyncio.to_thread(fault.strike)
    await asyncio.sleep(fault.away_seconds)
    await asyncio.to_thread(fault.heal)
    wound.healed = time.monotonic()
    while not wound.whole and time.monotonic() - wound.struck < LONGEST_SECONDS:
        await asyncio.sleep(0.5)
        quiet = time.monotonic() - CALM_SECONDS
        lately = [message for message in wound.said if message.due >= quiet]
        calm = wound.healed < quiet and len(lately) >= PEOPLE / 2 and not any(map(out_of_order, lately))
        wound.whole = calm and await asyncio.to_thread(well)
    over.set()
    await people
    print("  ", *wound.row(), flush=True)
    return wound


def _figures(title: str, found: list[Wound]) -> Part:
    lost = sum(message.problem == "lost" for wound in found for message in wound.said)
    silent = sum(bool(message.problem) and message.problem != "lost" for wound in found for message in wound.said)
    unwell = sum(not wound.whole for wound in found)
    return figures(
        [table(title, ["", *COLUMNS], [wound.row() for wound in found], ["s to recover"], "s")],
        [Aim("messages lost", lost, 0), Aim("silent answers", silent, 0), Aim("faults not recovered from", unwell, 0)],
    )


# -- the parts -----------------------------------------------------------------------------------------------------


def desk_kills(texts: Texts) -> Part:
    """Each part of `make run` killed.

    kill -9 of one process after the other while twenty people write (a pause of two seconds on average between answer
    and message). `make run` itself ends when a part dies; here what has died is started again a second later, as
    `restart: always` does. A message that is not answered is sent again twice, after a second and a half and after four
    more, as the widget does by itself before it offers "Prøv igen"; only then it counts as lost.
    """
    with desk(bench.DESK) as place:
        place.begin(*bench.CORE, "helpline", "jobs", "sms")

        def kill(name: str) -> None:
            os.killpg(place.running[name].pid, signal.SIGKILL)

        faults = [Fault("edge's worker", lambda: os.kill(family(place.running["edge"].pid)[1], signal.SIGKILL))]
        faults += [Fault(name, functools.partial(kill, name)) for name in list(place.running)]
        with Keeper(place):
            return _figures("Kills at the desk", wounds(place.door, faults, place.is_well, texts))


def stack_kills(texts: Texts) -> Part:
    """Each part of `make stack` killed.

    The same on the production topology: two workers of the door, two Rasas behind a balancer, the actions, PostgreSQL,
    Redis and the proxy, all kept by supervisord. Redis also hangs for eight seconds (SIGSTOP), and PostgreSQL is
    stopped and started in order.
    """
    with production(bench.BASE) as place:
        faults = [Fault("edge's worker", place.kill_worker)]
        faults += [Fault(name, functools.partial(place.kill, name)) for name in sorted(place.pids())]
        hang, go_on = (functools.partial(place.kill, "redis", sign) for sign in (signal.SIGSTOP, signal.SIGCONT))
        faults.append(Fault("Redis hangs for 8 s", hang, go_on, 8.0))
        faults.append(Fault("PostgreSQL restarted", functools.partial(place.restart, "postgres")))
        return _figures("Kills in production", wounds(place.door, faults, place.is_well, texts))


def full_disk(texts: Texts) -> Part:
    """No room for conversations.

    The tracker store stands on a file system of four megabytes (a tmpfs, which takes root), which is filled for ten
    seconds and then emptied, at the desk's SQLite. Who asks meanwhile for the conversation to be deleted is told, with
    112, that it could not be done: that counts as degraded.
    """
    with (
        _small_disk() as disk,
        desk(bench.DESK, more={"VEJVISER_CONVERSATIONS": f"sqlite:///{disk}/conversations.db"}) as place,
    ):
        place.begin(*bench.CORE)
        filler = disk / "filler"
        faults = [Fault("disk full for 10 s", lambda: _fill(filler), filler.unlink, 10.0)]
        return _figures("A full disk", wounds(place.door, faults, place.is_well, texts))


@contextlib.contextmanager
def _small_disk() -> Iterator[Path]:
    """Yield a folder with a file system of four megabytes on it. Raises PermissionError without the right to."""
    with TemporaryDirectory(prefix="vejviser-full-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PermissionError(f"a full disk is played on a tmpfs, which takes root: {done.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=False)


def _fill(file: Path) -> None:
    """Write until there is no room for another byte."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        for size in (2**16, 2**9, 1):
            with contextlib.suppress(OSError):
                while out.write(b"x" * size):
                    pass


def clock(texts: Texts) -> Part:
    """The clock moved over a change.

    All processes run under libfaketime (Debian's package), and the door is started shortly before a change: the autumn
    night on which the clocks go back, the midnight on which barnets lov took the place of serviceloven, the minute at
    which a line closes. Twenty people write meanwhile; the same question is asked four seconds before and three after.
    """
    library = _libfaketime()
    with TemporaryDirectory(prefix="vejviser-clock-") as name:
        offset = Path(name) / "offset"
        offset.write_text("+0s")
        more = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else who waits for Python's GIL (five milliseconds at a time, by the monotonic clock) never waits, but
            # spins: the door then does a fifth of its work, with all its time.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",  # gunicorn tells by a file's time whether a worker lives
        }
        with desk(bench.DESK, more=more) as place:
            place.begin(*bench.CORE)
            lines, found = [], []
            for change in CHANGES:
                before, after, wound = _over(place, offset, change, texts)
                found.append(wound)
                lines.append([change.name, before, after, "yes" if (before, after) == change.expected else "**no**"])
            shown = _figures("Messages meanwhile", found)
    wrong = sum(line[-1] != "yes" for line in lines)
    said = table("What was said", ["", "before", "after", "as it must be"], lines)
    return {
        **shown,
        "tables": [said, *shown["tables"]],
        "aims": [*shown["aims"], Aim("wrongly said", wrong, 0).to_json()],
    }


@dataclass(frozen=True)
class Change:
    """A moment at which what is said must change: what is asked, what is read in the answer, and what it must be."""

    name: str
    moment: dt.datetime
    question: str
    read: Callable[[dict[str, Any]], str]
    expected: tuple[str, str]

    def ask(self, door: str) -> str:
        """Return what is said now."""
        body = {"session": None, "text": self.question}
        messages = httpx.post(f"{door}/api/v1/messages", json=body, timeout=20).json()["messages"]
        return self.read(messages[0]["answer"])


def _sections(answer: dict[str, Any]) -> str:
    return ", ".join(f"{law['law']} {law['section']}" for law in answer["legal_basis"])


def _open_line(answer: dict[str, Any]) -> str:
    return "open" if any("Angst" in line["name"] and line["open_now"] for line in answer["helplines"]) else "closed"


CHANGES = (
    Change(
        "the clocks go back, 25 October 2026 at 3",
        dt.datetime(2026, 10, 25, 1, tzinfo=dt.timezone.utc),
        "bostøtte i Køge",
        lambda answer: answer["as_of"][-6:],
        ("+02:00", "+01:00"),
    ),
    Change(
        "barnets lov comes into force, 1 January 2024",
        dt.datetime(2024, 1, 1, tzinfo=COPENHAGEN),
        "hvilken paragraf er tabt arbejdsfortjeneste i Køge?",
        _sections,
        ("serviceloven § 42", "barnets lov § 87"),
    ),
    Change(
        "AngstTelefonen closes, Monday 23 November 2026 at 22",
        dt.datetime(2026, 11, 23, 22, tzinfo=COPENHAGEN),
        "jeg vil tale med et menneske",
        _open_line,
        ("open", "closed"),
    ),
)


def _over(place: Desk, offset: Path, change: Change, texts: Texts) -> tuple[str, str, Wound]:
    """Start the door shortly before a change and let people write over it; return what was said on both sides."""
    said: list[str] = []

    def set_to(seconds_before: float) -> None:
        offset.write_text(f"{change.moment.timestamp() - seconds_before - time.time():+.1f}")

    def ask_on_both_sides() -> None:
        for seconds in (4.0, 7.0):
            time.sleep(seconds)
            said.append(change.ask(place.door))

    place.stop("edge")
    set_to(START_SECONDS)
    place.begin("edge")
    set_to(CALM_SECONDS + 8.0)
    (wound,) = wounds(place.door, [Fault(change.name, ask_on_both_sides)], place.is_well, texts)
    return said[0], said[1], wound


def _libfaketime() -> Path:
    """Return Debian's libfaketime, installed if we may. Raises FileNotFoundError that says what to install."""
    for installed in (False, True):
        if found := list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")):
            return found[0]
        if not installed and os.geteuid() == 0 and shutil.which("apt-get"):
            subprocess.run(["apt-get", "install", "-qy", "faketime"], capture_output=True, check=False)
    raise FileNotFoundError("the clock is moved with libfaketime: sudo apt-get install faketime")


PARTS: dict[str, Callable[[Texts], Part]] = {
    "stack-kills": stack_kills,
    "desk-kills": desk_kills,
    "disk": full_disk,
    "clock": clock,
}


def main() -> None:
    """Measure the parts that are named, else all; each is published when it is done."""
    run("make chaos", PARTS, CHAOS, Texts)


if __name__ == "__main__":
    main()
