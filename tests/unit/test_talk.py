"""The conversation as a function: what is said and remembered, without Rasa."""

import pytest

from bot.answers.conversation import (
    State,
    Understood,
    after_crisis,
    answer_turn,
    crisis_turn,
    fallback_turn,
    handoff_turn,
    reminder,
    with_numbers,
)
from bot.handoff.said import summary
from bot.knowledge.laws import LawReference
from bot.knowledge.words import named_topic
from tests.conftest import CLOCKS, MONDAY


def turn(directory, state=None, **heard):
    return answer_turn(Understood(**{"text": "", **heard}), state or State(), directory, MONDAY)


def test_unsure_offers_three_numbered_choices_and_something_else(directory):
    topics = [("bostoette", 0.18), ("vum", 0.15), ("handleplan", 0.12), ("bpa", 0.1)]
    message, state = turn(directory, text="noget støtte", topics=topics)
    assert message.answer.kind == "clarify" and message.answer.question == "topic"
    assert [c["topic"] for c in message.answer.candidates] == ["bostoette", "vum", "raad_og_vejledning"]
    assert message.text.splitlines()[-1] == "4. Noget andet"
    for said, topic in (("2", "vum"), ("nr. 3", "raad_og_vejledning"), ("den første", "bostoette")):
        assert turn(directory, state, text=said, act="inform")[0].answer.topic == topic
    assert turn(directory, state, text="4", act="inform")[1].topic is None


def test_a_new_question_in_a_place_of_two_names_is_kept_while_the_place_is_asked_for(directory):
    talked = State(topic="tabt_arbejdsfortjeneste", municipality="0259", facets=["legal"])
    topics = [("bostoette", 0.95)]
    message, state = turn(directory, talked, text="bostøtte i Nykøbing", topics=topics, ambiguous=["0376", "0773"])
    assert message.answer.question == "municipality" and state.topic == "bostoette"
    for second in ("2", "den sidste"):
        answer, _ = turn(directory, state, text=second, act="inform")
        assert (answer.answer.topic, answer.answer.municipality["code"]) == ("bostoette", "0773")
    assert answer.answer.facets == ["where"]


@pytest.mark.parametrize(
    ("text", "facets"),
    [
        ("tabt arbejdsfortjeneste køge", ["where"]),
        ("Tabt arbejdsfortjeneste i Køge kommune?", ["where"]),
        ("tabt arbejdsfortjeneste", ["where"]),
        ("4600 tabt arbejdsfortjeneste", ["where"]),
        ("hvad koster tabt arbejdsfortjeneste i køge", ["cost", "how"]),
        ("tabt arbejdsfortjeneste penge", ["cost", "how"]),
    ],
)
def test_who_writes_only_the_name_of_a_help_asks_for_the_way_there(directory, text, facets):
    """Search words have no question in them, and "tabt" sounds like money."""
    topics = [("tabt_arbejdsfortjeneste", 0.95)]
    message, _ = turn(directory, text=text, topics=topics, facets=["cost", "how"], municipality="0259")
    assert message.answer.facets == facets


def test_a_place_while_a_choice_is_open_keeps_the_choice(directory):
    _, state = turn(directory, text="noget støtte", topics=[("bostoette", 0.18), ("vum", 0.15)])
    message, state = turn(
        directory, state, text="Silkeborg", act="inform", municipality="0740", topics=[("handlekommune", 0.9)]
    )
    assert message.answer.question == "topic" and "1. " in message.text and "Silkeborg" in message.text
    chosen, _ = turn(directory, state, text="1", act="inform")
    assert (chosen.answer.topic, chosen.answer.municipality["name"]) == ("bostoette", "Silkeborg")


def test_a_second_miss_gives_people_to_call(directory):
    message, state = fallback_turn(Understood("mumle mumle"), State(), directory, MONDAY)
    assert message.answer.kind == "fallback"
    message, state = fallback_turn(Understood("mumle mumle"), state, directory, MONDAY)
    assert message.answer.helplines and "39 25 25 25" in message.text


