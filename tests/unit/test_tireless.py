"""What goes by the clock goes on, whatever breaks in one round."""

import datetime as dt
import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.answers.sms import Sms
from bot.edge import tireless
from bot.edge.sms.store import WayOn
from bot.jobs import worker
from bot.jobs.queue import Jobs, make_huey
from bot.knowledge.database import make_engine
from tests.conftest import free_port
from tests.sms import make_town


class Lines:
    """A log that is read."""

    def __init__(self):
        self.said = []

    def error(self, event, **about):
        self.said.append((event, about))


def comes(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def test_a_round_that_fails_is_told_without_its_words_and_the_next_one_comes():
    rounds, log = [], Lines()

    def work():
        rounds.append(1)
        if len(rounds) == 1:
            float("14 dage")

    threading.Thread(target=tireless.forever, args=("requests", work, 0.01, log), daemon=True).start()
    assert comes(lambda: len(rounds) > 2)
    ((event, about),) = log.said
    assert (event, about["task"], about["error"]) == ("task failed", "requests", "ValueError")
    assert "dage" not in str(about)


def test_a_queue_that_is_away_neither_ends_the_watch_nor_keeps_what_is_to_be_deleted(tmp_path, shipped, monkeypatch):
    monkeypatch.setattr(worker, "SWEPT_SECONDS", 0.02)
    with make_town(tmp_path, shipped) as town:
        sender, way_on = town.sender(), WayOn("BCDFG", "c", town.now + dt.timedelta(hours=1))
        town.store.know(sender, "4520304050", town.now)
        town.store.queue(sender, Sms("en sms"), way_on, None, town.now)
        queue, town.office.jobs = (
            town.office.jobs,
            Jobs(make_huey({"VEJVISER_JOBS": f"redis://127.0.0.1:{free_port()}"})),
        )
        town.now += dt.timedelta(hours=25)
        town.deliver("bostøtte køge", number="4520304051")
        town.now += dt.timedelta(seconds=10)
        engine = make_engine(town.url)
        threading.Thread(target=worker.watch, args=(town.office, engine), daemon=True).start()

        def is_gone():
            with engine.connect() as connection:
                return not connection.execute(text("SELECT 1 FROM sms_number WHERE sender = :s"), {"s": sender}).first()

        assert comes(is_gone), "the number goes after a day, whatever the queue does"
        time.sleep(0.2)
        town.office.jobs = queue
        assert comes(lambda: queue.huey.pending_count() > 0), "and who waits is found when the queue is there again"


@pytest.mark.parametrize("name", ["VEJVISER_KEEP_HOURS", "VEJVISER_CALLBACK_DAYS"])
def test_a_time_of_keeping_is_read_at_start(name):
    from bot.edge.settings import Settings, SettingsError

    assert (Settings.read({}).keep_hours, Settings.read({}).callback_days) == (24, 14)
    assert 1.5 in (Settings.read({name: "1.5"}).keep_hours, Settings.read({name: "1.5"}).callback_days)
    for given in ("14 dage", "14,5", "nan", "inf", "-1", "0", "0.0", "1e3"):
        with pytest.raises(SettingsError, match=name):
            Settings.read({name: given})


def test_an_error_of_the_database_does_not_hold_what_was_written(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(OperationalError) as caught, engine.connect() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": "jeg vil ikke leve mere"})
    assert "leve" not in str(caught.value)
