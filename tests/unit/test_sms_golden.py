"""What an SMS looks like, for fifty replies: `tests/unit/golden/sms.txt`.

Written anew with `python -m tests.unit.test_sms_golden` when it is meant to change; then read the difference.
"""

from __future__ import annotations

import re

import pytest
import yaml
from smsutil.codecs import is_valid_gsm

from bot.answers import conversation as talk
from bot.answers.answer import Answer
from bot.answers.degraded import degraded_turn
from bot.answers.find import find_answer
from bot.answers.links import Links
from bot.answers.sms import answer_sms, render_sms, segments
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory
from bot.knowledge.load import ROOT
from tests.conftest import CLOCKS, MONDAY

GOLDEN = ROOT / "tests" / "unit" / "golden" / "sms.txt"
SUNDAY, CHRISTMAS = CLOCKS["sunday evening"], CLOCKS["christmas eve"]
HOME = "https://vejviser.koege.dk"


def ask(text, topic=None, place=None, *facets, age=None, state=None, now=MONDAY, act="ask", also=(), **more):
    """What somebody wrote as understood, answered: name of the case, message."""

    def run(directory):
        topics = [(topic, 0.9), *also] if topic else []
        heard = talk.Understood(text, act, topics, list(facets), place, age=age, **more)
        message, _ = talk.answer_turn(heard, state or talk.State(), directory, now)
        return talk.with_numbers(message, heard, directory, now)

    return text, now, run


def turn(name, run, now=MONDAY):
    return name, now, lambda directory: run(directory, now)


def response(name):
    """A fixed sentence of the domain."""
    said = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))["responses"][f"utter_{name}"][0]["text"]
    answer = Answer(kind="smalltalk", as_of=MONDAY.isoformat())
    return turn(name, lambda _directory, _now: talk.Message(said, answer))


AT_KOEGE = talk.State(topic="tabt_arbejdsfortjeneste", municipality="0259")
CASES = [
    ask("tabt arbejdsfortjeneste køge", "tabt_arbejdsfortjeneste", "0259"),
    ask("tabt arbejdsfortjeneste københavn", "tabt_arbejdsfortjeneste", "0101"),
    ask("tabt arbejdsfortjeneste århus, søndag aften", "tabt_arbejdsfortjeneste", "0751", now=SUNDAY),
    ask("tabt arbejdsfortjeneste odense", "tabt_arbejdsfortjeneste", "0461"),
    ask("bostøtte køge", "bostoette", "0259"),
    ask("bostøtte aalborg", "bostoette", "0851"),
    ask("bostøtte langeland, lørdag er langt væk", "bostoette", "0482"),
    ask("bostøtte langeland søndag aften", "bostoette", "0482", now=SUNDAY),
    ask("bostøtte langeland juleaften", "bostoette", "0482", now=CHRISTMAS),
    ask("botilbud lyngby", "botilbud_midlertidigt", "0173"),
    ask("aflastning stevns", "aflastning_boern", "0336"),
    ask("aflastning voksen herning", "aflastning_voksne", "0657"),
    ask("kontaktperson esbjerg", "stoette_kontaktperson", "0561"),
    ask("merudgifter gribskov", "merudgifter_boern", "0270"),
    ask("stu faaborg", "stu", "0430"),
    ask("ledsager odsherred", "ledsagelse", "0306"),
    ask("børnefaglig undersøgelse gribskov", "boernefaglig_undersoegelse", "0270"),
    ask("børnepsykiatri viborg", "boerne_ungdomspsykiatri", "0791"),
    ask("børnepsykiatri vallensbæk", "boerne_ungdomspsykiatri", "0187"),
    ask("akut psykiatri køge", "akut_psykiatri", "0259"),
    ask("akut psykiatri aalborg søndag aften", "akut_psykiatri", "0851", now=SUNDAY),
    ask("krisecenter roskilde", "herberg_krisecenter", "0265"),
    ask("henvisning til psykiatrien nordjylland", "henvisning_psykiatri", "0851"),
    ask("orlov vallensbæk", "pasningsorlov", "0187"),
    ask("tabt arbejdsfortjeneste, ingen kommune", "tabt_arbejdsfortjeneste"),
    ask("bostøtte, ingen kommune", "bostoette"),
    ask("bostøtte i Nykøbing", "bostoette", None, ambiguous=["0376", "0773", "0306"]),
    ask("bostøtte i Kyge kommune", "bostoette", None, unknown_place="Kyge"),
    ask("bostøtte eller støtte til barn?", "bostoette", "0259", also=[("stoette_til_barn", 0.6)]),
    ask("hvornår har de åbent?", None, "0259", "hours", state=AT_KOEGE, act="followup"),
    ask("hvilken paragraf?", None, "0259", "legal", state=AT_KOEGE, act="followup"),
    ask("hvordan søger man?", None, "0259", "how", state=AT_KOEGE, act="followup"),
    ask("hvor lang tid tager det?", None, "0259", "time", state=AT_KOEGE, act="followup"),
    ask("hvordan klager man?", None, "0259", "complaint", state=AT_KOEGE, act="followup"),
    ask("hvad koster det?", None, "0259", "cost", state=AT_KOEGE, act="followup"),
    ask("hvilke papirer?", None, "0259", "documents", state=AT_KOEGE, act="followup"),
    ask("hvem er det for?", None, "0259", "who", state=AT_KOEGE, act="followup"),
    ask("hvad er det?", None, "0259", "what", state=AT_KOEGE, act="followup"),
    ask("støtte til min søn på 19 i Køge", "stoette_til_barn", "0259", age=19.0),
    ask("jeg er bange for ham, bostøtte køge", "bostoette", "0259", danger=0.5),
    ask("Køge", None, "0259", act="inform"),
    turn("fare, kommunen er kendt", lambda d, now: talk.crisis_turn(talk.State(municipality="0259"), d, now)),
    turn("fare i hovedstaden", lambda d, now: talk.crisis_turn(talk.State(municipality="0101"), d, now), SUNDAY),
    turn("fare, ingen kommune", lambda d, now: talk.crisis_turn(talk.State(), d, now)),
    turn(
        "fare og et spørgsmål",
        lambda d, now: talk.crisis_turn(
            talk.State(), d, now, talk.Understood("x", "crisis", [("bostoette", 0.8)], [], "0851")
        ),
    ),
    turn("et menneske, mandag", lambda d, now: talk.handoff_turn(AT_KOEGE, d, now)),
    turn("et menneske, søndag aften", lambda d, now: talk.handoff_turn(AT_KOEGE, d, now), SUNDAY),
    turn("et menneske, ingen kommune", lambda d, now: talk.handoff_turn(talk.State(), d, now), CHRISTMAS),
    turn("ikke vores", lambda d, now: talk.out_of_scope_turn(AT_KOEGE, d, now)),
    turn("et andet sprog", lambda d, now: talk.foreign_language_turn(d, now)),
    turn(
        "usikker: tre gæt",
        lambda d, now: talk.fallback_turn(
            talk.Understood("noget hjælp", topics=[("bostoette", 0.2), ("ledsagelse", 0.1)]), talk.State(), d, now
        )[0],
    ),
    turn("ikke forstået", lambda d, now: talk.fallback_turn(talk.Understood("xx"), talk.State(), d, now)[0]),
    turn(
        "ikke forstået to gange",
        lambda d, now: talk.fallback_turn(talk.Understood("xx"), talk.State(misses=1), d, now)[0],
    ),
    turn("Rasa er væk, emnet er kendt", lambda d, now: degraded_turn("bostøtte i Køge", None, d, now)),
    turn("Rasa er væk, emnet er ukendt", lambda d, now: degraded_turn("hvad nu?", "0259", d, now)),
    turn("alt er væk", lambda _d, now: degraded_turn("hvad nu?", None, None, now)),
    response("greet"),
    response("help"),
    response("bot_challenge"),
    response("thanks"),
    response("frustration"),
]


