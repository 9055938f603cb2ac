"""`make bench`: all figures in one run, or `make bench PART="floor cache"`; everything measured is started here.

Writes build/bench.json, build/bench.html and the tables of docs/benchmarks.md, where the docstring of each part stands
above its figures. Uses ports from 8500 on (VEJVISER_BENCH_PORT moves them) and a table and a store in a temporary
folder; load goes to loopback only.
"""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory
from bot.training import environment
from tests.load import crowd, doors, rasa_init, tenfold
from tests.load.conversations import Texts
from tests.load.figures import Aim
from tests.load.production import Production, production
from tests.load.report import BENCH, Part, Spread, figures, run, table
from tests.load.side_by_side import CLIENTS, ByDoor, ByPost, ByRest, Way, at_once, in_turn
from tests.load.topology import Desk, Processes, desk, make_table, processor_seconds

BASE = int(os.environ.get("VEJVISER_BENCH_PORT", "8500"))
DESK, TENFOLD, FLOOR, YARDSTICK = (BASE + further for further in (20, 30, 40, 50))  # `make stack` has the rest
CORE = ("actions", "rasa", "edge")
MARKED_TURNS = 10_000
RASA, DOOR = "Rasa + actions", "by the door"


class Bench:
    """What the parts share: sentences not asked before, and one desk that is started when the first part needs it."""

    def __init__(self, ends: ExitStack) -> None:
        self.ends, self.texts = ends, Texts()
        self.started: dict[str, float] = {}

    @functools.cached_property
    def desk(self) -> Desk:
        """The door, Rasa and the actions of `make run`; `started` says after how many seconds each answered."""
        made = self.ends.enter_context(desk(DESK))
        self.started = made.begin(*CORE)
        return made

    @functools.cached_property
    def whole_desk(self) -> Desk:
        """The same with the console, the jobs and a telephone."""
        self.desk.begin("helpline", "jobs", "sms")
        return self.desk

    @functools.cached_property
    def stack(self) -> Production:
        """`make stack`: two workers of the door, two Rasas, PostgreSQL, Redis and the proxies."""
        return self.ends.enter_context(production(BASE))

    def places(self) -> Iterator[tuple[str, Desk | Production]]:
        """Yield what is loaded with whole conversations, one after the other."""
        yield "make run", self.desk
        yield "make stack, 2 doors and 2 Rasas", self.stack
        self.stack.halve()
        yield "make stack, 1 door and 1 Rasa", self.stack
        self.stack.whole()


# -- the parts -----------------------------------------------------------------------------------------------------


def yardstick(bench: Bench) -> Part:
    """Beside a `rasa init` bot.

    Both served by `rasa run` and asked by REST the sentences of the development set (median 32 words), one after the
    other in turn, in conversations of three messages; then by eight clients at once, in blocks in turn. Theirs answers
    from its own few English examples, without an action server, and keeps conversations in memory. Ours looks the
    answer up in the table through the action server and writes conversations to disk. Each was started while nothing
    else started.
    """
    theirs = bench.ends.enter_context(rasa_init.served(YARDSTICK))
    ours = bench.desk
    start = theirs.begin("rasa init")["rasa init"]
    ways: dict[str, Way] = {
        "rasa init": ByRest(f"http://127.0.0.1:{YARDSTICK}", may_be_silent=True),
        RASA: ByRest(ours.rasa),
        DOOR: (door := ByDoor(ours.door)),
    }
    took = in_turn(ways, bench.texts, 150)
    rates = at_once(ways, bench.texts, 180)
    memory = {**theirs.memory(), **ours.memory()}
    theirs.stop_all()
    held = {
        "rasa init": memory["rasa init"],
        "Rasa": memory["rasa"],
        RASA: _sum(memory["rasa"], memory["actions"]),
        f"{RASA} + door": _sum(*(memory[name] for name in CORE)),
    }
    started = {"rasa init": start, "Rasa": bench.started["rasa"], f"{RASA} + door": max(bench.started.values())}
    mine, other = took[RASA], took["rasa init"]
    pss = {name: memory["pss"] / held["rasa init"]["pss"] for name, memory in held.items()}
    return figures(
        [
            _spreads("Milliseconds a message", took),
            table(f"Messages a second, {CLIENTS} clients", ["", "1/s"], list(rates.items()), ["1/s"], "1/s"),
            table(
                "Memory after it, MB", ["", "rss", "pss"], [[n, *m.values()] for n, m in held.items()], ["pss"], "MB"
            ),
            table("Seconds from the command to the first answer", ["", "s"], list(started.items()), ["s"], "s"),
        ],
        [
            Aim(f"p50, {RASA} / rasa init", mine["p50"] / other["p50"], 0.6),
            Aim(f"messages a second, {RASA} / rasa init", rates[RASA] / rates["rasa init"], 1.6, at_least=True),
            Aim("memory (PSS), Rasa / rasa init", pss["Rasa"], 0.6),
            Aim(f"memory (PSS), {RASA} + door / rasa init", pss[f"{RASA} + door"], 0.6),
            Aim("start, Rasa / rasa init", started["Rasa"] / start, 0.333),
            Aim(f"start, {RASA} + door / rasa init", started[f"{RASA} + door"] / start, 0.333),
            Aim("messages answered without Rasa", door.degraded, 0),
        ],
    )


