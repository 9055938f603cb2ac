"""`make evaluate`: the figures beside the aims and beside the yardstick, as one HTML page and as JSON.

Reads what `test_evaluation.py` left in build/evaluation.json, lets our model and the yardstick read the same questions,
and writes build/evaluation.html. Pictures are SVG inside the page, so it opens by path and asks nobody for anything.
"""

from __future__ import annotations

import html
import io
import json
import os
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory
from bot.knowledge.load import ROOT
from bot.safety.crisis import is_crisis
from bot.training import TOOK, ensure_model
from tests.nlu import evaluation, yardstick
from tests.nlu.evaluation import DANGER_SEEN, LETTERS, Figure

AIMS = {
    "topic": 0.90,
    "topic, letters": 0.82,
    "topic or offered": 0.97,
    "topic or offered, letters": 0.95,
    "no wrong answer without the right one offered": 0.96,
    "unit": 0.93,
    "narrow facets": 0.92,
    "municipality": 0.99,
    "no municipality where none was named": 0.99,
    "kind of reaction": 0.95,
    "crisis found": 1.0,
    "danger met with 112": 1.0,
    "near misses left alone": 0.95,
}
WORDS = 18  # of a real message, for the timing
EPOCHS = int(os.environ.get("YARDSTICK_EPOCHS", "0"))  # rasa init's are 100: about four hours; none: no yardstick


def main() -> None:
    """Measure, print and write the report."""
    path = ROOT / "build" / "evaluation.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    questions = [record for record in report["records"] if record["kind"] == "answer"]
    figures = {name: Figure(f["right"], f["of"]) for name, f in report["figures"].items()}
    chosen_on = evaluation.questions(DANGER_SEEN)
    judged = [record["text"] for record in [*report["records"], *chosen_on]]
    both = _compare(questions, judged, Directory.read(make_engine()))
    nets = _nets(report["records"], both["ours"]["acts"])
    nets |= {f"{name} (choosing)": figure for name, figure in _nets(chosen_on, both["ours"]["acts"]).items()}
    report |= {"yardstick": {name: both[name]["figures"] for name in both}, "nets": _plain(nets)}
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    for name, figure in figures.items():
        aim = f"   aim {AIMS[name]:.0%}" if name in AIMS else ""
        print(f"{name:48}{figure}{aim}")
    for name, values in report["yardstick"].items():
        print(name, json.dumps(values))
    for name, figure in nets.items():
        print(f"{name:48}{figure}")
    page = ROOT / "build" / "evaluation.html"
    page.write_text(_page(report, figures, nets, questions, both), encoding="utf-8")
    print(f"\n{page}")


def _compare(questions: list[dict[str, Any]], judged: list[str], directory: Directory) -> dict[str, dict[str, Any]]:
    """Both models on the same questions: topic, the topic's usual unit, time, memory, training time.

    Besides, what each takes the `judged` messages to do: their acts.
    """
    texts = [question["text"] for question in questions]
    timed = sorted(texts, key=lambda text: abs(len(text.split()) - WORDS))[:100]
    models = {"ours": (ensure_model(), float(TOOK.read_text()) if TOOK.exists() else None)}
    if EPOCHS:
        models["yardstick"] = yardstick.train(EPOCHS)
    both: dict[str, dict[str, Any]] = {}
    for name, (model, seconds) in models.items():
        said = yardstick.measure(model, [*texts, *judged], timed * 3)
        rankings = said["rankings"][: len(texts)]
        topic, first_three, letters, unit = Figure(), Figure(), Figure(), Figure()
        for question, ranking in zip(questions, rankings):
            wanted = set(question["topics"].split(";"))
            names = [code for code, _ in ranking if code in directory.topics]
            topic.add(ranking[0][0] in wanted)
            first_three.add(bool(set(names[:3]) & wanted))
            if question["voice"] in LETTERS:
                letters.add(ranking[0][0] in wanted)
            usual = directory.topics[names[0]].department_type if names else None
            unit.add(ranking[0][0] in directory.topics and usual in question["unit"].split(";"))
        both[name] = {
            "rankings": rankings,
            "acts": dict(zip(judged, said["acts"][len(texts) :])),
            "figures": {
                "topic": round(topic.share, 4),
                "topic, letters": round(letters.share, 4),
                "first three": round(first_three.share, 4),
                "unit of the topic": round(unit.share, 4),
                f"ms p50, {WORDS} words": round(statistics.median(said["ms"]), 2),
                "ms p95": round(float(np.quantile(said["ms"], 0.95)), 2),
                "memory MB": round(said["mb"]),
                "training s": round(seconds) if seconds else None,
                "epochs": EPOCHS if name == "yardstick" else None,
            },
        }
    return both


