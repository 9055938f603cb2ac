"""Every sentence a citizen can read: no promises on an authority's behalf, plain words, characters an SMS can carry."""

import re
from collections import defaultdict

from bot.answers.find import find_answer
from bot.answers.text import in_a_sentence, render
from bot.knowledge.load import ROOT, check, iter_texts
from bot.knowledge.models import FACETS
from tests.conftest import MONDAY

PROMISES = re.compile(
    r"\b(?:du får|får du) (?:hjælp|støtte|penge|bevilget|tilbudt|dækket|en |et )|"
    r"\b(?:du|I|han|hun|de|man) har (?:ret|krav) (?:til|på)|\b(?:du|I) kan få (?!at vide|fat)|\bberettiget til|"
    r"\bskal (?:de|kommunen) give|\b(?:kommunen|de) skal give (?:dig|jer|ham|hende)|"
    r"\bbliver bevilget|\bfår bevilget|\bgaranter",
    re.IGNORECASE,
)
GSM7 = re.compile(r"[^\n -_a-z{|}~¡¿ÄÖÑÜ§äöñüàÅåÆæØøÉé€]")


def test_no_text_of_the_table_promises():
    texts = list(iter_texts(check()))
    assert len(texts) > 1000
    assert [(where, text) for where, text in texts if PROMISES.search(text)] == []


def test_no_answer_promises(directory):
    for municipality in ("0259", "0730", "0390", "0101", None):
        for topic in directory.topics:
            text = render(find_answer(directory, topic, municipality, now=MONDAY, facets=FACETS))
            assert not PROMISES.search(text), text


def test_the_spoken_lines_of_rasa_do_not_promise():
    assert not PROMISES.search((ROOT / "domain.yml").read_text(encoding="utf-8"))


def test_the_net_catches_promises():
    for text in (
        "Du har ret til bostøtte",
        "Så får du bevilget hjælp",
        "du kan få penge",
        "Kommunen skal give dig svar og støtte",
    ):
        assert PROMISES.search(text)
    assert not PROMISES.search("Kommunen vurderer, om du kan søge. Du kan få fat i dem i morgen.")


def lix(text):
    words = re.findall(r"\w+", text)
    sentences = max(1, len(re.findall(r"[.!?:](?:\s|$)", text)))
    return len(words) / sentences + 100 * sum(len(word) > 6 for word in words) / len(words)


def test_guides_are_easy_to_read():
    by_topic = defaultdict(list)
    for where, text in iter_texts(check()):
        if where.startswith("topic."):
            by_topic[where.split()[1]].append(text.rstrip(".") + ".")
    assert len(by_topic) == 61
    assert {topic: lix(" ".join(texts)) for topic, texts in by_topic.items() if lix(" ".join(texts)) > 40} == {}


def test_titles_stand_in_a_sentence(directory):
    """A title is the name of a thing: "Handler det også om ...?", "Sig, at det handler om ..."."""
    titles = [in_a_sentence(topic.title) for topic in directory.topics.values()]
    assert [
        title for title in titles if re.search(r"[?:.!()]|^(?:når|hvis|hvor|hvad|hvem|hvilken|du|jeg)\b", title)
    ] == []


def test_texts_use_characters_an_sms_can_carry():
    assert [(where, set(GSM7.findall(text))) for where, text in iter_texts(check()) if GSM7.search(text)] == []
