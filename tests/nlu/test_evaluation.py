"""The figures on the independent questions may not fall below what was reached, less two points."""

import json

import pytest

from bot.knowledge.load import ROOT
from tests.nlu.evaluation import evaluate
from tests.scenarios.test_conversation import Person

# What was reached, less two points.
FLOORS = {
    "kind of reaction": 0.952,
    "topic": 0.879,
    "topic, letters": 0.848,
    "topic or offered": 0.956,
    "no wrong answer without the right one offered": 0.962,
    "unit": 0.846,
    "narrow facets": 0.52,
    "municipality": 0.945,
    "crisis found": 0.897,
    "near misses left alone": 0.93,
}


@pytest.fixture(scope="module")
def figures(backend, database):
    def ask(text):
        return Person(backend, database).writes(text[:1000]).messages[-1]["answer"]

    figures, wrong = evaluate(ask)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    report = {name: {"right": f.right, "of": f.of, "share": round(f.share, 4)} for name, f in figures.items()}
    (build / "evaluation.json").write_text(
        json.dumps({"figures": report, "wrong": wrong}, ensure_ascii=False, indent=1)
    )
    print("\n" + "\n".join(f"{name:48}{figure}" for name, figure in figures.items()))
    return figures


@pytest.mark.parametrize("name", FLOORS)
def test_understanding_has_not_got_worse(figures, name):
    assert figures[name].share >= FLOORS[name], str(figures[name])