def test_an_answer_offers_the_next_likely_topics(directory):
    topics = [("bostoette", 0.6), ("handlekommune", 0.2), ("vum", 0.02)]
    message, state = turn(directory, text="x", topics=topics, municipality="0259")
    assert [c["topic"] for c in message.answer.candidates] == ["handlekommune"]
    assert message.text.endswith("\nHandler det også om kommunen, der har ansvaret?")
    yes, _ = turn(directory, state, text="ja", act="affirm")
    assert yes.answer.topic == "handlekommune"


def test_age_is_asked_only_where_it_decides_and_once(directory):
    twins = [("merudgifter_boern", 0.5), ("merudgifter_voksne", 0.4)]
    message, state = turn(directory, text="x", topics=twins, municipality="0259")
    assert message.answer.question == "age" and message.answer.sources
    kinds = directory.department_types
    child, adult = (kinds[code].term.name for code in ("familieafdeling", "voksenmyndighed"))
    assert f"Under 18 år: {child}. Fra 18 år: {adult}." in message.text
    answered, state = turn(directory, state, text="han er 19", act="inform", age=19.0)
    assert answered.answer.topic == "merudgifter_voksne" and answered.answer.municipality["name"] == "Køge"
    known, _ = turn(directory, text="x", topics=twins, municipality="0259", age=9.0)
    assert known.answer.question is None and known.answer.topic == "merudgifter_boern"
    not_near, _ = turn(directory, text="x", topics=[("merudgifter_boern", 0.9)], municipality="0259")
    assert not_near.answer.question is None


def test_a_follow_up_keeps_topic_and_place_unless_it_clearly_names_another(directory):
    state = State(topic="bostoette", municipality="0259")
    kept, _ = turn(directory, state, text="og hvor lang tid?", act="followup", facets=["time"], topics=[("vum", 0.4)])
    assert (kept.answer.topic, kept.answer.facets) == ("bostoette", ["time"])
    moved, _ = turn(directory, state, text="og ledsagelse?", act="followup", topics=[("bpa", 0.9)])
    assert moved.answer.topic == "ledsagelse" and moved.answer.municipality["code"] == "0259"


def test_not_wanting_to_say_where_is_respected(directory):
    state = State(topic="bostoette", facets=["where"], awaiting="municipality", asked=["municipality"])
    for text, act in (("ved ikke", "inform"), ("nej", "deny")):
        message, _ = turn(directory, state, text=text, act=act, facets=["complaint"])
        assert message.answer.topic == "bostoette" and message.answer.question is None
        assert message.answer.facets == ["where"], "a facet heard in a bare no is none"


def test_without_a_place_an_answer_still_has_numbers_with_their_source(directory):
    state = State(topic="bostoette", facets=["where"], awaiting="municipality", asked=["municipality"])
    message, _ = turn(directory, state, text="ved ikke", act="inform")
    assert "39 25 25 25" in message.text
    assert all(line.source and line.as_of for line in message.answer.helplines)


def test_an_age_that_is_not_given_offers_the_twin(directory):
    state = State(topic="merudgifter_boern", municipality="0259", facets=["where"], awaiting="age", asked=["age"])
    message, _ = turn(directory, state, text="ved ikke", act="inform")
    assert message.answer.topic == "merudgifter_boern"
    assert [c["topic"] for c in message.answer.candidates] == ["merudgifter_voksne"]


def test_a_talk_whose_age_was_asked_can_go_back_to_the_topic_before_it(directory):
    state = State(topic="bostoette", municipality="0259")
    ranked = [("merudgifter_boern", 0.5), ("merudgifter_voksne", 0.4)]
    message, state = turn(directory, state, text="kan vi få merudgifter dækket", topics=ranked)
    assert message.answer.question == "age" and state.earlier == ["bostoette"]


def test_a_word_of_the_table_decides_where_the_model_is_unsure(directory):
    text = "min søn på 19 kommer ikke ud af sengen, hvem kan hjælpe?"
    unsure = [("indlaeggelse_udskrivning", 0.3), ("bostoette", 0.3), ("raad_og_vejledning", 0.1)]
    message, _ = turn(directory, text=text, topics=unsure, age=19)
    assert message.answer.topic == "raad_og_vejledning"
    assert [c["topic"] for c in message.answer.candidates] == ["indlaeggelse_udskrivning", "bostoette"]
    sure, _ = turn(directory, text=text, topics=[("bostoette", 0.8), ("raad_og_vejledning", 0.1)], age=19)
    assert sure.answer.topic == "bostoette"


