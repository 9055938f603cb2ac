"""The training data: enough of it, labelled with codes of the table, no personal data, no evaluation questions."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bot.knowledge.load import ROOT
from bot.knowledge.models import FACETS
from bot.knowledge.places import fold
from bot.safety.redact import redact

QUESTIONS = Path(__file__).with_name("questions.csv")


def blocks():
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            sentences = [line.removeprefix("- ") for line in block["examples"].splitlines()]
            yield path.name, block["intent"], block.get("metadata") or {}, sentences


@pytest.fixture(scope="module")
def sentences():
    return [(act, meta, sentence) for _, act, meta, found in blocks() for sentence in found]


def test_every_topic_and_every_act_has_enough(sentences, directory):
    topics = Counter(meta["topic"] for _, meta, _ in sentences if "topic" in meta)
    acts = Counter(act for act, _, _ in sentences)
    assert set(topics) == set(directory.topics)
    assert min(topics.values()) >= 80
    assert min(acts.values()) >= 100
    assert acts["crisis"] >= 300 and acts["out_of_scope"] >= 500


def test_labels_are_codes_of_the_table(sentences):
    for _, meta, sentence in sentences:
        assert set(meta) <= {"topic", "facets"}, sentence
        assert set(meta.get("facets", [])) <= set(FACETS), sentence


def test_no_sentence_stands_twice(sentences):
    plain = Counter(re.sub(r"\W+", " ", fold(sentence)).strip() or sentence for _, _, sentence in sentences)
    assert [sentence for sentence, count in plain.items() if count > 1] == []


def test_no_personal_data(sentences):
    assert [sentence for _, _, sentence in sentences if redact(sentence)[1]] == []


def test_no_evaluation_question_is_in_the_training_data(sentences):
    """No shared sentence, and none that shares most of its words in a row."""

    def shingles(text):
        words = re.findall(r"\w+", fold(text))
        return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}

    with QUESTIONS.open(encoding="utf-8") as file:
        questions = [row["text"] for row in csv.DictReader(file)]
    assert len(questions) > 600
    trained = {fold(sentence).strip(" .?!") for _, _, sentence in sentences}
    seen = set().union(*(shingles(sentence) for _, _, sentence in sentences))
    for question in questions:
        if len(question.split()) > 3:  # "hej" and "tak" are everybody's
            assert fold(question).strip(" .?!") not in trained, question
        parts = shingles(question)
        assert len(parts) < 6 or len(parts & seen) / len(parts) < 0.5, question