def _nets(records: Sequence[dict[str, Any]], acts: dict[str, str]) -> dict[str, Figure]:
    """The two nets for people in danger, each alone."""
    nets: dict[str, Figure] = defaultdict(Figure)
    for record in records:
        raised = {"words": is_crisis(record["text"]), "classifier": acts[record["text"]] == "crisis"}
        for net, is_raised in raised.items():
            if record["kind"] == "crisis":
                nets[f"danger found by the {net} alone"].add(is_raised)
            elif record["near_miss"]:
                nets[f"near misses left alone by the {net}"].add(not is_raised)
    return dict(nets)


def _plain(figures: dict[str, Figure]) -> dict[str, dict[str, float]]:
    return {name: {"right": f.right, "of": f.of, "share": round(f.share, 4)} for name, f in figures.items()}


def _page(
    report: dict[str, Any],
    figures: dict[str, Figure],
    nets: dict[str, Figure],
    questions: list[dict[str, Any]],
    both: dict[str, dict[str, Any]],
) -> str:
    by_topic, by_voice = _by(questions, lambda q: q["topics"].split(";")[0]), _by(questions, lambda q: q["voice"])
    parts = [
        f"<p>Commit {html.escape(report['commit'][:12])}. {len(report['records'])} questions and their dialogues, "
        "written by people who had not seen the training sentences.</p>",
        "<h2>Aims</h2>",
        _table(
            ["", "reached", "95 %", "aim", "on the set used to choose designs"],
            [
                [name, f"{f.share:.1%}", _interval(f), f"{AIMS[name]:.0%}" if name in AIMS else "", _seen(report, name)]
                for name, f in figures.items()
            ],
        ),
        _aims_picture(figures),
        "<h2>Beside the yardstick (rasa init, same sentences)</h2>",
        _table(
            ["", *both],
            [[key, *(str(both[name]["figures"][key]) for name in both)] for key in both["ours"]["figures"]],
        ),
        "<h2>The two nets for danger, each alone</h2>",
        "<p>“Choosing”: the messages that the threshold was chosen on.</p>",
        _table(["", "share", "95 %"], [[name, f"{f.share:.1%}", _interval(f)] for name, f in nets.items()]),
        "<h2>Calibration: how sure, how often right</h2>",
        _calibration_picture(questions, both),
        "<h2>Topics</h2>",
        _bars(by_topic, "topic right, by topic"),
        "<h2>Voices</h2>",
        _bars(by_voice, "topic right, by voice"),
        "<h2>Which topic for which</h2>",
        _confusion_picture(questions, both["ours"]["rankings"]),
        "<h2>The costliest confusions: wrong topic and wrong unit</h2>",
        _table(["wanted", "answered", "times", "of these not offered"], _costliest(questions)),
    ]
    style = (
        "body{font:16px/1.5 system-ui;max-width:72rem;margin:2rem auto;padding:0 1rem}"
        "td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ddd}svg{max-width:100%;height:auto}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title><style>{style}</style>'
        f"<h1>What understanding reaches</h1>{''.join(parts)}</html>"
    )


def _seen(report: dict[str, Any], name: str) -> str:
    seen = report["seen"].get(name)
    return f"{seen['share']:.1%}" if seen else ""