def test_a_place_alone_opens_the_talk(directory):
    message, state = turn(directory, text="Køge", act="inform", municipality="0259")
    assert message.answer.question == "topic" and "Køge" in message.text
    assert state.municipality == "0259"


@pytest.mark.parametrize(
    ("awaiting", "says"), [("municipality", "Hvilken kommune"), ("age", "Hvor gammel"), (None, None)]
)
def test_the_open_question_is_asked_again_after_a_digression(directory, awaiting, says):
    said = reminder(State(topic="bostoette", awaiting=awaiting), directory)
    assert said is None if says is None else says in said


def test_a_human_is_told_what_the_talk_was_about(directory):
    talked = State(topic="bostoette", municipality="0259", facets=["how", "time"])
    answer = handoff_turn(talked, directory, MONDAY).answer.to_json()
    assert summary(answer) == [
        "Det handler om: Bostøtte (socialpædagogisk støtte)",
        "Kommune: Køge",
        "Jeg vil gerne vide: hvordan jeg søger og hvor lang tid det tager",
    ]
    nothing = handoff_turn(State(), directory, MONDAY).answer.to_json()
    assert summary(nothing) == ["Det handler om:", "Kommune:", "Jeg vil gerne vide:"]


def test_at_night_the_lines_are_named_with_their_hours(directory):
    message = handoff_turn(State(municipality="0259"), directory, CLOCKS["christmas eve"])
    assert "Køge Kommune: 56 67 67 67 (kilde: koege.dk, " in message.text and message.answer.sources
    assert not any(line.open_now for line in message.answer.helplines)


def test_a_crisis_that_the_classifier_hears_also_offers_what_was_asked(directory):
    heard = Understood("...", act="crisis", topics=[("bostoette", 0.9)])
    message = crisis_turn(State(municipality="0259"), directory, MONDAY, heard)
    assert message.text.startswith("Ring 112 nu") and message.answer.kind == "crisis"
    assert [button["title"] for button in message.buttons] == [directory.topics["bostoette"].title]
    assert (message.answer.topic, message.answer.municipality["name"]) == ("bostoette", "Køge")
    assert crisis_turn(State(), directory, MONDAY).buttons == []


def test_where_danger_cannot_be_ruled_out_the_numbers_stand_before_the_answer(directory):
    heard = Understood("...", topics=[("bostoette", 0.9)], municipality="0259", danger=0.5)
    message, _ = answer_turn(heard, State(), directory, MONDAY)
    careful = with_numbers(message, heard, directory, MONDAY)
    assert careful.answer.kind == "answer" and careful.text.startswith("Er nogen i fare lige nu, så ring 112.")
    assert [line.phone for line in careful.answer.helplines[:2]] == ["112", "70 20 12 01"]
    assert careful.text.endswith(message.text)
    calm = Understood("...", danger=0.05)
    assert with_numbers(message, calm, directory, MONDAY) == message


def test_a_place_named_in_danger_gives_the_line_of_its_region(directory):
    evening = CLOCKS["sunday evening"]
    here = crisis_turn(State(municipality="0259"), directory, evening)
    there = crisis_turn(State(municipality="0259"), directory, evening, Understood("...", municipality="0730"))
    assert here.answer.helplines[1] != there.answer.helplines[1]
    assert there.answer.municipality["name"] == "Randers"


def test_who_is_in_danger_is_not_sent_to_a_line_that_is_closed(directory):
    """Outside the capital the doctor on call answers from 16 to 8."""
    by_day, by_night = (
        crisis_turn(State(municipality="0259"), directory, CLOCKS[c]) for c in ("monday morning", "sunday evening")
    )
    assert "1818" in by_night.text and "1818" not in by_day.text
    for message in (by_day, by_night):
        assert message.text.startswith("Ring 112 nu") and "tale med nogen" in message.text
        assert not any(line.open_now is False for line in message.answer.helplines)


