"""What is personal goes, in every shape people write it; what the answer needs stays."""

import random
import re
import time
from collections import Counter, defaultdict

import pytest
import yaml

from bot.edge.app import create_app
from bot.knowledge.load import ROOT
from bot.safety.crisis import is_crisis
from bot.safety.names import names, spacy_persons
from bot.safety.redact import REMOVED, redact
from tests.conftest import MONDAY, free_port
from tests.unit import personal_data

_WORD = re.compile(r"\w+")


def left_over(message, clean):
    """Return the telling words of the secret that are still there: for numbers the digits, for names every word."""
    words = [word.casefold() for word in _WORD.findall(message.secret)]
    if message.kind in ("name", "title"):
        words = [word for word in words if len(word) > 1]
    elif message.kind == "address":
        words = [word for word in words if len(word) > 2]
    elif message.kind != "email":
        words = [word for word in words if any(c.isdigit() for c in word)]
    around = Counter(word.casefold() for word in _WORD.findall(message.frame))
    still = Counter(word.casefold() for word in _WORD.findall(clean))
    return [word for word in words if still[word] > around[word]]


def test_recall_over_a_generated_corpus_and_the_words_around_stay():
    found, missed, torn = Counter(), defaultdict(list), []
    for message in personal_data.messages(6000, seed=20261122):
        clean, redacted = redact(message.text)
        if not redacted or left_over(message, clean):
            missed[message.kind].append(message.text)
        else:
            found[message.kind] += 1
        around = Counter(_WORD.findall(message.frame.replace("{second}", "").replace("{}", " ")))
        if around - Counter(_WORD.findall(clean)):
            torn.append((message.text, clean))
    for kind in personal_data.KINDS:
        total = found[kind] + len(missed[kind])
        recall = found[kind] / total
        print(f"{kind:8} {total:5} {recall:.1%}")
        assert total >= 200
        assert recall == 1 if kind == "cpr" else recall >= 0.98, missed[kind][:10]
    assert len(torn) <= 0.01 * 6000, torn[:10]


def test_every_shape_of_cpr_number_in_every_frame():
    make, frames = personal_data.KINDS["cpr"]
    r = random.Random(7)
    for frame in frames:
        for _ in range(400):
            number = make(r)
            clean = redact(frame.format(number))[0]
            digits = re.sub(r"\D", "", re.sub(r"§ 85", "", clean))
            assert len(digits) <= 2, (frame.format(number), clean)  # an age at most


@pytest.fixture(scope="module")
def innocent():
    texts = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            texts += [line.removeprefix("- ") for line in block["examples"].splitlines()]
    return texts


def test_hardly_anything_is_taken_out_of_the_training_data(innocent):
    assert len(innocent) > 10_000
    taken = [(text, redact(text)[0]) for text in innocent if redact(text)[1]]
    print(f"{len(taken)} of {len(innocent)}: {len(taken) / len(innocent):.2%}")
    assert len(taken) <= 0.003 * len(innocent), taken


def test_danger_is_seen_in_the_redacted_text_too(innocent):
    """The door asks the text as it was written; what Rasa is given says the same."""
    assert [text for text in innocent if is_crisis(text) and not is_crisis(redact(text)[0])] == []


_STAYS = """
§ 85 og § 141 stk. 2 i serviceloven, og barnets lov § 87
min søn er 17 år og 3 måneder, min datter er 23
4600 Køge, 8900 Randers C og 2300 København S
vi har søgt i 2023 og 2024-2025, og igen i januar
mødet var den 24.12.2024 kl. 10.30-15.00
det kostede 200.000-300.000 kr, egentlig 22 33 44 kr
ring 112, 114, 1813 eller 1818
Kan Sind, Bedre Psykiatri, Psykiatrifonden eller Livslinien hjælpe?
sagsbehandler i Køge Kommune svarer ikke
Familierådgivningen i Vejle og Jobcenter Aarhus siger nej
hvad er et sagsnummer, og hvor står mit journalnummer?
min mor har Alzheimers og min far Parkinsons
min søn har Aspergers og min datter Tourettes syndrom
Hilsen en bekymret mor i Odense
mvh en pårørende
min mand er på vej 3 gange om ugen
han har 37 timer på sin arbejdsplads og 2 børn at have
en sag om 15 timers ledsagelse, 8 uger og 1500 kr
de 98 kommuner, 12 uger, 50 procent, side 123
er der 30 pladser og 12 boliger, 3 på hver gang
jeg er bange for, at min bror vil dø i fred
MIN SØN HAR AUTISME OG VI BOR I KØGE
Min Mand Har Fået Afslag På Bostøtte
hvor gammel skal man være for at få førtidspension, 18 eller 40?
regningen på 12.345,50 kr og 1.200.000 kr
kommunens hovednummer er 56 67 67 67, +45 56676767 eller 5667 6767
hun hedder ikke noget særligt
hvad hedder det nu, der hed bistandskontoret?
vi er 2 voksne og 3 børn i en 4-værelses på 90 m2
det er august nu og maj om lidt
Jeg bor på Lolland og arbejder på Fyn
principmeddelelse 23-18 og dommen fra 2019
""".strip().splitlines()


