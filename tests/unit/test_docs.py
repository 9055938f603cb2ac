"""Docs that would lie fail here."""

import re

from bot.cli import app
from bot.knowledge.load import ROOT
from bot.knowledge.reference import table_reference


def test_the_table_reference_is_the_generated_one():
    assert (ROOT / "docs" / "table.md").read_text(encoding="utf-8") == table_reference()


def test_every_command_stands_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in app.commands:
        assert re.search(rf"(vejviser|make) {name}\b|`make [^`]*{name}|/ `{name}`", readme), name


def test_every_make_target_explains_itself():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    wanted = {"run", "stack", "chat", "test", "lint", "train", "evaluate", "bench", "chaos", "check", "help"}
    assert targets == wanted
    assert targets == set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE))


def test_links_in_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_editors_page_names_every_column_of_the_departments():
    from bot.knowledge.sheets import LOCAL

    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    for column in LOCAL["departments.csv"]:
        assert f"`{column}`" in page, column
