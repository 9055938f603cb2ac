"""What `deploy/endpoints.yml` makes of Rasa: conversations on a server and gone from it, turns kept by a real Redis."""

import asyncio
import datetime as dt
import warnings

import pytest
from sqlalchemy import text

from actions.stores import AGAIN_SECONDS, Turns
from actions.stores import Conversations as Store
from bot.edge.rasa import TIMEOUT_SECONDS
from bot.knowledge.database import make_engine
from bot.knowledge.load import ROOT
from bot.safety.conversations import Conversations
from tests.databases import everything_in, taken_away
from tests.stores.test_races import at_once

ENDPOINTS = ROOT / "deploy" / "endpoints.yml"


@pytest.fixture
def place(kind, beside, made, redis_server, monkeypatch):
    """The address of the conversations; the environment says what production says."""
    url = made(beside=beside(kind))
    for name, value in {
        "ACTIONS_URL": "http://127.0.0.1:1/webhook",
        "CONVERSATIONS": url,
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis_server.port),
        "REDIS_PASSWORD": "",
    }.items():
        monkeypatch.setenv(f"VEJVISER_{name}", value)
    return url


@pytest.fixture
def endpoints(place):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rasa.core.utils import AvailableEndpoints

        return AvailableEndpoints.read_endpoints(str(ENDPOINTS))


def new_store(endpoints):
    from rasa.core.tracker_store import TrackerStore
    from rasa.shared.core.domain import Domain

    return TrackerStore.create(endpoints.tracker_store, Domain.load(str(ROOT / "domain.yml")))


def talks(store, sender, words):
    from rasa.shared.core.events import SlotSet, UserUttered

    async def turn():
        tracker = await store.get_or_create_tracker(sender)
        tracker.update(UserUttered(words, {"name": "ask"}, parse_data={"text": words}))
        tracker.update(SlotSet("topic", "bostoette"))
        await store.save(tracker)

    asyncio.run(turn())


def remembers(store, sender):
    tracker = asyncio.run(store.retrieve(sender))
    return tracker.get_slot("topic") if tracker else None


def test_another_worker_goes_on_with_the_talk_and_deleting_ends_it_for_all(endpoints, place):
    first, second = new_store(endpoints), new_store(endpoints)
    assert isinstance(first, Store), "Rasa would fall back to memory without a word"
    talks(first, "moder", "min kone samler tekopper")
    talks(second, "søn", "hvad koster det")
    assert remembers(second, "moder") == "bostoette"
    kept = Conversations(place)
    assert [message["text"] for message in kept.messages()] == ["min kone samler tekopper", "hvad koster det"]
    assert b"tekopper" in everything_in(place)
    kept.forget("moder")
    assert b"tekopper" not in everything_in(place)
    assert remembers(first, "moder") is None and remembers(first, "søn") == "bostoette"


def test_many_sweep_at_once_and_only_the_old_go(endpoints, place):
    store = new_store(endpoints)
    talks(store, "today", "i dag")
    talks(store, "yesterday", "i går")
    with make_engine(place).begin() as connection:
        connection.execute(text("UPDATE events SET timestamp = timestamp - 30 * 3600 WHERE sender_id = 'yesterday'"))
    now = dt.datetime.now(dt.timezone.utc)
    assert at_once(4, lambda _: Conversations(place).forget_older(now, 24)) == [None] * 4
    assert [message["text"] for message in Conversations(place).messages()] == ["i dag"]


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_server_that_was_away_is_found_again_with_the_talk(endpoints, place):
    store = new_store(endpoints)
    talks(store, "moder", "hvor søger jeg bostøtte")
    with taken_away(place), pytest.raises(Exception, match="not currently accepting connections"):
        remembers(store, "moder")
    assert remembers(store, "moder") == "bostoette", "the first message after it, not the second"


@pytest.mark.parametrize("kind", ["sqlite"])
def test_two_workers_take_turns_with_one_person(endpoints):
    from rasa.core.lock_store import LockStore

    workers = [LockStore.create(endpoints.lock_store) for _ in range(2)]
    assert all(isinstance(worker, Turns) for worker in workers)
    said = []

    async def turn(worker):
        async with workers[worker].lock("moder", wait_time_in_seconds=0.01):
            said.append((worker, "in"))
            await asyncio.sleep(0.02)
            said.append((worker, "out"))

    async def all_at_once():
        await asyncio.gather(*(turn(number % 2) for number in range(6)))

    asyncio.run(all_at_once())
    assert len(said) == 12 and {worker for worker, _ in said} == {0, 1}
    for (went_in, _), (came_out, what) in zip(said[::2], said[1::2]):
        assert went_in == came_out and what == "out", said
    keys = workers[0].red.keys("vejviser:lock:*")
    assert keys == [], "nobody waits any more"


@pytest.mark.parametrize("kind", ["sqlite"])
def test_without_redis_a_rasa_gives_the_turns_itself_and_asks_again(endpoints, redis_server):
    now = 0.0
    worker = Turns(endpoints.lock_store, clock=lambda: now)
    said = []

    async def turn(number):
        async with worker.lock("moder", wait_time_in_seconds=0.01):
            said.append((number, "in"))
            await asyncio.sleep(0.02)
            said.append((number, "out"))

    async def goes_away_in_the_midst_of_a_turn():
        async with worker.lock("moder"):
            redis_server.stop()

    async def two_at_once():
        await asyncio.gather(turn(1), turn(2))

    try:
        asyncio.run(goes_away_in_the_midst_of_a_turn())
        asyncio.run(two_at_once())
    finally:
        redis_server.start()
    assert said == [(1, "in"), (1, "out"), (2, "in"), (2, "out")]

    async def asks_redis():
        async with worker.lock("moder"):
            return bool(worker.red.keys("vejviser:lock:*"))

    assert not asyncio.run(asks_redis())
    now += AGAIN_SECONDS
    assert asyncio.run(asks_redis())


@pytest.mark.parametrize("kind", ["sqlite"])
def test_who_wrote_to_a_rasa_that_was_killed_gets_a_turn_while_the_door_still_waits(endpoints):
    killed, other = Turns(endpoints.lock_store), Turns(endpoints.lock_store)

    async def turn():
        async with other.lock("moder"):
            return "answered"

    async def sent_again():
        await killed.lock("moder").__aenter__()
        return await asyncio.wait_for(turn(), TIMEOUT_SECONDS)

    assert asyncio.run(sent_again()) == "answered"
    assert asyncio.run(turn()) == "answered", "the next one as well"
