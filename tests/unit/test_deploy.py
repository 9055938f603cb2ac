"""docker-compose.yml, deploy/kubernetes/ and what `make stack` runs: well formed, hardened, and the same."""

import functools
import importlib.util
import json
import logging.config
import re
import shutil
import stat
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.knowledge.load import ROOT
from bot.stack import start
from bot.stack.stores import Programs
from bot.stack.topology import COMPOSE, TopologyError, services

KUBERNETES = ROOT / "deploy" / "kubernetes"
DOCUMENT = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
# Who starts nothing without being told, and what an operator may leave out.
NEEDED = {
    "VEJVISER_SECRET",
    "VEJVISER_POSTGRES_PASSWORD",
    "VEJVISER_REDIS_PASSWORD",
    "VEJVISER_SITE",
    "VEJVISER_HELPLINE_SITE",
    "VEJVISER_TLS",
}
GIVEN = {name: f"given-{name.lower().replace('_', '-')}" for name in NEEDED}
KEEPERS = {"postgres", "redis"}
# In Kubernetes the controller stands before the doors, and PostgreSQL and Redis are given.
ONLY_IN_COMPOSE = {"proxy", *KEEPERS}
DESK_ONLY = {"VEJVISER_NAMES", "VEJVISER_RASA_PYTHON"}  # a larger list of names if installed; tests of the living


def package_file(package, path):
    """A data file of a package that is installed for its data only."""
    return Path(importlib.util.find_spec(package).origin).parent / path


# -- schemas -----------------------------------------------------------------------------------------------------


def compose_faults(document):
    schema = json.loads(package_file("check_jsonschema", "builtin_schemas/vendor/compose-spec.json").read_text())
    return [fault.message for fault in jsonschema.Draft202012Validator(schema).iter_errors(document)]


def test_compose_fits_the_compose_specification():
    assert compose_faults(DOCUMENT) == []
    misspelt = json.loads(json.dumps(DOCUMENT))
    misspelt["services"]["edge"]["read_olny"] = True
    assert compose_faults(misspelt), "the schema lets everything through: this test would prove nothing"


@functools.lru_cache
def kubernetes_schema(name):
    folder = max(package_file("kubernetes_validate", "kubernetes-json-schema").glob("v*-local-strict"), key=version)
    return json.loads((folder / name).read_text())


