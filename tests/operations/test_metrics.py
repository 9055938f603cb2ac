"""The figures of a real door with several workers are those of all of them, whichever is asked."""

import datetime as dt
import os
import signal
import time
from pathlib import Path

from sqlalchemy.orm import Session

from bot.handoff.requests import Handoff, Wish
from bot.heartbeat import BACKUP, beat, beats
from bot.knowledge.database import make_engine
from bot.knowledge.hours import Calendar
from tests.conftest import MONDAY
from tests.databases import taken_away
from tests.operations.conftest import served

MESSAGES = 24
DEGRADED = 'vejviser_messages_total{channel="web",kind="degraded"}'
CRISIS = 'vejviser_messages_total{channel="web",kind="crisis"}'


def workers(door):
    return [int(pid) for pid in Path(f"/proc/{door.process.pid}/task/{door.process.pid}/children").read_text().split()]


def answering(door):
    """How many workers have answered a message, by the files they count in."""
    return len(list(Path(door.environ["TMPDIR"]).glob("vejviser-figures-*/histogram_*.db")))


def test_every_message_is_counted_once_whichever_worker_is_asked(door):
    before = door.figures()
    for number in range(MESSAGES):
        assert door.ask("hun vil tage sit eget liv" if number % 4 == 0 else "hvad nu?").status_code == 200
    assert len(workers(door)) == 2 and answering(door) == 2, "one worker alone would prove nothing"
    seen = [door.figures() for _ in range(12)]
    counts = {(figures[DEGRADED] - before[DEGRADED], figures[CRISIS] - before[CRISIS]) for figures in seen}
    assert counts == {(MESSAGES * 3 / 4, MESSAGES / 4)}
    assert (
        seen[0]['vejviser_message_seconds_count{channel="web"}']
        - before.get('vejviser_message_seconds_count{channel="web"}', 0)
        == MESSAGES
    )


def test_why_an_answer_came_without_rasa_is_counted_and_sums_up(door):
    door.ask("hvad nu?")
    figures = door.figures()
    causes = {name: value for name, value in figures.items() if name.startswith("vejviser_degraded_total")}
    assert causes['vejviser_degraded_total{cause="unreachable"}'] >= 3, "nobody is there"
    assert causes['vejviser_degraded_total{cause="breaker"}'] >= 1, "after three failures nobody is asked"
    assert sum(causes.values()) == figures[DEGRADED]
    assert figures["vejviser_rasa_breaker_open"] == 1
    assert figures['vejviser_part_up{part="rasa"}'] == 0 == figures['vejviser_part_up{part="actions"}']
    assert figures['vejviser_part_up{part="database"}'] == 1


def test_a_worker_that_is_killed_takes_no_counts_with_it(door):
    before, pids = door.figures(), workers(door)
    os.kill(pids[0], signal.SIGKILL)
    for _ in range(100):
        if len(workers(door)) == 2 and pids[0] not in workers(door):
            break
        time.sleep(0.1)
    time.sleep(1)
    after = door.figures()
    assert after[DEGRADED] == before[DEGRADED] and after[CRISIS] == before[CRISIS]


def test_the_figures_leave_nothing_behind(shipped, tmp_path):
    with served(tmp_path, shipped) as one:
        one.ask("hej")
        assert list(tmp_path.glob("vejviser-figures-*/*.db"))
    assert not list(tmp_path.glob("vejviser-figures-*"))


def test_what_waits_and_what_is_late_and_what_ran(door):
    engine = make_engine(door.environ["VEJVISER_DATABASE_URL"])
    handoff, now = Handoff(engine), dt.datetime.now(dt.timezone.utc)
    handoff.set_desk("24/7", 4, [])
    for number in range(2):
        wish = Wish("call", "bostøtte", number=f"2030405{number}")
        handoff.place(f"person-{number}", wish, Calendar(), now if number else MONDAY - dt.timedelta(days=400))
    beat(engine, BACKUP, now)
    figures = door.figures()
    assert figures['vejviser_callbacks{state="waiting"}'] == 2 and figures['vejviser_callbacks{state="late"}'] == 1
    assert figures['vejviser_last_success_timestamp_seconds{task="backup"}'] == round(now.timestamp(), 6)
    for task in ("conversations", "requests"):
        ago = time.time() - figures[f'vejviser_last_success_timestamp_seconds{{task="{task}"}}']
        assert 0 <= ago < 600, f"{task} is swept when a door starts"
    assert figures["vejviser_oldest_fact_days"] > 365 and 0 < figures["vejviser_stale_share"] <= 1


def test_a_database_that_is_away_is_told_and_the_rest_stays(shipped, tmp_path):
    with served(tmp_path, shipped) as one:
        one.ask("hej")
        with taken_away(one.environ["VEJVISER_DATABASE_URL"]):
            figures = one.figures()
            assert figures['vejviser_part_up{part="database"}'] == 0
            assert figures[DEGRADED] == 1 and "vejviser_stale_share" not in figures


def test_no_label_holds_what_somebody_wrote(door):
    door.ask("hemmelighedsfuld opvask i Køge")
    assert not any("opvask" in name for name in door.figures())


def test_a_heartbeat_is_kept_once(shipped, table):
    for minute in range(3):
        beat(table, BACKUP, MONDAY + dt.timedelta(minutes=minute))
    assert beats(table) == {BACKUP: MONDAY + dt.timedelta(minutes=2)}
    with Session(table, future=True) as session:
        assert session.connection().exec_driver_sql("select count(*) from heartbeat").scalar_one() == 1
