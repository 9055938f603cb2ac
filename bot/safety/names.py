"""Finds names of persons in what people write: after words that announce one, and given names that stand alone.

A small word list cannot know all names, so the words around decide: "min søn Jonas", "jeg hedder ...", "hilsen ...".
What is no name is a closed list; places come from the table's own files, so that "sagsbehandler i Køge" stays.
"""

from __future__ import annotations

import csv
import functools
import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bot.knowledge.wordlists import is_danish_word

Span = tuple[int, int]
_FOLDER = Path(__file__).resolve().parent
_TABLE = _FOLDER.parents[1] / "data" / "knowledge"

_OWNER = (
    r"(?:min|mit|mine|vores|vor|hans|hendes|sin|sit|sine|din|deres|en|et|ens|egen|eget|på|og|for|af|til|om|med|far|mor)"
)
_ADJECTIVE = (
    r"(?:(?:voksne|ældste|ældre|yngste|mellemste|yngre|store|lille|stakkels|kære|syge|anden|andet|tidligere|fraskilte|egen|nye|gamle|"
    r"elskede|\d{1,2}[-\ ]?årige?|teenage\w*)\ ){0,2}"  # read in verbose mode
)
_KIN = (
    r"(?:(?:svig?er|pap|sted|bonus|pleje|store|lille|eks|adoptiv|tvillinge|halv|mor|far|barne|olde|ste)?-?"
    r"(?:søn|sønner|datter|døtre|mand|kone|hustru|mor|far|mor|bror|brødre|søster|søstre|kæreste|barn|barnebarn|børn|børnebørn|forældre|moster|faster"
    r"|morbror|farbror|onkel|tante|fætter|kusine|nevø|niece|svoger|svigerinde|samlever|ægtefælle|partner|ven|veninde|nabo|eks|tvilling"
    r"|knægt|dreng|drenge|pige|piger|teenager|unge|bedstefar|bedstemor|mormor|morfar|farmor|farfar|datterdatter|sønnesøn|dattersøn))"
)
_ROLE = (
    r"(?:(?:børne|ungdoms|familie|voksen|social|job|pædagogisk|støtte|afdelings|over|egen|hjemme|distrikts|special|områdeleder)*"
    r"(?:sagsbehandler|rådgiver|læge|kontaktperson|psykolog|psykiater|leder|mentor|lærer|pædagog|sygeplejerske|konsulent|koordinator"
    r"|visitator|advokat|værge|bisidder|terapeut|behandler|medarbejder|støtteperson|bostøtte|plejer|vejleder|forstander|partsrepræsentant)"
    r"(?:en|n|e|ne|s)?)"
)
_CUE = re.compile(
    rf"""(?<!\w)(?:  # one look at the letter before spares most positions
    (?P<strong>\b(?:jeg|han|hun|vi|de|\w*(?:sønnen|datteren|barnet|drengen|pigen|konen|manden)
        |(?:min|mit|vores|hans|hendes)\ {_ADJECTIVE}(?:{_KIN}|{_ROLE}))\ (?:hedder|heder|hed)\ |
      \b(?:mit|hans|hendes|fulde|sønnens|datterens|barnets)\ (?:fulde\ )?navn\ er\ |\bved\ navn\ |\bmy\ name\ is\ )
    |(?P<title>\b(?:fru|frk|frøken|hr|herr|dr|doktor)\b\.?\ |\bnavn:\ ?)
    |(?P<sign>(?:\b(?:hilsen|hilsner|mvh|vh|kh|dbh|knus|hilser|venligst|kærligst|regards)\b|(?<!\S)//?)[,.:!]?\ ?(?:fra\ )?)
    |(?P<named>\b(?:der|som)\ (?:hedder|heder|hed)\ )
    |(?P<role>\b{_ROLE}(?:\ (?:er|hedder|hed|var|ved\ navn))?[,:]?\ )
    |(?P<kin>\b{_OWNER}\ {_ADJECTIVE}{_KIN}(?:\ på\ \d{{1,2}}(?:\ år)?)?(?:\ (?:som|der)\ hedder)?[,:]?\ \(?)
    |(?P<me>\b(?:jeg|det|her|mit\ navn)\ er\ )
    |(?P<about>\b(?:om|vedrørende|vedr\.?|angående|ang\.?|for|med|hos|til|af|besøge|hjælpe|spurgt|ringet\ til)\ )
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’´][^\W\d_]+)*")
_NEXT = re.compile(r" (?:[^\W\d_]\. )*([^\W\d_]+(?:[-'’´][^\W\d_]+)*)|( [A-ZÆØÅ]\.)")
_AND = re.compile(r"(?:, | og | & | eller )(?=[^\W\d_])")
# What follows a name in the middle of a sentence, where nobody wrote capitals.
_FOLLOWS = re.compile(
    r"[.,!?)]? ?(?:(?:$|[,)])|\b(?:har|havde|er|var|blev|bliver|bor|boede|vil|ville|kan|kunne|skal|skulle|må|får|fik|går|gik|på \d|lider|mangler|siger"
    r"|og|hører|trænger|venter|fylder|fyldte|sidder|ligger|tager|ønsker|drikker|ryger|nægter|flytter|som|der|\d\d)\b)",
    re.IGNORECASE,
)
_PERSON_BEFORE = re.compile(rf"\b(?:{_KIN}|{_ROLE}|person|kvinde|mand|fyr)\b.{{0,25}}$", re.IGNORECASE)
_NO_PERSON_FOLLOWS = re.compile(r"[ -](?:syndrom|kommune|region|by|sogn|hospital|sygehus|amt)\w*\b", re.IGNORECASE)
# Compounds that end like this are an office, a law, an association or a place to live, never a person.
_NO_NAME_ENDING = re.compile(
    r"(?:fond|fonden|linien|linjen|forening|foreningen|center|centeret|centret|kontoret|afdeling|afdelingen|huset|hus|styrelsen|telefonen"
    r"|hjælp|hjælpen|retten|loven|lov|psykiatri|psykiatrien|rådgivning|rådgivningen|støtte|støtten|tilbud|tilbuddet|bosted|bostedet|teamet|team"
    r"|ambulatoriet|forvaltning|forvaltningen|klinik|klinikken|skole|skolen|hospital|hospitalet|nævnet|rådet|service|syndrom|diagnose|pension"
    r"|ydelse|ydelsen|gruppen|netværket|enheden|lægen|vagten|årig|årige|isk|ning|else|elser|hed|tion|person|handler)s?$"
)

# Closed: words that stand after a cue and are no name. Kept wide; a real name among them is found by other cues.
_NO_NAMES = frozenset(
    """
    ad adhd af aldrig alene alle allerede alt alting altid altså anden andet andre angst asperger aspergers autisme autist at bare begge begyndte ber
    bedre bekymret beder blev blevet blive bliver borte bor borger bort både
    bruger burde bør børn da dag dagligt de dem den denne deprimeret depression der deres derefter derfor derhjemme desværre det dette dig din disse dit
    dog domfældt downs du døde død efter efterfølgende eks eksempelvis eller ellers elsker en endelig ender endnu ene eneste enlig ens er et far fast fik
    fin flere flyttede flytter for fordi forleden formentlig forrige forsøger fortsat fra frem fremover ført født før først får få gang gange ganske gider gik
    giver gjorde gerne gå går gør gøre ham han hans har havde have heller hellere hele helt hende hendes henne her herfra herhjemme hinanden hjem hjemme
    hos hun hurtigt hver hvem hvad hvilken hvilket hvis hvor hvordan hvorfor hvornår hører hørte i igen igår idag ikke imellem imod ind inde inden indenfor indlagt ingen ingenting
    intet ja jeg jer jo kan kaldes kom kommer kommet komme kun kunne køb køber lade lader lagt langt lavede lever levede lider lidt lige ligeledes ligesom ligger længe længere lærer
    man mange mangler med meget mellem men mener mens mente mere mest mig min mindre mine misbrug mistede mistet mit mor må måske måtte nej ned nemlig nogen noget nogle nok nu nuværende ny nye nær næsten næste
    nægter når når ofte og også om omkring op oppe os ordet overfor over overhovedet pga plejer prøver pt på påstår ret ringer ringede rigtig rigtigt ryger røg sagde samme samt samtidig sammen sandsynligvis se
    selv ser ses siden sidste sidder siger sin sine sit skal skete skizofren skizofreni skriver skulle slet slog slår snakker snart snarest som sover spiser stadig stadigvæk startede straks står synes sådan så svarer
    søger tabte tabt tag tager tale taler tidligere til tilbage tilsyneladende tit to tog tre trænger tror tværtimod tør uden udenfor ud ude under vant var ved vedkommende venlig
    venligst venter vil ville virker vist vore vores væk været være ønsker år åbenbart alligevel ellers egentlig faktisk ikk ik jævnligt kære langsomt lyver meldte netop nogensinde oftest også omgående op ophører
    personligt pludselig pludseligt primært psykisk påny rejste reelt samtlige sikkert sjældent skilt slog syg sygemeldt typisk udelukkende udskrevet umiddelbart vel velsagtens vældig æder
    januar februar marts april maj juni juli august september oktober november december mandag tirsdag onsdag torsdag fredag lørdag søndag jul påske pinse
    danmark jobcenter jobcentret jobcenteret borgerservice kommune kommunen kommunens region regionen amtet ankestyrelsen udbetaling statsforvaltningen familieretshuset psykiatrien psykiatrisk psykiatri sind livslinien
    psykiatrifonden headspace børns vilkår røde kors dansk danske landsforeningen bedre ungdommens ældre sagen lænken natteravnene settlementet retshjælpen tourette tourettes alzheimer alzheimers parkinson parkinsons
    rett retts williams huntington huntingtons angelman prader crohns korsakoff duchenne lewy ocd ptsd add bpd pda stu ppr cpr nemid mitid eboks digital post facebook google netto vejviser chat robot
    social socialt socialpsykiatri serviceloven barnets lov forvaltningsloven voksen voksne barn unge ung
    mormor morfar farmor farfar forælder forældre bror søster søn datter mand kone kæreste veninde ven nabo pårørende hilsen tak hej goddag godmorgen god godt desperat fortvivlet træt anonym
    handicappet døv blind gravid skilsmisse stoffer alkohol alkoholiker selvmord voldelig vold hospitalet indlæggelse afdeling afsnit afd the a an my your his her he she is in on and for with of to not i'm it this that from
    gud allah trump hitler jesus putin
    """.split()
)
# Given names that are ordinary words too: only after a cue, or with a surname.
_WORDS_TOO = frozenset(
    "ane anker ask august birk bjørn bo bror bøje dan ebbe else eve fred frode gro gry ib inge iris isa ken kim lea lilje line lis liv luna lykke lærke"
    " maj mai mark meta mie mike milan mille nor per ravn rose saga said sam sine siv sol sten stig storm sus søren tage tilde tim tom tor tore"
    " tove tue vera vibe".split()
)
_WORDS_AND_SURNAMES = frozenset(
    "lange brandt storm frost skov bang beck toft hald gade bonde vinter winter mørk foged lind".split()
)
_SURNAMES = frozenset(
    "holm lund bach skov kjær berg dahl friis bruun brun møller schmidt mørk winther winter vestergaard nygaard østergaard kjærgaard søndergaard damgaard bjerre bang bech beck juul juhl krogh krog lind"
    " munk ravn schou thomsen vinther dam gade hald lassen bak kruse toft mogensen hedegaard overgaard villadsen storm frost riis koch koefoed duus buch busk ahmed ali hassan khan nguyen hussein mohamed yilmaz"
    " olsen iversen christensen poulsen madsen christiansen mathiasen paulsen gregersen kristensen lauridsen mortensen jeppesen nissen jessen karlsen carlsen schultz kristiansen jepsen thygesen lind laursen mathiesen andresen andreasen sørensen jørgensen mikkelsen henriksen frederiksen danielsen"
    " bonde bertelsen frandsen foged skytte brandt lange holst simonsen steffensen kofoed hermansen nørgaard nørregaard klausen eskildsen abrahamsen clausen iversen".split()
)


@functools.lru_cache(maxsize=1)
def _given_names() -> frozenset[str]:
    lines = (_FOLDER / "given_names.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split())


@functools.lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    """Return the words of the municipalities' names and aliases, small letters; from the files, so no database is needed."""
    names: set[str] = set()
    for path in _TABLE.glob("[0-9]*/municipality.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                for name in (row["name"], row["region"], *row["aliases"].split(";")):
                    names |= {word.casefold() for word in _WORD.findall(name)}
    return frozenset(names)


def _bare(word: str) -> str:
    """Return the word in small letters without the genitive that names carry ("Jonas'", "Jonas's")."""
    return re.sub(r"['’´]s?$", "", word.casefold())


def _is_given(low: str) -> bool:
    names = _given_names()
    return low in names or (low.endswith("s") and low[:-1] in names) or ("-" in low and low.split("-")[0] in names)


def _is_surname(low: str, capital: bool) -> bool:
    """Return whether a word is a surname; in small letters only what is no other word ("krisen" is no son of Kri)."""
    low = low.split("-")[-1]
    if capital:
        return low in _SURNAMES or (
            len(low) > 4 and bool(re.search(r"(?:sen|sens|gaard|gård|strøm|quist|kvist)$", low))
        )
    given = _given_names()
    patronymic = low.endswith("sen") and (low[:-2] in given or low[:-3] in given)
    return patronymic or low in _SURNAMES - _WORDS_AND_SURNAMES


def _is_place(low: str) -> bool:
    places = _places()
    return low in places or (low.endswith("s") and low[:-1] in places)


class _Text:
    """One text while its names are looked for. `shouting`: written in capitals, so capitals say nothing."""

    def __init__(self, text: str) -> None:
        self.text = text
        letters = [c for c in text if c.isalpha()]
        self.shouting = sum(c.isupper() for c in letters) * 2 > len(letters) > 3

    def capital(self, word: str) -> bool:
        return not self.shouting and word[0].isupper() and not (len(word) > 1 and word.isupper())

    def first_name(self, position: int, cue: str) -> Iterator[Span]:
        """Yield the name that begins at a position after a cue, and those joined to it by "og" or a comma."""
        match = _WORD.match(self.text, position)
        if match is None or not self._is_name(match, cue):
            return
        end = self._extend(match.end())
        yield match.start(), end
        joined = _AND.match(self.text, end)
        if joined and (other := _WORD.match(self.text, joined.end())):
            low = _bare(other[0])
            if (
                low not in _NO_NAMES
                and not _is_place(low)
                and (
                    _is_given(low)
                    or (self.capital(other[0]) and not joined[0].startswith(",") and cue in ("kin", "strong"))
                )
                and (low not in _WORDS_TOO or self.capital(other[0]))
            ):
                yield from self.first_name(joined.end(), cue)

    def _is_name(self, match: re.Match[str], cue: str) -> bool:
        word, low = match[0], _bare(match[0])
        given, capital = _is_given(low), self.capital(word)
        if low in _NO_NAMES and not (capital and given and low not in ("august",)):
            return False
        if (
            _is_surname(low, True)
            and (cue == "title" or (cue == "role" and capital))
            and not _NO_PERSON_FOLLOWS.match(self.text, match.end())
        ):
            return True
        if not given and (_is_place(low) or _NO_NAME_ENDING.search(low)):
            return False
        if _NO_PERSON_FOLLOWS.match(self.text, match.end()):
            return False
        if len(low) == 1:
            return False
        known = given and (capital or low not in _WORDS_TOO)
        after = _NEXT.match(self.text, match.end())
        surname_next = after is not None and bool(after[1]) and _is_surname(_bare(after[1]), self.capital(after[1]))
        if cue in ("about", "me", "named"):
            if not capital:
                return known and low in _given_names()
            return given or surname_next or (cue == "named" and bool(_PERSON_BEFORE.search(self.text[: match.start()])))
        if cue == "role":
            return capital or known or _is_surname(low, False)
        if cue == "kin":
            if capital or known or surname_next:
                return True
            return len(low) > 2 and (bool(given and _FOLLOWS.match(self.text, match.end())) or self._odd(match))
        if cue == "sign":
            rest = self.text[self._extend(match.end()) :]
            return capital or known or not rest.strip(" .,!)/") or given
        if cue == "title":
            return capital or known or not is_danish_word(low)
        return True  # strong: whatever stands there and is no other word

    def _odd(self, match: re.Match[str]) -> bool:
        """Return whether a small-lettered word between a relative and a verb looks like a name."""
        after = _WORD.match(self.text, match.end() + 1)
        if after and not is_danish_word(match[0]) and not is_danish_word(after[0]) and after[0] not in _NO_NAMES:
            return True
        if re.search(r"(?:igt|vis|en|et|er|erne|ede|s)$", match[0]):
            return False
        if self.text[match.start() - 2 : match.start()] == ", " and self.text[match.end() : match.end() + 1] == ",":
            return True
        return bool(
            re.match(
                r" (?:har|havde|er|var|blev|bor|på \d)\b|, \d", self.text[match.end() : match.end() + 8], re.IGNORECASE
            )
        )

    def _extend(self, end: int) -> int:
        """Return where the name ends, with middle names, initials and surnames."""
        for _ in range(3):
            match = _NEXT.match(self.text, end)
            if match is None or not self._goes_on(match):
                break
            end = match.end()
        return end

    def _goes_on(self, match: re.Match[str]) -> bool:
        if match[2]:  # an initial
            return True
        low, capital = _bare(match[1]), self.capital(match[1])
        if len(low) == 1 or low in _NO_NAMES or _NO_PERSON_FOLLOWS.match(self.text, match.end()):
            return False
        if (
            low in _SURNAMES
            or _is_surname(low, capital)
            or ". " in match[0]
            or (_is_given(low) and (capital or low not in _WORDS_TOO))
        ):
            return True
        if _is_place(low) or _NO_NAME_ENDING.search(low):
            return False
        # After a given name a word that is no Danish word is a surname from elsewhere ("arjun patel").
        return capital or (len(low) > 3 and not is_danish_word(low))

    def alone(self) -> Iterator[Span]:
        """Yield given names that no cue announced: with a capital, or followed by a surname or by what a person does."""
        for match in _WORD.finditer(self.text):
            low = _bare(match[0])
            if (
                not _is_given(low)
                or (low in _NO_NAMES and low not in _given_names())
                or _NO_PERSON_FOLLOWS.match(self.text, match.end())
            ):
                continue
            end = self._extend(match.end())
            common = low in _WORDS_TOO or low in _NO_NAMES or _is_place(low)
            if self.capital(match[0]):
                if end > match.end() or not common:
                    yield match.start(), end
            elif not common and low in _given_names() and (end > match.end() or _FOLLOWS.match(self.text, end)):
                yield match.start(), end


def names(text: str, persons: Callable[[str], Iterable[Span]] | None = None) -> list[Span]:
    """Return where names of persons stand, in order and without overlap.

    `persons` finds more of them (spaCy's, where the operator chose it); what it finds passes the same list of no names.
    """
    seen = _Text(text)
    found = [span for cue in _CUE.finditer(text) for span in seen.first_name(cue.end(), cue.lastgroup or "")]
    found += seen.alone()
    for start, end in (persons or _spacy_persons() or (lambda _: ()))(text):
        low = _bare(text[start:end].split()[0])
        if low not in _NO_NAMES and not _is_place(low) and not _NO_NAME_ENDING.search(low):
            found.append((start, end))
    return _merged(found)


def _merged(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@functools.lru_cache(maxsize=1)
def _spacy_persons() -> Callable[[str], Iterable[Span]] | None:
    """Return spaCy's finder of persons when VEJVISER_NAMES=spacy and the Danish model is installed, else None.

    Not by itself: the small model takes towns and diagnoses for persons, and takes several milliseconds.
    """
    if os.environ.get("VEJVISER_NAMES") != "spacy" or importlib.util.find_spec("da_core_news_sm") is None:
        return None
    import spacy

    model = spacy.load("da_core_news_sm", exclude=["parser", "lemmatizer", "attribute_ruler", "morphologizer"])
    return functools.partial(spacy_persons, model)


def spacy_persons(model: Callable[[str], object], text: str) -> list[Span]:
    """Return where a spaCy pipeline sees persons."""
    return [(e.start_char, e.end_char) for e in model(text).ents if e.label_ in ("PER", "PERSON")]  # type: ignore[attr-defined]
