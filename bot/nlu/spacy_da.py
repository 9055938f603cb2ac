"""Danish spaCy for Rasa: `da_core_news_sm` where it is installed, else tokens and simplemma lemmas.

The released model lives on GitHub only, which not every machine reaches. Both give tokens and lemmas; only the
released one gives names of persons. Features differ between them, so a model remembers which one it was trained with.
"""

from __future__ import annotations

from typing import Any, Dict

import simplemma
import spacy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.utils.spacy_utils import SpacyModel, SpacyNLP
from spacy.language import Language
from spacy.tokens import Doc

RELEASED = "da_core_news_sm"
FALLBACK = "blank_da_simplemma"


@Language.component("simplemma_lemmatizer")
def _lemmatize(doc: Doc) -> Doc:
    for token in doc:
        token.lemma_ = simplemma.lemmatize(token.text, lang="da", low_memory=True)
    return doc


def installed_pipeline() -> str:
    """Return the name of the pipeline this machine has: the released one, or the fallback."""
    return RELEASED if spacy.util.is_package(RELEASED) else FALLBACK


def load_danish(name: str | None = None) -> Language:
    """Return the Danish pipeline with that name (default: the installed one)."""
    if (name or installed_pipeline()) == RELEASED:
        return spacy.load(RELEASED, disable=["parser"])
    nlp = spacy.blank("da")
    nlp.add_pipe("simplemma_lemmatizer")
    return nlp


@DefaultV1Recipe.register(
    [
        DefaultV1Recipe.ComponentType.MODEL_LOADER,
        DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER,
    ],
    is_trainable=False,
    model_from="DanishSpacyNLP",
)
class DanishSpacyNLP(SpacyNLP):
    """Rasa's SpacyNLP with whichever Danish pipeline is installed."""

    @staticmethod
    def load_model(spacy_model_name: str) -> SpacyModel:
        """Return the installed pipeline under its own name, so that Rasa's cache tells the two apart."""
        name = installed_pipeline()
        return SpacyModel(model=load_danish(name), model_name=name)

    @staticmethod
    def ensure_proper_language_model(nlp: Language | None) -> None:
        """Accept the fallback too, which has no path on disk."""
        assert nlp is not None and nlp.lang == "da"

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Keep capitals: they tell a place or a name from a word."""
        return {"case_sensitive": True}