def _interval(figure: Figure) -> str:
    low, high = figure.interval()
    return f"{low:.0%} to {high:.0%}"


def _by(questions: list[dict[str, Any]], key: Any) -> dict[str, Figure]:
    figures: dict[str, Figure] = defaultdict(Figure)
    for question in questions:
        figures[key(question)].add(question["verdicts"]["topic"])
    return dict(sorted(figures.items(), key=lambda item: item[1].share))


def _costliest(questions: list[dict[str, Any]]) -> list[list[str]]:
    times, unoffered = Counter(), Counter()
    for question in questions:
        if not question["verdicts"]["topic"] and not question["verdicts"]["unit"]:
            pair = (question["topics"], str(question["got"]["topic"]))
            times[pair] += 1
            unoffered[pair] += not question["verdicts"]["topic or offered"]
    return [[wanted, got, str(n), str(unoffered[wanted, got])] for (wanted, got), n in times.most_common(20)]


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) for row in rows)
    return f"<table><tr>{cells}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _svg(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight")
    plt.close(figure)
    return out.getvalue()[out.getvalue().index("<svg") :]


def _aims_picture(figures: dict[str, Figure]) -> str:
    names = [name for name in AIMS if name in figures][::-1]
    picture, axis = plt.subplots(figsize=(8, 4.5))
    shares = [figures[name].share for name in names]
    spread = np.array([figures[name].interval() for name in names]).T
    axis.barh(names, shares, color="#4a7fb0")
    axis.errorbar(shares, names, xerr=np.abs(spread - shares), fmt="none", ecolor="#222", capsize=3)
    axis.scatter([AIMS[name] for name in names], names, marker="|", s=300, color="#c0392b", label="aim", zorder=3)
    axis.set_xlim(0.5, 1.02)
    axis.legend(loc="lower left")
    return _svg(picture)


def _bars(figures: dict[str, Figure], title: str) -> str:
    picture, axis = plt.subplots(figsize=(8, max(3, len(figures) * 0.2)))
    names = [f"{name} ({figure.of})" for name, figure in figures.items()]
    axis.barh(names, [figure.share for figure in figures.values()], color="#4a7fb0")
    axis.tick_params(axis="y", labelsize=7)
    axis.set_title(title)
    return _svg(picture)


def _calibration_picture(questions: list[dict[str, Any]], both: dict[str, dict[str, Any]]) -> str:
    picture, axis = plt.subplots(figsize=(5, 5))
    axis.plot([0, 1], [0, 1], color="#999", linestyle=":")
    for name in both:
        sure = np.array([ranking[0][1] for ranking in both[name]["rankings"]])
        right = np.array(
            [ranking[0][0] in q["topics"].split(";") for q, ranking in zip(questions, both[name]["rankings"])]
        )
        parts = [part for part in np.array_split(np.argsort(sure), 10) if len(part)]
        axis.plot([sure[p].mean() for p in parts], [right[p].mean() for p in parts], marker="o", label=name)
    axis.set_xlabel("how sure")
    axis.set_ylabel("share right")
    axis.legend()
    return _svg(picture)


def _confusion_picture(questions: list[dict[str, Any]], rankings: list[list[tuple[str, float]]]) -> str:
    codes = sorted({code for question in questions for code in question["topics"].split(";")})
    place = {code: i for i, code in enumerate(codes)}
    counts = np.zeros((len(codes), len(codes)))
    for question, ranking in zip(questions, rankings):
        wanted, got = question["topics"].split(";"), ranking[0][0]
        if got in place:
            counts[place[got if got in wanted else wanted[0]], place[got]] += 1
    picture, axis = plt.subplots(figsize=(11, 11))
    axis.imshow(counts / counts.sum(axis=1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(codes)), codes, rotation=90, fontsize=6)
    axis.set_yticks(range(len(codes)), codes, fontsize=6)
    axis.set_ylabel("wanted")
    axis.set_xlabel("answered")
    return _svg(picture)


if __name__ == "__main__":
    main()
