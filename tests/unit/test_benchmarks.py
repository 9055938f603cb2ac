"""The arithmetic of the bench, its page and its tables; what it measures is measured by `make bench`."""

import asyncio
import itertools
import math
import os
import re
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask

from bot.knowledge import models as m
from bot.knowledge.directory import Directory
from tests.load import bench, chaos, crowd, players, report, tenfold
from tests.load.conversations import MIX, Conversation, Texts, Turn, conversations
from tests.load.figures import Aim, percentile, spread
from tests.load.players import Said, came_to
from tests.load.report import DOCS, figures, in_docs, page
from tests.load.topology import Keeper, Processes, family, memory_of, processor_seconds, wait_until
from tests.sms import listening


def test_percentiles_are_values_that_occurred():
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([7], 0.99) == 7
    assert math.isnan(percentile([], 0.5))


def test_a_spread_counts_and_rounds():
    assert spread([10.04, 20.06, 30.0]) == {"n": 3, "p50": 20.1, "p95": 30.0, "p99": 30.0, "max": 30.0}


def test_an_aim_is_met_on_its_own_side_and_never_by_nothing():
    assert Aim("ratio", 0.6, 0.6).met and not Aim("ratio", 0.61, 0.6).met
    assert Aim("rate", 1.6, 1.6, at_least=True).met and not Aim("rate", 1.5, 1.6, at_least=True).met
    assert not Aim("ratio", math.nan, 0.6).met and not Aim("rate", math.nan, 1.6, at_least=True).met


def test_a_lost_message_has_no_time_but_counts():
    turn = next(conversations(Texts(), 1)).turns[0]
    said = [
        Said(0, 10, turn, "answer"),
        Said(0, 9000, turn, problem="lost", retried=True),
        Said(0, 20, turn, "degraded"),
    ]
    assert came_to(said, 2) == {
        **{"n": 3, "p50": 10, "p95": 20, "p99": 20, "max": 20, "1/s": 1.5},
        **{"retried": 1, "degraded": 1, "lost": 1, "silent": 0, "wrong": 0},
    }


def test_no_sentence_is_asked_twice_in_one_wording():
    texts = Texts()
    asked = [texts.next() for _ in range(900)] + [text for _ in range(300) for text in texts.wordings(3)]
    assert len(set(asked)) == len(asked)


def test_the_blind_sets_are_never_opened():
    for path in (report.ROOT / "tests" / "load").glob("*.py"):
        assert not re.search(r"\bBLIND\b|blind\.(csv|yml)|DIALOGUES", path.read_text(encoding="utf-8")), path.name


def test_conversations_come_in_their_proportions_and_the_same_each_time():
    first, second = (list(itertools.islice(conversations(Texts(), 3), 2000)) for _ in range(2))
    assert first == second
    for name, share in MIX.items():
        assert abs(sum(talk.name == name for talk in first) / 20 - share) < 4, name
    assert all(turn.text or turn.deed != "say" for talk in first for turn in talk.turns)


def test_an_answer_with_anothers_place_is_a_mix_up_unless_it_is_given_alone_too(directory):
    mark = next(crowd.marks(directory))
    own, turn = (mark.topic, mark.code), mark.conversation().turns[3]

    def said(topic, place):
        return Said(0, 1, turn, "answer", answer={"topic": topic, "municipality": place and {"code": place}})

    result = crowd.Isolation()
    for n, named in (
        (0, (mark.topic, None)),
        (1, own),
        (2, (None, None)),
        (3, (mark.topic, "9999")),
        (4, ("b", mark.code)),
    ):
        result.judge(mark, n, said(*named), talk=1)
    result.judge(mark, 1, Said(0, 1, turn, "degraded"), talk=2)
    result.judge(mark, 2, said("klage", None), talk=2)  # never told what it is about
    result.judge(mark, 3, said(mark.topic, "9999"), talk=2)
    result.judge(mark, 1, Said(0, 1, turn, problem="lost"), talk=3)
    result.settle(lambda _: [own] * 4 + [("b", mark.code)])
    assert (result.turns, result.own, result.vague, result.degraded, result.lost) == (9, 2, 2, 1, 1)
    assert result.odd == 1, "the topic at turn 4 is what anybody is told"
    assert [(n, named) for _, n, named in result.mixed] == [(3, (mark.topic, "9999"))] * 2


def test_ten_times_the_rows_are_ten_of_each_and_answer_for_themselves(table, directory):
    before, after = tenfold.grow(table)
    assert after > 5 * before
    one, ten = directory, Directory.read(table)
    assert len(ten.municipalities) == 10 * len(one.municipalities)
    assert len(ten.topics) == len(one.topics)
    assert ten.municipalities["3259"].name == "Køgebæk"
    copied, own = ten.roots["3259"], one.roots["0259"]
    assert copied.name == own.name and copied.id != own.id
    assert [p.value for p in copied.contact_points] == [p.value for p in own.contact_points]
    departments = [org for org in ten.organizations if org.municipality_code == "3259" and org.parent_id]
    assert departments and all(org.parent.municipality_code == "3259" for org in departments)
    assert m.Organization.id.type.length == len(copied.id)


PART = {
    "title": "A part & more",
    "how": "As it was.",
    "made": {"command": "make bench", "commit": "abc", "date": "d", "machine": "m", "seconds": 3, "note": ""},
    **figures(
        [report.table("Times <ms>", ["", "p50"], [["a<b", 1.5], ["none", math.nan]], ["p50"], "ms")], [Aim("r", 2, 1)]
    ),
}