@pytest.mark.parametrize("text", _STAYS)
def test_what_the_answer_needs_stays(text):
    assert redact(text, frozenset({"56676767"})) == (text, False)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("min mor bor Nørre Alle 12, 2. tv, 4600 Køge", "min mor bor [fjernet], 4600 Køge"),
        ("vi bor Møllevej 3 i Køge", "vi bor [fjernet] i Køge"),
        ("min søn Jonas på 17 bor i Køge", "min søn [fjernet] på 17 bor i Køge"),
        ("mine børn Ida og Emil på 9 og 12", "mine børn [fjernet] og [fjernet] på 9 og 12"),
        ("jeg hedder Mette Hansen fra Vejle", "jeg hedder [fjernet] fra Vejle"),
        ("sagsbehandler Lise Holm i Randers Kommune", "sagsbehandler [fjernet] i Randers Kommune"),
        ("Fru Jensen, § 85", "Fru [fjernet], § 85"),
        ("MIN SØN JONAS HAR AUTISME", "MIN SØN [fjernet] HAR AUTISME"),
        ("reg. nr. 1234 konto 0012345678", "reg. nr. [fjernet] konto [fjernet]"),
        ("sagsnr. 23-4567 om § 141", "sagsnr. [fjernet] om § 141"),
        ("tlf. 22334455 eller 56676767", "tlf. [fjernet] eller 56676767"),
        ("Mettes mand drikker", "[fjernet] mand drikker"),
    ],
)
def test_the_sentence_stays_readable(text, clean):
    assert redact(text, frozenset({"56676767"})) == (clean, True)


def test_a_clean_text_is_not_touched_again():
    for message in personal_data.messages(500, seed=5):
        clean, _ = redact(message.text)
        assert redact(clean)[0] == clean


def test_sixty_words_take_less_than_a_millisecond(innocent):
    words = " ".join(innocent[5000:9000]).split()
    texts = [" ".join(words[i : i + 60]) for i in range(0, 60 * 300, 60)]
    redact("Jonas")  # the lists are read once

    def seconds():
        begun = time.process_time()
        for text in texts:
            redact(text)
        return (time.process_time() - begun) / len(texts)

    best = min(seconds() for _ in range(5))
    print(f"{best * 1000:.2f} ms for 60 words")
    assert best < 0.001


@pytest.mark.parametrize(
    "text", ["a" * 1000, "1 " * 500, "a@" * 500, "A. " * 333, "min søn " * 125, "1-" * 500, "Vej " * 250]
)
def test_no_text_makes_it_slow(text):
    begun = time.process_time()
    redact(text)
    assert time.process_time() - begun < 0.1


def test_spacys_persons_pass_the_same_list_of_no_names():
    """With a rule-made pipeline in place of the model that only GitHub has."""
    model = pytest.importorskip("spacy", reason="comes with Rasa").blank("da")
    patterns = ["Xantippe Zorn", "Køge", "Tourettes"]
    model.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": pattern} for pattern in patterns])
    text = "i går talte Xantippe Zorn om Tourettes i Køge"
    found = names(text, lambda said: spacy_persons(model, said))
    assert [text[start:end] for start, end in found] == ["Xantippe Zorn"]


def test_the_person_is_told_once(database):
    nobody = f"http://127.0.0.1:{free_port()}"
    door = create_app(nobody, f"{nobody}/webhook", database, clock=lambda: MONDAY, secret="test").test_client()

    def post(text, session=None):
        return door.post("/api/v1/messages", json={"session": session, "text": text}).get_json()

    def told(reply):
        return any("taget private oplysninger ud" in message["text"] for message in reply["messages"])

    first = post("hej")
    assert not told(first)
    second = post("jeg hedder Mette Hansen", first["session"])
    assert told(second)
    third = post("mit nummer er 22 33 44 55", second["session"])
    assert not told(third) and third["session"] == second["session"]
    assert told(post("jeg hedder Mette Hansen")), "another conversation"
    assert door.delete(f"/api/v1/sessions/{third['session']}").status_code == 200


def test_in_danger_the_number_comes_first(database):
    nobody = f"http://127.0.0.1:{free_port()}"
    door = create_app(nobody, f"{nobody}/webhook", database, clock=lambda: MONDAY, secret="test").test_client()
    text = "min søn Jonas vil tage sit eget liv nu"
    crisis, said = door.post("/api/v1/messages", json={"text": text}).get_json()["messages"]
    assert crisis["answer"]["kind"] == "crisis" and "112" in crisis["text"]
    assert said["text"].startswith("Jeg har taget private oplysninger ud") and REMOVED not in said["text"]
