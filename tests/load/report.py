"""What was measured, as JSON, as a page with pictures, and in the tables of docs/benchmarks.md.

A part is plain JSON: `title`, `how`, `made` (command, commit, date, machine, seconds), `tables` and `aims`. A table is
`title`, `head`, `rows`, and `chart`: the columns that are drawn as bars in their `unit`; the first column names them.
The page holds everything itself: no script, font or picture from elsewhere.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import inspect
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bot.knowledge.load import ROOT
from tests.load.figures import Aim

BENCH, CHAOS = ROOT / "build" / "bench.json", ROOT / "build" / "chaos.json"
PAGE, DOCS = ROOT / "build" / "bench.html", ROOT / "docs" / "benchmarks.md"
Part = dict[str, Any]
Spread = dict[str, float]

BAR, LABEL, WIDTH = 14, 18, 480
STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2430;--soft:#5b6675;--line:#d5dae1;
--a:#2563a8;--b:#c2571a;--c:#2e7d4f}
@media(prefers-color-scheme:dark){
:root{--paper:#14181e;--ink:#e6eaf0;--soft:#a3adba;--line:#343c47;--a:#6ea8e8;--b:#f0975c;--c:#74c795}}
body{font:1rem/1.5 system-ui,sans-serif;background:var(--paper);color:var(--ink);max-width:60rem;margin:1.5rem auto;
padding:0 1rem}
h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem}p.made{color:var(--soft);font-size:.9rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}
caption{text-align:left;font-weight:600;padding:.6rem 0 .2rem}
th,td{padding:.25rem .8rem .25rem 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:8rem}
svg{width:100%;max-width:36rem;height:auto;display:block;margin:.6rem 0 1.4rem}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg text.n{fill:var(--soft)}
.s0{fill:var(--a)}.s1{fill:var(--b)}.s2{fill:var(--c)}
"""


def table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[Any]], chart: Sequence[str] = (), unit: str = ""
) -> Part:
    """Return a table; `chart` names the columns that are drawn, all in the same unit."""
    return {"title": title, "head": list(head), "rows": [list(row) for row in rows], "chart": list(chart), "unit": unit}


def figures(tables: Sequence[Part], aims: Sequence[Aim] = ()) -> Part:
    """Return what a part measured."""
    return {"tables": list(tables), "aims": [aim.to_json() for aim in aims]}


def timed(command: str, note: str, measure: functools.partial[Part]) -> Part:
    """Return what is measured; its title and how from the docstring of the function, and how it was made."""
    title, how = (inspect.getdoc(measure.func) or "").split("\n\n", 1)
    print(f"{title.rstrip('.')} ...", flush=True)
    began = time.monotonic()
    part = measure()
    by = {
        "command": command,
        "commit": _commit(),
        "date": dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {_processor()}",
        "seconds": round(time.monotonic() - began),
        "note": note,
    }
    return {"title": title.rstrip("."), "how": " ".join(how.split()), "made": by, **part}


def run(command: str, parts: Mapping[str, Callable[[Any], Part]], path: Path, make: Callable[[], Any]) -> None:
    """Measure the parts that the command line names, else all, each with what `make` returned; publish each at once.

    A part that fails is told at the end (exit code 1); the others are measured all the same.
    """
    parser = argparse.ArgumentParser(description=f"{command}: measures, and writes {path.parent} and {DOCS}.")
    parser.add_argument("parts", nargs="*", help=f"of {' '.join(parts)}")
    parser.add_argument("--note", default="", help="said beside the figures, such as: others used the machine")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(parts):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped, too
    shared, failed = make(), []
    for name in asked.parts or parts:
        try:
            publish(path, name, timed(f"{command} PART={name}", asked.note, functools.partial(parts[name], shared)))
        except Exception:
            failed.append(name)
            traceback.print_exc()
    if failed:
        sys.exit(f"{command}: not measured: {', '.join(failed)}")


def publish(path: Path, name: str, part: Part) -> None:
    """Put a part into its JSON file, the page and docs/benchmarks.md, and print it."""
    write(path, {**kept(path), name: part})
    every = {**kept(BENCH), **kept(CHAOS)}
    first = {"aims": summary(every)}
    PAGE.write_text(page({**first, **every}), encoding="utf-8")
    DOCS.write_text(in_docs(DOCS.read_text(encoding="utf-8"), {**first, name: part}), encoding="utf-8")
    print("\n".join(map(_markdown, tables(part))), f"({part['made']['seconds']} s)\n", flush=True)


def summary(parts: Mapping[str, Part]) -> Part:
    """Return the aims of all parts as a part of its own, to stand first."""
    lines = [[part["title"], *line] for part in parts.values() for line in _verdicts(part)]
    shown = table("All aims", ["", "", "measured", "aim", "met"], lines)
    return {"title": "Aims", "how": "Every aim beside what was measured.", "tables": [shown], "aims": []}


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    return (git("rev-parse", "--short=10", "HEAD") or "unknown") + (
        " and changes" if git("status", "--short", "--", ".", f":!{DOCS}") else ""
    )


