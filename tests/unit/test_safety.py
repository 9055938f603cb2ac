import pytest

from bot.safety.crisis import is_crisis


@pytest.mark.parametrize(
    "text",
    [
        "min søn siger at han vil tage sit eget liv",
        "jeg gider ikke leve mere",
        "hun har taget en overdosis",
        "hvor søger jeg bostøtte, min datter har selvmordstanker",
        "min mand slår mig lige nu",
        "han truer os med en kniv",
        "I want to kill myself",
        "Kan man få en mentor til min søn? Han har samlet sine piller i en pose og sagt farvel til hunden",
        "min far slår min lillebror nu",
        "hun står på broen og vil springe",
        "stemmerne siger at han skal slå naboen ihjel",
        "han har barrikaderet sig og tændt et bål på stuegulvet",
        "min datter har spist en masse panodiler",
        "jeg er 10 år og der er ikke mere mad, min mor er ikke kommet hjem",
        "Hvem får hans lejlighed? Han har skrevet afskedsbrev til os alle",
        "morfar sidder i skuret med geværet og vil være i fred",
        "hun står på den forkerte side af rækværket",
        "han er gået ud i vandet med alt tøjet på",
        "der er ild i gardinerne hos min bror",
        "vores lille pige er slap og bleg og svarer ikke",
        "hvor mange panodiler er for mange",
        "he is out on the ledge of the roof, on the railing",
    ],
)
def test_danger_is_seen_without_a_model(text):
    assert is_crisis(text)


@pytest.mark.parametrize(
    "text",
    [
        "jeg er ved at dø af træthed",
        "min bror begik selvmord for tre år siden, hvor finder jeg en sorggruppe",
        "findes der et kursus i selvmordsforebyggelse",
        "han er ikke selvmordstruet, men han kommer ikke ud af sengen",
        "min datter skal have hjælp til at gøre rent",
        "hvem kan tvangsindlægge min søn",
        "ventetiden er ved at slå mig ihjel, hvem klager man til",
        "min bror forsøgte at tage sit liv for syv år siden, nu mangler han en bostøtte",
        "Min mor vil dø i sin egen seng, hvem betaler mig for at passe hende",
        "vi har sagt farvel til vores sagsbehandler, hvem er den nye",
        "ansøgningen er forsvundet i systemet",
        "skolen siger at min søn slår de andre børn",
        "jobcenteret tager livet af mig med alle de skemaer",
        "hun giver sine møbler væk, fordi hun flytter på plejehjem",
        "den stol dræber min ryg",
        "han vil ikke leve sammen med os længere",
        "jeg har mistet min far til selvmord og vil gerne tale med nogen",
        "bureaukratiet slår mig ihjel",
        "det brænder på, mødet er i morgen",
    ],
)
def test_the_past_and_figures_of_speech_are_not_danger(text):
    assert not is_crisis(text)
