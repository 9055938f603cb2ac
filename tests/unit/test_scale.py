"""The sums of docs/scale.md follow from its figures."""

import itertools
import re

from bot.knowledge.load import ROOT
from tests.load.cost import INHABITANTS, MUNICIPALITIES, PEAK, SHARE, TURNS, Cost, need, rows

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
COSTS = {
    name: Cost(float(ms), float(mb)) for name, ms, mb in re.findall(r"^\| (\w+) \| ([\d.]+) \| (\d+) \|$", PAGE, re.M)
}
BYTES = int(re.search(r"Bytes in PostgreSQL for a message: (\d+)", PAGE)[1])


def test_the_sums_follow_from_the_figures():
    assert {"rasa", "edge", "actions", "postgres", "redis", "balancer", "proxy"} <= set(COSTS)
    for row in rows(COSTS, BYTES):
        assert row in PAGE, f"docs/scale.md should say: {row}"


def test_the_assumptions_are_those_of_the_page():
    said = f"municipalities × {INHABITANTS:,} ÷ {1 / SHARE:.0f} × {TURNS} ÷ 3,600 × {PEAK}"
    assert said in PAGE


def test_a_busier_country_never_needs_less():
    needs = [need(COSTS, number, BYTES) for number in sorted(MUNICIPALITIES.values())]
    for less, more in itertools.pairwise(needs):
        assert all(one <= other for one, other in zip(less, more))
    assert needs[0].rasas == needs[0].doors == 2, "one that may be missing, also where one would do"