def spoken(message, directory):
    as_json = {"text": message.text, "buttons": message.buttons, "answer": message.answer.to_json()}
    return render_sms([as_json], Links(HOME, tuple(directory.topics)))


def written(directory):
    """Return the golden file as the code writes it now."""
    blocks = []
    for name, now, run in CASES:
        sms = spoken(run(directory), directory)
        head = f"== {name} ({now:%a %H:%M}, {sms.segments} sms, {len(sms.text)} tegn)"
        choices = [f"   valg: {' | '.join(sms.choices)}"] if sms.choices else []
        blocks.append("\n".join([head, sms.text, *choices]))
    return "\n\n".join(blocks) + "\n"


def test_the_replies_are_the_golden_ones(directory):
    assert written(directory) == GOLDEN.read_text(encoding="utf-8"), "meant? python -m tests.unit.test_sms_golden"


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_every_reply_is_gsm_of_two_segments_at_most_and_nobody_is_left_alone(directory, case):
    *_, run = case
    message = run(directory)
    sms = spoken(message, directory)
    assert is_valid_gsm(sms.text) and 1 <= segments(sms.text) <= 2
    assert not re.search(r"[€\[\]{}^|~\\]", sms.text), "these cost two characters each"
    if message.answer.kind in ("answer", "degraded", "handoff", "crisis"):
        assert re.search(r"\b(?:\d\d ?){4}\b|\b112\b|\b18\d\d\b|\bSe \w+\.\w+", sms.text), sms.text
    if message.answer.kind == "answer" and message.answer.municipality and message.answer.sources:
        assert re.search(r"^Kilde \S+ .*(\d{4}|udateret)", sms.text, re.MULTILINE), sms.text
        assert f"vejviser.koege.dk/k/{message.answer.municipality['code']}/" in sms.text


def test_danger_is_one_segment_and_begins_with_112_everywhere(directory):
    for now in (MONDAY, SUNDAY, CHRISTMAS):
        for code in [None, *directory.municipalities]:
            sms = spoken(talk.crisis_turn(talk.State(municipality=code), directory, now), directory)
            assert sms.text.startswith("Ring 112 nu") and sms.segments == 1 and sms.urgent
            doctor = code and now != MONDAY  # by day the doctor on call is closed outside the capital
            assert "Livslinien" in sms.text
            assert not doctor or len(re.findall(r"\d{4}|(?:\d\d ){3}", sms.text)) >= 2


def test_a_fact_of_low_confidence_is_never_sent(directory):
    """The directory leaves them out; what is written comes from nowhere else."""
    low = [org for org in directory.organizations if org.confidence == "low"]
    assert not low and all(row.confidence != "low" for rows in directory.law.values() for row in rows)


def test_nineteen_of_twenty_answers_of_the_whole_table_are_one_segment(directory):
    """98 municipalities x 61 topics; `vejviser sms measure` does it at two more moments."""
    links = Links(HOME, tuple(directory.topics))
    places, topics = directory.municipalities, directory.topics
    counts = [
        segments(answer_sms(find_answer(directory, topic, code, now=SUNDAY), links))
        for code in places
        for topic in topics
    ]
    assert len(counts) == 98 * 61 and max(counts) <= 2
    assert counts.count(1) / len(counts) >= 0.95


def main() -> None:
    """Write the golden file anew."""
    directory = Directory.read(make_engine())
    GOLDEN.write_text(written(directory), encoding="utf-8")
    print(f"{len(CASES)} svar: {GOLDEN}")


if __name__ == "__main__":
    main()