def test_the_page_is_self_contained_and_escaped_and_its_pictures_have_words():
    html = page({"a": PART})
    assert "a&lt;b" in html and "A part &amp; more" in html and "a<b" not in html
    assert not re.search(r"<(script|link|img)|https?://|url\(", html)
    assert "prefers-color-scheme:dark" in html and 'name="viewport"' in html
    pictures = re.findall(r"<svg.*?</svg>", html)
    assert len(pictures) == 1
    picture = ElementTree.fromstring(pictures[0])
    assert picture.get("role") == "img" and "ms" in picture.get("aria-label")
    lengths = [float(bar.get("width")) for bar in picture.iter("rect")][1:]
    assert lengths[0] > 0 and lengths[1] == 0


def test_only_the_measured_part_of_the_docs_is_made_anew():
    text = "Before.\n<!-- bench:a -->\nold\n<!-- end -->\nBetween.\n<!-- bench:b -->\nkept\n<!-- end -->\n"
    new = in_docs(text, {"a": PART})
    assert "old" not in new and "kept" in new and "| r | 2 | at most 1 | **no** |" in new
    assert new.startswith("Before.\n<!-- bench:a -->\n### A part & more\n\nAs it was.") and "Between." in new
    assert in_docs(new, {"a": PART}) == new
    with pytest.raises(KeyError, match="bench:c"):
        in_docs(text, {"c": PART})


def test_all_aims_stand_together_with_what_they_belong_to():
    first = report.summary({"a": PART, "b": {**PART, "title": "B", **figures([], [Aim("s", 1, 1)])}})
    assert [row[:3] + row[4:] for row in first["tables"][0]["rows"]] == [
        ["A part & more", "r", 2, "**no**"],
        ["B", "s", 1, "yes"],
    ]
    assert "All aims" in in_docs(DOCS.read_text(encoding="utf-8"), {"aims": first})


def test_every_part_has_its_place_in_the_docs_and_says_how_it_is_measured():
    docs = DOCS.read_text(encoding="utf-8")
    for name, part in {**bench.PARTS, **chaos.PARTS}.items():
        assert f"<!-- bench:{name} -->" in docs, name
        assert "\n\n" in part.__doc__, name


def reply(text, kind="answer", status=200):
    body = {"session": "s", "messages": [{"text": text, "buttons": [], "answer": {"kind": kind}}]}
    return body, status


@pytest.mark.parametrize(
    "kind, replies, problem, retried",
    [
        (None, [reply("Ring til kommunen.")], "", False),
        (None, [reply("Teknisk problem. Ring 56 67 67 67.", "degraded")], "", False),
        (None, [reply("Teknisk problem.", "degraded")], "numberless", False),
        (None, [reply("  ")], "silent", False),
        (None, [({"session": "s", "messages": []}, 200)], "silent", False),
        ("crisis", [reply("Ring 112 nu.", "crisis")], "", False),
        ("crisis", [reply("Ring til kommunen.")], "wrong", False),
        (None, [({}, 502), reply("Ring til kommunen.")], "", True),
        (None, [({}, 502), ({}, 502), reply("Ring til kommunen.")], "", True),
        (None, [({}, 502), ({}, 502), ({}, 502)], "lost", True),
        (None, [({"error": {"code": "rate_limited"}}, 429)], "lost", False),
    ],
)
def test_each_answer_is_judged_and_a_failed_try_made_again(monkeypatch, kind, replies, problem, retried):
    monkeypatch.setattr(players, "AGAIN_SECONDS", (0, 0))
    door, left = Flask("door"), iter(replies)
    door.add_url_rule("/api/v1/messages", view_func=lambda: next(left), methods=["POST"])

    async def write(address):
        async with players.line_to(address) as line:
            return await players.Person(line, Conversation("one", [Turn("hej", kind=kind)])).write(0)

    with listening(door) as address:
        said = asyncio.run(write(address))
    assert (said.problem, said.retried) == (problem, retried)
    assert next(left, None) is None


def test_who_is_dead_is_started_again_and_all_end_together(tmp_path):
    sleepers = Processes({}, {"sleeper": "sleep 60"})
    sleepers.begin("sleeper")
    first = sleepers.pids()["sleeper"]
    with Keeper(sleepers):
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: sleepers.pids()["sleeper"] != first, "the sleeper", 20)
    second = sleepers.pids()["sleeper"]
    assert family(second) == [second] and memory_of(second)["rss"] > 0 and processor_seconds(second) >= 0
    sleepers.stop_all()
    assert not sleepers.running and not Path(f"/proc/{second}").exists()


def test_a_wound_heals_with_the_last_answer_that_was_not_ordinary():
    turn = Turn("hej")
    said = [
        Said(10, 100, turn, "answer"),
        Said(20.5, 500, turn, "degraded"),
        Said(22, 3000, turn, "answer", retried=True),
        Said(30, 100, turn, "answer"),
    ]
    wound = chaos.Wound("a kill", said, struck=20, whole=True)
    assert wound.recovery == 5 and wound.row()[-2:] == [5.0, 3000]
    assert chaos.Wound("nothing", said[:1], struck=20, whole=True).recovery == 0
    assert "not within" in str(chaos.Wound("never", said, struck=20).row()[-2])
