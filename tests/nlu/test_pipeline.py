"""Both Danish pipelines: the fallback for real, the released one as a tiny package of the same name."""

import os
import subprocess
import sys
import textwrap

import pytest

from bot.knowledge.load import ROOT
from bot.nlu.spacy_da import FALLBACK, RELEASED, installed_pipeline, load_danish

CHILD = """
    from bot.nlu.spacy_da import installed_pipeline, load_danish
    nlp = load_danish()
    print(installed_pipeline(), nlp.meta["name"], [token.text for token in nlp("bostøtte i Køge")])
"""


def run(code, folder):
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], capture_output=True, text=True, env=env, cwd=ROOT
    )


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A package called da_core_news_sm with a blank Danish pipeline in it, as `spacy package` would lay it out."""
    import spacy

    site = tmp_path_factory.mktemp("site")
    package = site / RELEASED
    package.mkdir()
    nlp = spacy.blank("da")
    nlp.meta.update(name="core_news_sm", version="3.4.0")
    nlp.to_disk(package / f"{RELEASED}-3.4.0")
    (package / "meta.json").write_bytes((package / f"{RELEASED}-3.4.0" / "meta.json").read_bytes())
    (package / "__init__.py").write_text(
        "from pathlib import Path\nfrom spacy.util import load_model_from_init_py\n"
        "__version__ = '3.4.0'\n"
        "def load(**overrides):\n    return load_model_from_init_py(__file__, **overrides)\n"
    )
    info = site / f"{RELEASED}-3.4.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {RELEASED}\nVersion: 3.4.0\n")
    return site


@pytest.mark.skipif(installed_pipeline() == RELEASED, reason="this machine has the released pipeline")
def test_the_fallback_gives_tokens_and_lemmas():
    doc = load_danish(FALLBACK)("søgte støtterne")
    assert [token.lemma_ for token in doc] == ["søge", "støtte"]


def test_the_released_pipeline_is_used_where_it_is_installed(released):
    said = run(CHILD, released)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{RELEASED} core_news_sm ['bostøtte', 'i', 'Køge']")


def test_a_model_trained_with_one_refuses_to_load_with_the_other(released, model):
    load = f"""
        from rasa.core.agent import Agent
        try:
            Agent.load({str(model)!r})
            print("loaded")
        except Exception as error:
            print(error)
    """
    other = released if installed_pipeline() == FALLBACK else ROOT
    said = run(load, other).stdout
    assert "loaded" not in said
    assert f"trained with the Danish pipeline '{installed_pipeline()}', but this machine has" in said
    assert "make train" in said