def floor(bench: Bench) -> Part:
    """Beside the floor.

    The floor is one message through the encoder as bot/nlu/encoder.py calls it and one kept-alive exchange of JSON with
    Sanic, in one process. The same sentences in turn. Only who does not ask the encoder gets below it.
    """
    post = ByPost(f"http://127.0.0.1:{FLOOR}")
    command = f"{sys.executable} -W ignore -m tests.load.floor {FLOOR}"
    ground = Processes(environment(), {"floor": command}, {"floor": lambda: post.is_up()})
    bench.ends.callback(ground.stop_all)
    ours = bench.desk
    ground.begin("floor")
    ways: dict[str, Way] = {"floor": post, RASA: ByRest(ours.rasa), DOOR: (door := ByDoor(ours.door))}
    took = in_turn(ways, bench.texts, 200)
    ground.stop_all()
    least = took["floor"]
    return figures(
        [_spreads("Milliseconds a message", took)],
        [
            Aim(f"{share}, {way} / floor", took[way][share] / least[share], aim)
            for way in (RASA, DOOR)
            for share, aim in (("p50", 1.0), ("p95", 1.3))
        ]
        + [Aim("messages answered without Rasa", door.degraded, 0)],
    )


def cache(bench: Bench) -> Part:
    """What a cache of frequent questions gives.

    Sentences never asked before, beside the same twenty asked again and again, and beside the bare names of topics,
    which are looked up without any model: the most that a cache before the models could give.
    """
    again = itertools.cycle([bench.texts.next() for _ in range(20)])
    names = itertools.cycle([topic.title for topic in _directory(bench.desk).topics.values()])
    by_rest, by_door = ByRest(bench.desk.rasa), ByDoor(bench.desk.door, turns=1)
    for _ in range(20):
        by_door(next(again))
    ways: dict[str, Way] = {
        f"new, {RASA}": by_rest,
        f"again, {RASA}": lambda _: by_rest(next(again)),
        f"a topic's name, {RASA}": lambda _: by_rest(next(names)),
        f"new, {DOOR}": by_door,
        f"again, {DOOR}": lambda _: by_door(next(again)),
    }
    took = in_turn(ways, bench.texts, 120)
    middle = {way: found["p50"] for way, found in took.items()}
    ratios = [
        [f"again / new, {RASA}", round(middle[f"again, {RASA}"] / middle[f"new, {RASA}"], 2)],
        [f"again / new, {DOOR}", round(middle[f"again, {DOOR}"] / middle[f"new, {DOOR}"], 2)],
        [f"a topic's name / new, {RASA}", round(middle[f"a topic's name, {RASA}"] / middle[f"new, {RASA}"], 2)],
    ]
    return figures([_spreads("Milliseconds a message", took), table("Ratios", ["p50", "ratio"], ratios)])


def rows(bench: Bench) -> Part:
    """Ten times the rows.

    Every municipality nine times more under made-up codes and names, with its departments, numbers, hours, deadlines
    and notes (tests/load/tenfold.py). Two desks, the same sentences by their doors in turn.
    """
    ours = bench.desk
    grown = make_table(ours.folder / "tenfold.db")
    before, after = tenfold.grow(make_engine(f"sqlite:///{grown}"))
    other = bench.ends.enter_context(desk(TENFOLD, grown))
    other.begin(*CORE)
    ways: dict[str, Way] = {"shipped": ByDoor(ours.door), "ten times": ByDoor(other.door)}
    took = in_turn(ways, bench.texts, 150)
    held = {"shipped": (before, ours.memory()), "ten times": (after, other.memory())}
    other.stop_all()
    memory = [[name, size, *(found[part]["pss"] for part in CORE)] for name, (size, found) in held.items()]
    return figures(
        [
            _spreads("Milliseconds a message", took),
            table("Rows, and memory (PSS) in MB", ["", "rows", *CORE], memory, CORE, "MB"),
        ],
        [Aim("p50, ten times the rows / shipped", took["ten times"]["p50"] / took["shipped"]["p50"], 1.05)],
    )


