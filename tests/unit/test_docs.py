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
    targets = set(re.findall(r"^([a-z-]+):(?! export)", makefile, re.MULTILINE))
    wanted = "run stack chat test test-living test-postgres lint train evaluate bench chaos check sbom licences help"
    assert targets == set(wanted.split())
    assert targets == set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))


def test_nothing_stands_twice_after_a_merge():
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        if page.name in ("table.md", "benchmarks.md"):
            continue  # generated: the same columns in many tables
        lines = page.read_text(encoding="utf-8").splitlines()
        long = [line for line in lines if line.startswith("#") or len(line) > 60]
        assert [line for line in long if long.count(line) > 1] == [], page.name
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("| `tests/` |") == readme.count("Licence: [MPL-2.0](LICENSE)") == 1


def test_links_in_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_editors_page_names_every_column_of_the_departments():
    from bot.knowledge.sheets import LOCAL

    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    for column in LOCAL["departments.csv"]:
        assert f"`{column}`" in page, column


def test_every_setting_stands_once_in_the_table_of_settings_and_nothing_else_does():
    """A name with a "…" behind it is a prefix, not a setting."""
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").split("## Settings")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `(VEJVISER_[A-Z_]+)` \|", page, re.MULTILINE)
    files = [
        ROOT / "endpoints.yml",
        ROOT / "deploy" / "endpoints.yml",
        *(ROOT / "bot").rglob("*.py"),
        *(ROOT / "actions").glob("*.py"),
    ]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert sorted(documented) == sorted(set(re.findall(r"VEJVISER_[A-Z]+(?:_[A-Z]+)*(?![A-Z_…])", source)))


def test_files_named_in_the_docs_are_there():
    rooms = r"(?:bot|actions|data|tests|widget|docs|bin|unit|nlu|dialogue|scenarios|helpline)"
    for page in [ROOT / "README.md", ROOT / "widget" / "README.md", *(ROOT / "docs").glob("*.md")]:
        for name in re.findall(rf"`({rooms}/[\w/.-]+)`", page.read_text(encoding="utf-8")):
            assert any((folder / name).exists() for folder in (ROOT, ROOT / "tests")), f"{page.name}: {name}"
