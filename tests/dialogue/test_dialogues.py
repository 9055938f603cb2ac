"""Rasa's own checks: the data fits the domain, and every test story goes as written with the trained model."""

import os
import subprocess
import sys

import yaml

from bot.knowledge.load import ROOT
from bot.training import environment


def rasa(*arguments):
    env = {**os.environ, **environment()}
    command = [sys.executable, "-W", "ignore", "-m", "rasa", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def test_data_and_domain_fit():
    result = rasa("data", "validate", "--fail-on-warnings", "--max-history", "4")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


def test_the_test_stories_go_as_written(model, tmp_path):
    stories = ROOT / "tests" / "dialogue" / "test_stories.yml"
    result = rasa(
        "test", "core", "--model", model, "--stories", stories, "--out", tmp_path, "--fail-on-prediction-errors"
    )
    failed = tmp_path / "failed_test_stories.yml"
    assert result.returncode == 0, (failed.read_text() if failed.exists() else "") + result.stderr[-3000:]


def test_telemetry_is_off():
    assert environment()["RASA_TELEMETRY_ENABLED"] == "false"


def test_every_act_has_a_rule_and_every_rule_an_act():
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    rules = yaml.safe_load((ROOT / "data" / "stories" / "rules.yml").read_text(encoding="utf-8"))["rules"]
    assert sorted(rule["steps"][0]["intent"] for rule in rules) == sorted(domain["intents"])
