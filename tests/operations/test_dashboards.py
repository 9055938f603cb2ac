"""Dashboards and alerts speak of figures that a real door has, and say what to do."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from bot.knowledge.load import ROOT
from tests.operations.conftest import served
from tests.operations.test_doctor import GATEWAY
from tests.servers import free_port

DEPLOY = ROOT / "deploy"
BOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
PANELS = [(path.name, panel) for path in BOARDS for panel in json.loads(path.read_text())["panels"]]
SELECTOR = re.compile(r"(vejviser_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(!~|=~|!=|=)"([^"]*)"')


def expressions():
    yield from ((f"{name}: {panel['title']}", target["expr"]) for name, panel in PANELS for target in panel["targets"])
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)


@pytest.fixture(scope="module")
def figures(shipped, tmp_path_factory):
    """Every figure of a door with SMS to which somebody wrote, by name: the labels it comes with."""
    settings = {**GATEWAY, "VEJVISER_JOBS": str(tmp_path_factory.mktemp("jobs") / "jobs.db")}
    with served(
        tmp_path_factory.mktemp("board"), shipped, VEJVISER_SMS_URL=f"http://127.0.0.1:{free_port()}", **settings
    ) as door:
        door.ask("hej")
        found = {}
        for sample in door.figures():
            name, _, labels = sample.partition("{")
            found.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels)))
        return found


@pytest.mark.parametrize(("where", "expression"), expressions(), ids=lambda value: value[:30])
def test_every_figure_and_label_exists_at_a_real_door(figures, where, expression):
    assert SELECTOR.search(expression) or "up{" in expression, f"{where} asks for nothing of ours"
    for name, matchers in SELECTOR.findall(expression):
        if name in ("vejviser_sms_segments_today",):  # one line for each municipality that an SMS was sent for
            continue
        assert name in figures, f"{where}: no {name}"
        for label, how, value in MATCHER.findall(matchers or ""):
            there = {labels.get(label) for labels in figures[name]} - {None}
            assert there, f"{where}: {name} has no label {label}"
            if how == "=" and label != "status":  # a status that never happened is not there
                assert value in there, f"{where}: {name} has {label} {there}, not {value}"
            if how == "=~" and label == "task":
                assert set(value.split("|")) <= there


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.name)
def test_a_dashboard_can_be_read_and_asks_our_own_prometheus_only(path):
    board = json.loads(path.read_text(encoding="utf-8"))
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) and board["uid"] and "http" not in path.read_text()
    used = {json.dumps(one["datasource"]) for panel in board["panels"] for one in [panel, *panel["targets"]]}
    assert used == {json.dumps({"type": "prometheus", "uid": source[0]["uid"]})} and len(source) == 1
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(places) == len(set(places)), "two panels in one place"
    assert all(panel["title"] and panel["description"] for panel in board["panels"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_what_to_do_and_where_to_read_on(rule):
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"] and rule["annotations"]["action"]
    page, _, anchor = rule["annotations"]["runbook_url"].rpartition("/")[2].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor == rule["alert"].lower() and rule["alert"] in headings


def promtool(*arguments):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not here: apt-get install prometheus")
    return subprocess.run(["promtool", *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True)


def test_prometheus_itself_takes_rules_and_settings(tmp_path):
    for arguments in (("check", "rules", "alerts.yml"), ("check", "config", "--syntax-only", "prometheus.yml")):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    asked = [{"record": f"panel:{number}", "expr": expr} for number, (_, expr) in enumerate(expressions())]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": asked}]}))
    done = promtool("check", "rules", str(tmp_path / "panels.yml"))
    assert done.returncode == 0 and f"{len(asked)} rules found" in done.stdout, done.stdout + done.stderr


def test_alerts_fire_on_a_bad_night_and_are_quiet_on_a_good_day():
    done = promtool("test", "rules", "alerts.test.yml")
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr
    tested = yaml.safe_load((DEPLOY / "prometheus" / "alerts.test.yml").read_text())["tests"][0]["alert_rule_test"]
    assert {one["alertname"] for one in tested} == {rule["alert"] for rule in RULES}
