"""The training data: enough of it, labelled with codes of the table, no personal data, no evaluation questions."""

import re
from collections import Counter, defaultdict

import pytest
import yaml

from bot import training_data
from bot.doubts import nearest, ngram_vectors
from bot.knowledge.load import ROOT
from bot.knowledge.models import FACETS
from bot.knowledge.places import fold
from bot.nlu.encoder import encode
from bot.safety.redact import REMOVED, redact
from bot.training_data import plain
from tests.nlu import evaluation
from tests.nlu.evaluation import BLIND, DANGER_SEEN, SEEN


@pytest.fixture(scope="module")
def sentences():
    return training_data.sentences()


def test_every_topic_and_every_act_has_enough(sentences, directory):
    topics = Counter(sentence.topic for sentence in sentences if sentence.topic)
    acts = Counter(sentence.act for sentence in sentences)
    assert set(topics) == set(directory.topics)
    assert min(topics.values()) >= 80
    assert min(acts.values()) >= 150
    assert acts["crisis"] >= 300 and acts["out_of_scope"] >= 500


def test_labels_are_codes_of_the_table(sentences):
    for path in (ROOT / "data" / "nlu").glob("*.yml"):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            assert set(block.get("metadata") or {}) <= {"topic", "facets"}, path
    for sentence in sentences:
        assert set(sentence.facets or ()) <= set(FACETS), sentence


def test_no_sentence_stands_twice(sentences):
    counts = Counter(plain(sentence.text) for sentence in sentences)
    assert [text for text, count in counts.items() if count > 1] == []


# Public and invented names that practise small talk and what is not ours; nobody's.
_NAMES = (
    "Sofie Grethe Inger Morten Lone Mette Bente Ronja-Mai Louise Margrethe Frederik Arne Hansens Anton Bent 1234567890;"
    "Mette Frederiksen;Karen Blixen;mona lisa;Mona Lisa;Lars Løkke;Mads Mikkelsen;Kim Sørensen;Peter Hansen;John Jensen"
)
_NOBODYS = frozenset(_NAMES.split(";")[0].split()) | frozenset(_NAMES.split(";")[1:])


def test_no_personal_data(sentences):
    def removed(sentence):
        before, _, after = (redact(sentence)[0] + " ").partition(REMOVED)
        return sentence[len(before) : len(sentence) + 1 - len(after)]

    found = [sentence.text for sentence in sentences if redact(sentence.text)[1]]
    assert [text for text in found if removed(text) not in _NOBODYS] == []


@pytest.fixture(scope="module")
def questions():
    """Everything that is measured with: single questions, and what is said in dialogues; greetings are everybody's."""
    asked = [row["text"] for path in (BLIND, SEEN, DANGER_SEEN) for row in evaluation.questions(path)]
    asked += [turn["says"] for dialogue in evaluation.dialogues() for turn in dialogue["turns"]]
    return [text for text in asked if len(text.split()) > 3]


def test_no_evaluation_question_is_in_the_training_data(sentences, questions):
    """No shared sentence, and none that shares most of its words in a row with one."""

    def shingles(text):
        words = re.findall(r"\w+", fold(text))
        return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}

    assert len(questions) > 1500
    trained = {fold(sentence.text).strip(" .?!") for sentence in sentences}
    holders = defaultdict(list)
    for number, sentence in enumerate(sentences):
        for part in shingles(sentence.text):
            holders[part].append(number)
    for question in questions:
        assert fold(question).strip(" .?!") not in trained, question
        parts = shingles(question)
        shared = Counter(number for part in parts for number in holders.get(part, []))
        assert len(parts) < 6 or max(shared.values(), default=0) / len(parts) < 0.5, question


def test_no_evaluation_question_is_a_training_sentence_in_other_words(sentences, questions):
    """By character n-grams over everything, and by the encoder for the nearest of those.

    Short questions are alike in any two heads ("hvor søger man bostøtte"), so those of more than eight words count.
    """
    trained = [sentence.text for sentence in sentences if len(sentence.text.split()) > 8]
    asked = [question for question in questions if len(question.split()) > 8]
    rows = ngram_vectors(trained + asked)
    alike = list(nearest(rows[len(trained) :], rows[: len(trained)], 1))
    copies = [(asked[i], trained[near[0][0]]) for i, near in enumerate(alike) if near[0][1] >= 0.8]
    assert copies == []
    nearest_ones = sorted(range(len(asked)), key=lambda i: -alike[i][0][1])[:300]
    pairs = [(asked[i], trained[alike[i][0][0]]) for i in nearest_ones]
    ours, theirs = encode([question for question, _ in pairs]), encode([sentence for _, sentence in pairs])
    same = [pair for pair, cosine in zip(pairs, (ours * theirs).sum(axis=1)) if cosine >= 0.975]
    assert same == []