def _processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()


def kept(path: Path) -> dict[str, Part]:
    """Return the parts of the last runs by name; none when there was none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(path: Path, parts: Mapping[str, Part]) -> None:
    """Write parts as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(parts, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")


def page(parts: Mapping[str, Part]) -> str:
    """Return the page: for each part its tables, a picture under each that has one, and its aims."""
    body = "".join(
        f'<section id="{escape(name)}"><h2>{escape(part["title"])}</h2><p>{escape(part["how"])}</p>'
        f'<p class="made">{escape(made(part))}</p>{"".join(map(_html, tables(part)))}</section>'
        for name, part in parts.items()
    )
    links = "".join(f'<li><a href="#{escape(name)}">{escape(part["title"])}</a></li>' for name, part in parts.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Vejviser: measured</title><style>{STYLE}</style>"
        f"<main><h1>Vejviser: measured</h1><nav><ul>{links}</ul></nav>{body}</main></html>"
    )


def in_docs(page: str, parts: Mapping[str, Part]) -> str:
    """Return a Markdown page with what stands between `<!-- bench:NAME -->` and `<!-- end -->` made anew.

    Parts that were not measured keep what stands there. Raises KeyError naming a part the page has no place for.
    """
    for name, part in parts.items():
        place = re.compile(rf"(<!-- bench:{re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(page):
            raise KeyError(f"docs/benchmarks.md has no place <!-- bench:{name} --> ... <!-- end -->")
        text = (
            "\n\n".join(filter(None, (f"### {part['title']}", part["how"], made(part))))
            + "\n\n"
            + "\n".join(map(_markdown, tables(part)))
        )
        page = place.sub(lambda found: found[1] + text + found[2], page)  # noqa: B023
    return page


def made(part: Part) -> str:
    """Return how a part was made, in one line."""
    if "made" not in part:
        return ""
    by = part["made"]
    note = f" {by['note']}" if by.get("note") else ""
    return f"{by['command']}, commit {by['commit']}, {by['date']}, {by['machine']}, {by['seconds']} s.{note}"


def tables(part: Part) -> list[Part]:
    """Return the tables of a part, its aims as the last."""
    found = list(part["tables"])
    if part["aims"]:
        found.append(table("Aims", ["", "measured", "aim", "met"], _verdicts(part)))
    return found


def _verdicts(part: Part) -> list[list[Any]]:
    return [[aim["name"], aim["value"], aim["aim"], "yes" if aim["met"] else "**no**"] for aim in part["aims"]]


def _markdown(shown: Part) -> str:
    rows = [shown["head"], ["---"] * len(shown["head"]), *shown["rows"]]
    lines = "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
    return f"{shown['title']}:\n\n{lines}\n"


def _html(shown: Part) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in shown["head"])
    cells = ([f"<td>{escape(_cell(cell).strip('*'))}</td>" for cell in row] for row in shown["rows"])
    rows = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    drawn = bars(shown) if shown["chart"] else ""
    return (
        f'<div class="wide"><table><caption>{escape(shown["title"])}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{drawn}"
    )


def bars(shown: Part) -> str:
    """Return the drawn columns of a table as an SVG of horizontal bars; the table beside it holds the same in words."""
    columns = [shown["head"].index(name) for name in shown["chart"]]
    rows = [(str(row[0]), [_number(row[column]) for column in columns]) for row in shown["rows"]]
    longest = max((value for _, values in rows for value in values), default=0) or 1
    parts = []
    for n, name in enumerate(shown["chart"]):
        parts.append(f'<rect class="s{n}" x="{n * 130}" y="2" width="10" height="10"/>')
        parts.append(f'<text x="{15 + n * 130}" y="12">{escape(name)}</text>')
    y = LABEL
    for label, values in rows:
        parts.append(f'<text class="n" x="0" y="{y + LABEL - 4}">{escape(label)}</text>')
        y += LABEL
        for n, value in enumerate(values):
            length = round(value / longest * (WIDTH - 60), 1)
            parts.append(f'<rect class="s{n}" x="0" y="{y}" width="{length}" height="{BAR - 3}" rx="1"/>')
            parts.append(f'<text x="{length + 5}" y="{y + 10}">{value:g}</text>')
            y += BAR
    label = f"{shown['title']}: {', '.join(shown['chart'])} in {shown['unit']}"
    return f'<svg viewBox="0 0 {WIDTH} {y + 4}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _number(cell: Any) -> float:
    return float(cell) if isinstance(cell, (int, float)) and cell == cell else 0.0


def _cell(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
