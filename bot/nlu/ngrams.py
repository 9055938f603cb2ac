"""Sparse features: TF-IDF over characters and over lemmas, which survive typos, inflection and missing æøå."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from typing import Any, Dict, List, Tuple, Type

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.featurizers.sparse_featurizer.sparse_featurizer import SparseFeaturizer
from rasa.nlu.model import InvalidModelError
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.knowledge.places import fold
from bot.nlu.spacy_da import DanishSpacyNLP, installed_pipeline

_SHORTEST_COMPOUND = 8


def _tokens(message: Message) -> List[Tuple[str, str]]:
    """Return each word of a message with its lemma, folded."""
    doc = message.get(SPACY_DOCS[TEXT]) or []
    return [(fold(token.text), fold(token.lemma_)) for token in doc]


def _compounds(messages: List[Message]) -> Dict[str, str]:
    """Return the long words of the messages with their lemmas."""
    words = (pair for message in messages for pair in _tokens(message))
    return {word: lemma for word, lemma in words if len(word) >= _SHORTEST_COMPOUND and word.isalpha()}


class _Columns:
    """What a trained vectorizer makes of one text. Its own `transform` is made for thousands, and slow for one."""

    def __init__(self, vectorizer: TfidfVectorizer) -> None:
        self._analyze, self._known, self._idf = vectorizer.build_analyzer(), vectorizer.vocabulary_, vectorizer.idf_

    def __len__(self) -> int:
        return len(self._idf)

    def of(self, text: str) -> Tuple[np.ndarray, np.ndarray]:
        """Return the columns of the n-grams that are known, and their weights (logarithm of count x idf, length 1)."""
        counts = Counter(self._known[ngram] for ngram in self._analyze(text) if ngram in self._known)
        columns = np.array(sorted(counts), dtype=np.int32)
        weights = 1 + np.log(np.array([counts[column] for column in columns.tolist()], dtype=np.float32))
        weights *= self._idf[columns]
        return columns, weights / (np.linalg.norm(weights) or 1)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class NgramFeaturizer(SparseFeaturizer, GraphComponent):
    """Adds one sparse sentence vector to each message: character 2-5-grams within words, lemma 1-2-grams.

    A compound written apart ("arbejds fortjeneste") is read joined as well, when the joined word is one it has seen.
    Refuses to load when the Danish pipeline differs from the one it was trained with, because lemmas would differ.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        """Lemmas come from spaCy."""
        return [DanishSpacyNLP]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`characters`: shortest and longest character n-gram. `rarest`: messages an n-gram must occur in."""
        return {**SparseFeaturizer.get_default_config(), "characters": [2, 5], "rarest": 2}

    def __init__(self, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, name: str) -> None:
        """Make untrained vectorizers."""
        super().__init__(name, config)
        self._storage, self._resource = model_storage, resource
        self._joined: Dict[str, str] = {}
        self._characters = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=tuple(config["characters"]),
            min_df=config["rarest"],
            sublinear_tf=True,
            dtype=np.float32,
        )
        self._words = TfidfVectorizer(
            ngram_range=(1, 2),
            min_df=config["rarest"],
            sublinear_tf=True,
            dtype=np.float32,
            token_pattern=r"(?u)\b\w+\b|§",
        )

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Nothing here can be set wrong that scikit-learn does not name itself."""

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> NgramFeaturizer:
        """Create an untrained featurizer (see parent class)."""
        return cls(config, model_storage, resource, execution_context.node_name)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the vocabulary and weights, and keep them with the name of the Danish pipeline."""
        messages = [example for example in training_data.training_examples if example.get(TEXT)]
        self._joined = _compounds(messages)
        texts = [self._read(message) for message in messages]
        self._characters.fit([characters for characters, _ in texts])
        self._words.fit([lemmas for _, lemmas in texts])
        self._characters.stop_words_ = self._words.stop_words_ = None  # the many n-grams that are too rare
        with self._storage.write_to(self._resource) as folder:
            state = (installed_pipeline(), self._characters, self._words, self._joined)
            joblib.dump(state, folder / "ngrams.joblib")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NgramFeaturizer:
        """Load the trained vectorizers. Raises InvalidModelError when the Danish pipeline is another one."""
        component = cls.create(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            trained_with, *learnt = joblib.load(folder / "ngrams.joblib")
            component._characters, component._words, component._joined = learnt
        if trained_with != installed_pipeline():
            raise InvalidModelError(
                f"The model was trained with the Danish pipeline '{trained_with}', but this machine has "
                f"'{installed_pipeline()}'. Train again with `make train`, or install the other pipeline."
            )
        return component

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the vector to every training example."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the vector to every message that has text."""
        characters, words = self._columns
        for message in messages:
            if message.get(TEXT):
                written, lemmas = self._read(message)
                (first, first_weights), (second, second_weights) = characters.of(written), words.of(lemmas)
                columns = np.concatenate([first, second + len(characters)])
                weights = np.concatenate([first_weights, second_weights])
                row = csr_matrix((weights, columns, [0, len(columns)]), shape=(1, len(characters) + len(words)))
                message.add_features(Features(row, FEATURE_TYPE_SENTENCE, TEXT, self._identifier))
        return messages

    @functools.cached_property
    def _columns(self) -> Tuple[_Columns, _Columns]:
        return _Columns(self._characters), _Columns(self._words)

    def _read(self, message: Message) -> Tuple[str, str]:
        """Return the text for character n-grams and the lemmas for word n-grams."""
        tokens = _tokens(message)
        written = [word for word, _ in tokens]
        joined = [first + second for first, second in itertools.pairwise(written) if first + second in self._joined]
        characters = " ".join([fold(message.get(TEXT)), *joined])
        return characters, " ".join([*(lemma for _, lemma in tokens), *(self._joined[word] for word in joined)])