def kubernetes_faults(one):
    group, _, number = one["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (one["kind"].lower(), group.split(".")[0], number))) + ".json"
    schema, definitions = kubernetes_schema(name), kubernetes_schema("_definitions.json")
    resolver = jsonschema.RefResolver.from_schema(schema, store={definitions["$id"]: definitions})
    validator = jsonschema.validators.validator_for(schema)(schema, resolver=resolver)
    return [fault.message for fault in validator.iter_errors(one)]


def version(path):
    return [int(number) for number in re.findall(r"\d+", path.name)]


def documents(folder):
    """Every object in the files of a folder of deploy/kubernetes/."""
    for path in sorted((KUBERNETES / folder).glob("*.yaml")):
        yield from (one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one)


BASE = [
    one for folder in ("base", "sms") for one in documents(folder) if one["kind"] not in {"Kustomization", "Component"}
]
SECRETS = list(yaml.safe_load_all((KUBERNETES / "secrets.example.yaml").read_text(encoding="utf-8")))


def test_kubernetes_fits_its_schemas():
    assert len(BASE) > 25
    for one in [*BASE, *SECRETS]:
        assert kubernetes_faults(one) == [], f"{one['kind']} {one['metadata']['name']}"
    misspelt = json.loads(json.dumps(next(one for one in BASE if one["kind"] == "Deployment")))
    misspelt["spec"]["template"]["spec"]["containers"][0]["redinessProbe"] = {}
    assert kubernetes_faults(misspelt), "the schema lets everything through: this test would prove nothing"


def test_the_example_overlay_renders():
    if shutil.which("kubectl") is None:
        files = set(documents_named_in("base")) | set(documents_named_in("sms"))
        assert files == {path for folder in ("base", "sms") for path in (KUBERNETES / folder).glob("[!k]*.yaml")}
        return
    done = subprocess.run(["kubectl", "kustomize", KUBERNETES / "overlays" / "example"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rendered = list(yaml.safe_load_all(done.stdout))
    for one in rendered:
        assert kubernetes_faults(one) == [], f"{one['kind']} {one['metadata']['name']}"
    assert {(one["kind"], one["metadata"]["name"]) for one in BASE} <= {
        (one["kind"], one["metadata"]["name"]) for one in rendered
    }
    assert "invalid" not in done.stdout, "a host of the base was not replaced"


def documents_named_in(folder):
    kustomization = yaml.safe_load((KUBERNETES / folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return [KUBERNETES / folder / name for name in kustomization["resources"]]


# -- hardening ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOCUMENT["services"])
def test_every_container_is_hardened(name):
    one = DOCUMENT["services"][name]
    assert one["read_only"] is True
    assert not re.match(r"0|root", str(one["user"]))
    assert one["cap_drop"] == ["ALL"] and "cap_add" not in one and "privileged" not in one
    assert "no-new-privileges:true" in one["security_opt"]
    limits = one["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)
    assert "test" in one["healthcheck"] or one["restart"] == "no"
    assert all(volume.endswith(":ro") for volume in one.get("volumes", []) if volume.startswith("."))


def test_only_the_proxy_is_published():
    assert [name for name, one in DOCUMENT["services"].items() if "ports" in one] == ["proxy"]


def test_rasa_and_the_stores_reach_no_internet_and_none_reaches_them_from_outside():
    inner = {name for name, one in DOCUMENT["networks"].items() if one and one.get("internal")}
    assert inner == {"front", "inside", "stores"}
    out = {name for name, one in DOCUMENT["services"].items() if set(one["networks"]) - inner}
    assert out == {"proxy", "helpline", "jobs"}, "the proxy for its certificate, the others for login and SMS"
    beside_the_proxy = {
        name for name, one in DOCUMENT["services"].items() if set(one["networks"]) & {"outside", "front"}
    }
    assert beside_the_proxy == {"proxy", "edge", "helpline"}
    assert {name for name, one in DOCUMENT["services"].items() if one["networks"] == ["stores"]} == {
        "postgres",
        "redis",
        "migrate",
        "backup",
    }


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_nothing_starts_without_its_secrets(missing):
    services(GIVEN)
    with pytest.raises(TopologyError, match=missing):
        services({**GIVEN, missing: ""})


def test_no_secret_has_a_value_in_the_files():
    for name, how, rest in re.findall(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", COMPOSE.read_text(encoding="utf-8")):
        if re.search("SECRET|PASSWORD|TOKEN|KEY", name):
            assert how == ":?" or (how, rest) == (":-", ""), name
    for line in (ROOT / "deploy" / "example.env").read_text(encoding="utf-8").splitlines():
        name, given, value = line.partition("=")
        assert line.startswith("#") or not given or not value or name == "VEJVISER_WORKERS", line
    for one in SECRETS:
        assert set(one["stringData"].values()) == {""}, one["metadata"]["name"]


def workloads():
    """(name, kind, pod's spec) of what runs in Kubernetes."""
    for one in BASE:
        if one["kind"] in {"Deployment", "Job"}:
            yield one["metadata"]["name"], one["kind"], one["spec"]["template"]["spec"]
        elif one["kind"] == "CronJob":
            spec = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            yield one["metadata"]["name"], one["kind"], spec


def test_every_pod_is_hardened():
    for name, kind, pod in workloads():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            shut = container["securityContext"]
            assert shut["readOnlyRootFilesystem"] is True and shut["allowPrivilegeEscalation"] is False, name
            assert shut["capabilities"] == {"drop": ["ALL"]}, name
            assert set(container["resources"]) == {"requests", "limits"}, name
            if kind == "Deployment":
                assert "livenessProbe" in container, name
                assert {"startupProbe", "readinessProbe"} <= set(container) or name == "jobs", name


def test_the_door_stays_ready_without_rasa():
    """Taken out of service for Rasa's sake it could not give anybody a number."""
    for _name, _kind, pod in (one for one in workloads() if one[0] == "edge"):
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert "health" not in pod["containers"][0][probe]["httpGet"]["path"]
    assert "health" not in " ".join(DOCUMENT["services"]["edge"]["healthcheck"]["test"])


def test_every_deployment_may_lose_one_pod_at_a_time():
    deployed = {one["metadata"]["name"] for one in BASE if one["kind"] == "Deployment"}
    budgets = {one["spec"]["selector"]["matchLabels"]["app"] for one in BASE if one["kind"] == "PodDisruptionBudget"}
    assert budgets == deployed
    grown = {one["spec"]["scaleTargetRef"]["name"] for one in BASE if one["kind"] == "HorizontalPodAutoscaler"}
    assert grown == {"edge", "rasa"}
    for one in BASE:  # a number here would undo at each update what the autoscaler did
        if one["kind"] == "Deployment":
            assert ("replicas" in one["spec"]) != (one["metadata"]["name"] in grown), one["metadata"]["name"]


def test_in_kubernetes_too_nobody_reaches_anybody_unless_listed():
    policies = {one["metadata"]["name"]: one["spec"] for one in BASE if one["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in BASE
        if one["kind"] == "Deployment"
    }
    out = {name for name, own in labels.items() if own.get("vejviser/internet")}
    assert out == {"helpline", "jobs"} == {n for n, one in DOCUMENT["services"].items() if "gateway" in one["networks"]}
    for name, one in DOCUMENT["services"].items():
        if name in labels:
            assert ("stores" in one["networks"]) == ("vejviser/stores" in labels[name]), name
    assert {"edge", "helpline", "jobs"} == {name for name, own in labels.items() if "vejviser/asks-rasa" in own}
    assert [peer["podSelector"]["matchLabels"] for peer in policies["rasa"]["ingress"][0]["from"]] == [
        {"app": "balancer"}
    ]


# -- the same in all three -----------------------------------------------------------------------------------------


def pods_environment(pod):
    """Names and values of a container's environment; None for what a Secret holds."""
    kustomization = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    maps = {
        one["name"]: dict(literal.split("=", 1) for literal in one["literals"])
        for one in kustomization["configMapGenerator"]
    }
    maps |= {one["metadata"]["name"]: dict.fromkeys(one["stringData"]) for one in SECRETS}
    found = {}
    for source in pod["containers"][0].get("envFrom", []):
        found |= maps[next(iter(source.values()))["name"]]
    return found | {one["name"]: one["value"] for one in pod["containers"][0].get("env", [])}


def compose_name(name):
    return {"rasa": "rasa-1"}.get(name, name)


def test_compose_and_kubernetes_run_the_same():
    composed = services(GIVEN)
    running = {name: pod for name, _kind, pod in workloads()}
    assert {compose_name(name) for name in running} == set(composed) - ONLY_IN_COMPOSE - {"rasa-2"}
    assert composed["rasa-1"].command == composed["rasa-2"].command
    for name, pod in running.items():
        one, container = composed[compose_name(name)], pod["containers"][0]
        assert tuple(container["args"]) == one.command, name
        assert container["image"] == f"vejviser/{one.image}", name
        assert [port["containerPort"] for port in container.get("ports", [])] == [one.port] * bool(one.port), name
        theirs = pods_environment(pod)
        assert set(theirs) == set(one.environment), name
        for key, value in theirs.items():
            if value and key != "VEJVISER_RASAS":
                assert value == one.environment[key], f"{name}: {key}"


def test_every_process_is_told_what_its_code_asks_for():
    """Each of these was once forgotten: SMS for the console, the table for the jobs."""
    asked = set()
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "actions").rglob("*.py")]:
        if path.parent.name != "stack":
            asked |= set(re.findall(r'"(VEJVISER_[A-Z_]+[A-Z])"', path.read_text(encoding="utf-8")))
    composed = services(GIVEN)
    told = set().union(*(one.environment for one in composed.values()))
    assert asked - told == DESK_ONLY
    doors = [composed[name].environment for name in ("edge", "helpline", "jobs")]
    shared = set(doors[2])
    for environment in doors:
        assert {key: environment[key] for key in shared} == doors[2]
    for name, one in composed.items():
        if name not in ONLY_IN_COMPOSE | {"balancer"}:
            for key in ("VEJVISER_DATABASE_URL", "VEJVISER_CONVERSATIONS"):
                assert one.environment[key] == doors[2][key], name


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "FOLDER", tmp_path / "stack")
    return start.Stack(environ={"VEJVISER_SMS_PROVIDER": "gatewayapi"})


def test_make_stack_runs_what_compose_runs(stack):
    composed = services({**GIVEN, **start.kept_secrets()})
    programs = {one.name: one for one in stack.programs(Programs(Path("/pg"), Path("/redis"), Path("/caddy")))}
    assert set(programs) == {name for name, one in composed.items() if not one.once}
    moved = re.compile(r"(127\.0\.0\.1|0\.0\.0\.0|[a-z]+(-\d)?)?:?\b\d{4}\b")
    for name, program in programs.items():
        one = composed[name]
        assert Path(program.command[0]).name == one.command[0], name
        if name not in KEEPERS:
            ours, theirs = (
                [moved.sub("PLACE", word).replace("127.0.0.1", "0.0.0.0") for word in words]
                for words in (program.command[1:], one.command[1:])
            )
            assert ours == theirs, name
        assert set(program.environment) - {"PATH", "CADDY_BUFFERS"} == set(one.environment), name
    assert programs["postgres"].command[-len(composed["postgres"].command) + 1 :] == composed["postgres"].command[1:]


def test_make_stack_stays_on_loopback_with_a_port_for_each(stack):
    assert len(set(stack.ports.values())) == len(stack.ports)
    hosts = "|".join(stack.services)
    for one in stack.services.values():
        for text in (*one.command, *one.environment.values()):
            assert "0.0.0.0" not in text, one.name
            assert not re.search(rf"(?<![\w-])({hosts}):\d", text), f"{one.name}: {text}"
    edge = stack.services["edge"].environment
    assert edge["VEJVISER_RASA_URL"] == f"http://127.0.0.1:{stack.ports['balancer']}"
    assert stack.services["rasa-1"].environment["VEJVISER_REDIS_PORT"] == str(stack.ports["redis"])
    assert str(stack.ports["rasa-2"]) in stack.services["rasa-2"].command


def test_the_secrets_of_a_stack_are_made_once_and_are_nobodys_business(stack, tmp_path):
    file = tmp_path / "stack" / "secrets.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = start.kept_secrets()
    assert kept == start.kept_secrets() and len(set(kept.values())) == 4
    assert kept["VEJVISER_POSTGRES_PASSWORD"] in stack.services["edge"].environment["VEJVISER_DATABASE_URL"]
    stack.supervisor.folder.mkdir(exist_ok=True)
    stack.supervisor.write(stack.programs(Programs(Path("/pg"), Path("/redis"), Path("/caddy"))))
    assert stat.S_IMODE(stack.supervisor.config.stat().st_mode) == 0o600


def test_without_a_gateway_no_worker_is_started(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "FOLDER", tmp_path / "stack")
    assert "jobs" not in start.Stack(environ={}).services


def test_rasas_channel_logs_no_words(caplog):
    logging.config.dictConfig(yaml.safe_load((ROOT / "deploy" / "logging.yml").read_text(encoding="utf-8")))
    channel = logging.getLogger("rasa.core.channels.rest")
    try:
        channel.error('{"text": "min bror hører stemmer", "event": "rest.message.received.timeout", "level": "error"}')
        channel.error("rest.message.received.failure text=min bror hører stemmer", exc_info=ValueError("min bror"))
    finally:
        channel.filters.clear()
    assert [record.getMessage() for record in caplog.records] == [
        "rest.message.received.timeout",
        "rest.message.received.failure",
    ]
    assert "bror" not in caplog.text
    composed = services(GIVEN)["rasa-1"].command
    assert composed[-2:] == ("--logging-config-file", "deploy/logging.yml")


def test_what_the_proxy_says_alone_has_a_number():
    for name in ("down.json", "down.html"):
        text = (ROOT / "deploy" / "caddy" / name).read_text(encoding="utf-8")
        assert "112" in text and "kommunen" in text, name
    assert "message" in json.loads((ROOT / "deploy" / "caddy" / "down.json").read_text(encoding="utf-8"))["error"]
