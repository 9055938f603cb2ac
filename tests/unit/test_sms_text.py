"""GSM-7, segments, and the linter over the table."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smsutil.codecs import is_valid_gsm

from bot.answers.answer import Answer
from bot.answers.find import find_answer
from bot.answers.links import Links, meant, short
from bot.answers.sms import Sms, _fitting, gsm, lost, segments, unsendable
from tests.conftest import MONDAY


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("æøåÆØÅé § ü", "æøåÆØÅé § ü"),
        ("kl. 9–15 – nej", "kl. 9-15 - nej"),
        ("“citat” og ‘det’", "\"citat\" og 'det'"),
        ("vent… nu", "vent... nu"),
        ("56\u00a067\u202f67", "56 67 67"),
        ("[note] {x}", "(note) (x)"),
        ("café, Anaïs, François", "café, Anais, Francois"),
        ("½ time → nu", "1/2 time > nu"),
        ("op til 2½ måned", "op til 2 1/2 måned"),
        ("godt 🙂 ord", "godt  ord"),
        ("e\u0301n", "én"),
    ],
)
def test_what_is_typed_is_sent_in_seven_bits(typed, sent):
    assert gsm(typed) == sent and is_valid_gsm(gsm(typed))


@given(st.text())
def test_any_text_becomes_gsm(text):
    assert not gsm(text) or is_valid_gsm(gsm(text))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("å" * 160, 1),
        ("–" + "a" * 69, 1),
        ("–" + "a" * 70, 2),
    ],
)
def test_segments_are_counted_as_the_gateway_counts(text, count):
    assert segments(text) == count and Sms(text).segments == count


@given(st.lists(st.text(alphabet="abcæøå .–", min_size=1, max_size=200), min_size=1, max_size=8))
def test_whatever_is_put_together_fits(parts):
    text = _fitting(parts[:1], parts[1:], [])
    assert segments(text) <= 2


def test_no_text_of_the_table_is_lost_in_an_sms(directory):
    assert unsendable(directory) == []


def test_the_linter_names_what_it_finds(directory):
    line = next(iter(directory.helplines.values()))
    odd = dataclasses.make_dataclass("Odd", ["id", "name"])("x", "Linjen 漢 🙂")
    assert lost(odd.name) == {"漢", "🙂"} and lost(line.name) == set()
    changed = type("Table", (), {**vars(directory), "helplines": {"x": odd}})()
    assert [found for found in unsendable(changed) if found.startswith("rådgivning x: ")]


def test_every_topic_has_a_short_name_that_leads_back(directory):
    topics = tuple(directory.topics)
    names = {topic: short(topic, topics) for topic in topics}
    assert len(set(names.values())) == len(topics)
    for topic, name in names.items():
        assert meant(name, topics) == [topic] == meant(topic, topics)
    assert max(map(len, names.values())) <= 10
    assert Links("https://vejviser.koege.dk/", topics).page("0259", "bostoette") == "vejviser.koege.dk/k/0259/bos"
    assert Links("http://127.0.0.1:8000", topics).page("0259", "bostoette") == "http://127.0.0.1:8000/k/0259/bos"


def test_a_topic_that_comes_later_makes_an_old_link_a_choice():
    assert short("bostoette", ["bostoette"]) == "bos"
    grown = ["bostoette", "bostedsvalg"]
    assert meant("bos", grown) == grown and meant("bosto", grown) == []
    assert meant("xyz", grown) == []


def test_an_answer_is_read_back_in_many_threads_at_once(directory):
    """The worker has four; a kill test found a library that built its reader twice and failed."""
    answer = find_answer(directory, "akut_psykiatri", "0259", now=MONDAY)
    sent = json.loads(json.dumps(answer.to_json()))
    with ThreadPoolExecutor(16) as pool:
        assert all(read == answer for read in pool.map(lambda _: Answer.from_json(sent), range(64)))
    with pytest.raises(ValueError):
        Answer.from_json({"kind": "answer"})