def between_doors(bench: Bench) -> Part:
    """The doors beside each other.

    A message by Rasa's REST channel and by the door, which adds rates, redaction, danger, the helpline's offer and the
    signed conversation; what a volunteer sees while typing beside a plain look-up; SMS from telephone to telephone
    beside the widget, four at once.
    """
    place = bench.whole_desk
    message = doors.door_and_rasa(place, bench.texts, 150)
    look_up = doors.first_result(place, bench.texts, 150)
    rates = doors.sms_and_widget(place, bench.texts, 60)
    ratios = [
        ["door / Rasa + actions, p50", round(message["door"]["p50"] / message[RASA]["p50"], 2)],
        ["first result / look-up, p50", round(look_up["first result"]["p50"] / look_up["look-up"]["p50"], 2)],
        ["SMS / widget, messages a second", round(rates["SMS"] / rates["widget"], 2)],
    ]
    return figures(
        [
            _spreads("Milliseconds a message", message),
            _spreads("Milliseconds until a volunteer's first result", look_up),
            table("Messages a second, four at once", ["", "1/s"], list(rates.items()), ["1/s"], "1/s"),
            table("Ratios", ["", "ratio"], ratios),
        ]
    )


def load(bench: Bench) -> Part:
    """Whole conversations, many at once.

    Mixed conversations (tests/load/conversations.py: follow-ups, other municipalities, danger, nonsense, call-back,
    deletion), the door's rates raised. First so many people, each writing again the moment they are answered: the
    milliseconds then are the queue of so many. Then strangers who come at a half and at four fifths of the highest rate
    borne, timed from when they were due, so that a stall counts for all who came during it.
    """
    shown, aims = [], []
    columns = ["n", "1/s", "p50", "p95", "p99", "max", "retried", "degraded", "lost", "silent", "wrong"]
    for name, place in bench.places():
        before = {part: processor_seconds(pid) for part, pid in place.pids().items()}
        found = crowd.load(place.door, bench.texts, seed=11)
        messages = sum(row["n"] for row in found)
        spent = {part: processor_seconds(pid) - before[part] for part, pid in place.pids().items()}
        lines = [[row[column] for column in ("who", *columns)] for row in found]
        held = [[part, *mb.values(), round(spent[part] / messages * 1000, 1)] for part, mb in place.memory().items()]
        shown.append(table(f"{name}: milliseconds a message", ["", *columns], lines, ["p50", "p95"], "ms"))
        shown.append(
            table(
                f"{name}: each part after it", ["", "rss, MB", "pss, MB", "CPU ms a message"], held, ["pss, MB"], "MB"
            )
        )
        bad = sum(row[problem] for row in found for problem in ("lost", "silent", "wrong"))
        aims.append(Aim(f"{name}: messages lost, silent or wrong", bad, 0))
    return figures(shown, aims)


def isolation(bench: Bench) -> Part:
    """Two people's conversations are never mixed.

    Ten thousand turns in conversations of ten on `make stack` with two workers of the door and two Rasas, two dozen of
    them open at once, the next turn always a stranger's: a topic's name as its button sends it, a municipality when
    asked, then eight of the widget's buttons, which name neither. Each answer must be about the topic and the
    municipality of its own conversation. No sentence needs the encoder.
    """
    found, seconds = crowd.isolation(bench.stack.door, _directory(bench.desk), MARKED_TURNS)
    for marked, turn, named in found.mixed[:10]:
        print("mixed up:", marked, turn, named)
    lines = [
        ["turns", found.turns],
        ["seconds", round(seconds)],
        ["answered with their own topic and municipality", found.own],
        ["answered without naming either, or only one", found.vague],
        ["answered with another's, and so too when nobody else is in the house: misunderstood", found.odd],
        ["answered without Rasa", found.degraded],
        ["lost", found.lost],
        ["mixed up", len(found.mixed)],
    ]
    aims = [Aim("mixed up", len(found.mixed), 0), Aim("lost", found.lost, 0)]
    return figures([table("Turns", ["", "number"], lines)], aims)


PARTS: dict[str, Callable[[Bench], Part]] = {
    "yardstick": yardstick,
    "floor": floor,
    "cache": cache,
    "rows": rows,
    "doors": between_doors,
    "isolation": isolation,
    "load": load,
}


def main() -> None:
    """Measure the parts that are named, else all; what they started ends with them."""
    with ExitStack() as ends:
        run("make bench", PARTS, BENCH, lambda: Bench(ends))


# -- how they are shown --------------------------------------------------------------------------------------------


def _spreads(title: str, took: dict[str, Spread]) -> Part:
    columns = ["p50", "p95", "p99", "max"]
    lines = [[name, found["n"], *(found[column] for column in columns)] for name, found in took.items()]
    return table(title, ["", "n", *columns], lines, columns[:2], "ms")


def _sum(*memories: dict[str, float]) -> dict[str, float]:
    return {kind: round(sum(memory[kind] for memory in memories), 1) for kind in ("rss", "pss")}


def _directory(place: Desk) -> Directory:
    return Directory.read(make_engine(place.table_url))


if __name__ == "__main__":
    main()
