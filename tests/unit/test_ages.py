import pytest

from bot.knowledge.ages import find_age


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("min søn på 19 kommer ikke ud af sengen", 19),
        ("han er 19", 19),
        ("15 år", 15),
        ("19", 19),
        ("min 14-årige datter", 14),
        ("min datter 16 år har angst", 16),
        ("min datter på ni", 9),
        ("17½ år", 17.5),
        ("hun fylder 18 til maj", 17.5),
        ("han er lige fyldt 18", 18),
        ("går i 7. klasse", 13),
        ("han går i SFO", 8),
        ("jeg er 45 og min søn er 19", 19),
        ("vores dreng på 10 med autisme har i to år ikke gået i skole", 10),
        ("min mand har fået en hjerneskade", 40),
        ("min mor på 67", 67),
        ("min søn er myndig", 18),
        ("jeg er 16 og har angst", 16),
        ("Under 18 år", 12),
        ("18 år eller ældre", 18),
        ("er 22, har social angst", 22),
        ("Min kammerat på 35 har ADHD", 35),
        ("Min sønnesøn i Frederiksværk er 28 og har skizofreni", 28),
        ("our 8 year old has meltdowns", 8),
        ("My brother is 45 and ill", 45),
        ("My daughter turns 18 this spring", 17.5),
        ("min bror på 49 fik afslag. Begrundelsen fylder syv linjer", 49),
        ("hun har det skidt, bliver til indlæggelse næste gang, hun er 31", 31),
    ],
)
def test_ages(text, age):
    assert find_age(text) == age


@pytest.mark.parametrize(
    "text",
    [
        "vi har ventet i 2 år på svar",
        "min søn har ventet 3 måneder",
        "har haft skizofreni i 10 år",
        "for 2 år siden",
        "§ 85",
        "4600 Køge",
        "han er 85 procent tilbage",
        "min mand og jeg vil søge hjælp til vores datter",
        "jeg er 38 og skal søge for min datter",
        "jeg er folkepensionist og min søn er syg",
    ],
)
def test_spans_of_time_and_other_numbers_are_not_ages(text):
    assert find_age(text) is None
