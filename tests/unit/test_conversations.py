"""What Rasa kept is gone when it should be, from the file too."""

import datetime as dt
import json
import sqlite3
import time

import pytest

from bot.edge import gunicorn_conf
from bot.safety.conversations import Conversations

MARKER = "min helt særlige sætning om opvasken"
NOON = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.timezone.utc)


@pytest.fixture
def store(tmp_path):
    """A store as Rasa's SQL tracker store lays it out, with one conversation of today and one of the day before."""
    path = tmp_path / "conversations.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT, type_name TEXT, timestamp FLOAT, data TEXT)"
        )
        for sender, hours in (("today", 1), ("yesterday", 30)):
            event = json.dumps({"parse_data": {"text": f"{MARKER} {sender}"}}, ensure_ascii=False)
            when = NOON.timestamp() - hours * 3600
            connection.execute("INSERT INTO events VALUES (NULL, ?, 'user', ?, ?)", (sender, when, event))
    return path


def said(path):
    return [message["text"].split()[-1] for message in Conversations(path).messages()]


def test_one_conversation_is_forgotten(store):
    Conversations(store).forget("today")
    assert said(store) == ["yesterday"]


def test_a_conversation_is_forgotten_after_its_hours(store):
    Conversations(store).forget_older(NOON, hours=31)
    assert said(store) == ["today", "yesterday"]
    Conversations(store).forget_older(NOON, hours=24)
    assert said(store) == ["today"]


def test_the_door_sweeps_without_anybody_writing(store, monkeypatch):
    monkeypatch.setenv("VEJVISER_CONVERSATIONS", str(store))
    now = dt.datetime.now(dt.timezone.utc)
    with sqlite3.connect(store) as connection:
        for sender, hours in (("today", 1), ("yesterday", 30)):
            when = now.timestamp() - hours * 3600
            connection.execute("UPDATE events SET timestamp = ? WHERE sender_id = ?", (when, sender))
    gunicorn_conf.post_worker_init(None)
    deadline = time.monotonic() + 10
    while len(said(store)) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert said(store) == ["today"]


def test_nothing_of_it_stays_in_the_file(store):
    conversations = Conversations(store)
    conversations.forget("today")
    conversations.forget("yesterday")
    for file in store.parent.iterdir():
        assert MARKER.encode() not in file.read_bytes()


def test_a_store_that_is_not_there_yet_is_empty(tmp_path):
    conversations = Conversations(tmp_path / "none.db")
    assert list(conversations.messages()) == []
    conversations.forget("nobody")