def test_after_danger_the_talk_knows_where_it_was(directory):
    heard = Understood("...", municipality="0730", topics=[("bostoette", 0.9)])
    before = State(municipality="0259")
    after = after_crisis(before, crisis_turn(before, directory, MONDAY, heard))
    assert (after.topic, after.municipality, after.offered) == ("bostoette", "0730", [])
    message, _ = turn(directory, after, text="hvad koster det?", act="followup", facets=["cost"])
    assert (message.answer.topic, message.answer.municipality["name"]) == ("bostoette", "Randers")
    talking = State(topic="stu", municipality="0259")
    assert after_crisis(talking, crisis_turn(talking, directory, MONDAY, heard)).topic == "stu"


def test_one_can_go_back_to_what_was_talked_about_before(directory):
    _, state = turn(directory, text="x", topics=[("bostoette", 0.9)], municipality="0259")
    _, state = turn(directory, state, text="y", topics=[("stu", 0.9)])
    ranked = [("vum", 0.5), ("bostoette", 0.2)]
    back, state = turn(directory, state, text="tilbage til min bror, hvor længe?", act="followup", topics=ranked)
    assert back.answer.topic == "bostoette" and state.earlier == ["stu"]


def test_a_long_message_about_something_else_is_a_new_question(directory):
    text = "og så er der min datter, som ikke har været i skole siden oktober og bare ligger og græder"
    state = State(topic="bostoette", municipality="0259")
    topics = [("stoette_i_skolen", 0.9), ("ppr_udredning", 0.05)]
    assert turn(directory, state, text=text, act="followup", topics=topics)[0].answer.topic == "stoette_i_skolen"
    unsure = [("stoette_i_skolen", 0.6), ("bostoette", 0.3)]
    assert turn(directory, state, text=text, act="followup", topics=unsure)[0].answer.topic == "bostoette"


def test_the_same_for_somebody_elsewhere_keeps_the_topic(directory):
    state = State(topic="kontanthjaelp", municipality="0751")
    topics = [("uddannelsesvejledning", 0.5), ("raad_og_vejledning", 0.3)]
    heard = {"text": "og hvad med min fætter i Vejle", "topics": topics, "municipality": "0630"}
    message, _ = turn(directory, state, **heard)
    assert (message.answer.topic, message.answer.municipality["code"]) == ("kontanthjaelp", "0630")
    named, _ = turn(
        directory, state, **{**heard, "text": "og hvad med førtidspensionen", "topics": [("foertidspension", 0.6)]}
    )
    assert named.answer.topic == "foertidspension"


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("er bostøtten gratis", "bostoette"),
        ("tolken kom ikke sidst, kan vi få en tolk", "tolk"),
        ("og så weekendfamilien", "aflastning_boern"),
        ("hvad er klagefristens længde", "klage"),
        ("gælder det også ham", None),
        ("STUEN er rodet", None),
    ],
)
def test_a_word_of_the_table_is_known_in_any_inflection(directory, text, topic):
    assert named_topic(text, directory) == topic


def test_a_benefits_complaint_is_a_facet_of_the_benefit(directory):
    topics = [("klage", 0.8), ("bostoette", 0.1)]
    message, _ = turn(directory, text="de har sagt nej til bostøtte, hvordan klager vi", topics=topics, facets=["how"])
    assert message.answer.topic == "bostoette" and message.answer.facets[0] == "complaint"
    message, _ = turn(directory, text="hvordan klager vi", topics=topics, facets=["how"])
    assert message.answer.topic == "klage"


def test_an_old_section_and_a_long_wait_are_told(directory):
    old = LawReference("42", "serviceloven", ("tabt_arbejdsfortjeneste",), "barnets lov § 87")
    message, _ = turn(directory, text="vi fik § 42", topics=[("tabt_arbejdsfortjeneste", 0.9)], laws=[old])
    assert message.text.startswith("§ 42 hedder nu barnets lov § 87.")
    other, _ = turn(directory, text="vi fik § 42, nu søger vi stu", topics=[("stu", 0.9)], laws=[old])
    assert other.answer.law_note is None, "what the answer is not about is not told"
