"""Takes personal data out of a text before anything stores it, logs it or hands it to Rasa.

By shape, not by check digit: a CPR number with a slip in it is still somebody's. Places, ages, dates, sections of the
law and the numbers of our own table stay, because the answer depends on them.
"""

from __future__ import annotations

import re

from bot.safety.names import names

REMOVED = "[fjernet]"

_S = r"[ ./\-–—_,:]{0,3}"
_MONTHS = r"(?:jan|feb|mar|apr|maj|jun|jul|aug|sep|okt|nov|dec)[a-zæøå]*\.?"
_LAST = r"\d ?\d ?\d ?\d(?!\d)"
_CPR = (
    # six digits of a date and four more, with or without century, in any grouping
    rf"(?<!\d)(?:[0-2] ?\d|3 ?[01]|[6-8] ?\d|9 ?[01]){_S}(?:0 ?[1-9]|1 ?[0-2]){_S}(?:(?:1[89]|20)\d ?\d|\d ?\d){_S}{_LAST}(?! ?(?:kr|kroner|timer)\b)",
    # 1/1-50-1234 and 1. januar 1950 1234
    rf"(?<!\d)\d{{1,2}}[./-] ?\d{{1,2}}[./ -]{{1,2}}(?:1[89]|20)?\d\d ?[-–/. ] ?{_LAST}(?! ?(?:kr|kroner|timer)\b)",
    rf"(?<!\d)\d{{1,2}}\.? ?{_MONTHS} ?,?(?:1[89]|20)?\d\d{_S}{_LAST}(?! ?(?:kr|kroner|timer)\b)",
    # 010150 og de sidste fire er 1234
    r"(?<!\d)\d\d[ .-]?[01]\d[ .-]?\d{2,4}[^\d?!]{1,12}(?:sidste|fire|løbenummer|kontrol)[^\d.?!]{0,25}\d{4}(?!\d)",
)
_CPR_SHAPE = re.compile("|".join(f"(?:{p})" for p in _CPR), re.IGNORECASE)
# Whatever digits are said to be one, also a wrong or half one.
_CPR_SAID = re.compile(
    r"\b(?:cpr|person-?nr|personnummer|pers\.? ?nr)[^\d?!]{0,25}(?<!\d)(?P<said>\d(?:[ ./\-–—_]{0,3}\d){3,11})(?!\d)",
    re.IGNORECASE,
)

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?:\s?(?:@|\((?:at|snabela|a)\)|\[at\])\s?|\s+snabel-?a\s+)[\w-]+(?:\.[\w-]+)*"
    r"(?:\s?\.\s?|\s?\(dot\)\s?|\s+(?:punktum|dot)\s+)[a-z]{2,}\b"
    r"|\b(?:facebook|instagram|linkedin|fb)\.com/\S+",
    re.IGNORECASE,
)

_UNIT = (
    r"(?! ?(?:%|procent|kr|kroner|timer|time|t|år|års|årig|årige|mdr|måneder|måned|uger|uge|dage|dag|gange|gang|børn|børnene|km|kilometer|min|minutter|stk|stk\.|"
    r"personer|mennesker|steder|pladser|voksne|unge|meter|m2|kvm|sæt|af|ud)\b|[.,:]?\d|-\d| ?(?:eller|til|-|og) \d)"
)
_HOUSE = (
    rf"(?:,? ?nr\.?)? ?\d{{1,3}}(?: ?[A-Ha-h]\b|[a-zA-Z]\b)?(?!\d){_UNIT}"
    r"(?:[, ]+(?:st\b\.?|stuen\b|kld\b\.?|\d{1,2}\.(?= ?(?:sal|tv|th|mf|[,]))|\d{1,2}(?= ?(?:sal|tv|th|mf)\b))(?:[ ,]*(?:sal|tv|th|mf|t\.v|t\.h)\b\.?|[ ,]*(?:dør|lejl|lejlighed)\.? ?\d{1,4})*"
    r"|[, ]+(?:tv|th|mf)\b\.?|[, ]+(?:dør|lejl|lejlighed)\b\.? ?\d{1,4})?"
)
_BEFORE = r"(?:(?:Nørre|Sønder|Vester|Øster|Ny|Nye|Gammel|Gl\.?|Store|Lille|Nordre|Søndre|Vestre|Østre|Kongens|Dronning|Kong|Sankt|Skt\.?|Sct\.?) )"
_STRONG = r"(?:vej|vejen|gade|gaden|allé|alle|alléen|alleen|stræde|strædet|boulevard|boulevarden|vænge|vænget|svinget|parkvej|vangen)"
_WEAK = (
    r"(?:plads|pladsen|torv|torvet|park|parken|have|haven|sti|stien|bakke|bakken|bakkerne|kær|kæret|toft|toften|lund|lunden|krog|krogen|eng|engen|mark|marken|ager|ageren|"
    r"hegn|hegnet|skrænten|dal|dalen|høj|højen|bro|broen|gård|gården|kaj|kajen|vang|passage|brink|brinken|ås|åsen|agre|agrene|skoven|skov|sving|svinget|ledet|løkken|volden|ringen|have|banke|banken|hus|huse|husene|bo|rækken|stræde)"
)
_PART = r"[^\W\d_]+(?:[.'-][^\W\d_]+)*\.?"
_ADDRESS = re.compile(
    # Møllevej 12, H.C. Andersens Vej 3, nørre alle 12, Søndre Stationsvej 4 B, 2. tv
    rf"(?<!\w)(?:(?:(?i:{_BEFORE})(?i:{_PART} )?(?i:[^\W\d_-]*{_STRONG})|(?:\b[A-ZÆØÅ]{_PART} |\b(?:[A-ZÆØÅ]\.){{1,3}} ?){{0,3}}\b(?i:[^\W\d_]{{2,}}(?:-[^\W\d_]+)*{_STRONG})"
    rf"|(?:\b[A-ZÆØÅ]{_PART} |\b(?:[A-ZÆØÅ]\.){{1,3}} ?){{1,3}}(?i:\b{_STRONG}))\b{_HOUSE}"
    rf"|(?i:\b(?:(?:[^\W\d_]\. ?){{1,3}}[^\W\d_]{{3,}}|(?!(?:hans|hendes|deres|vores|jeres)\b)[^\W\d_]{{3,}}s) (?:vej|gade|allé|alle|plads|torv)\b){_HOUSE}"
    rf"|(?:\b[A-ZÆØÅ]{_PART} ){{0,2}}\b[A-ZÆØÅ][^\W\d_]+{_WEAK}\b{_HOUSE}"
    rf"|(?:\b[A-ZÆØÅ]{_PART} ){{1,2}}(?i:\b{_WEAK})\b{_HOUSE}"
    # what is said to be an address
    rf"|(?i:\b(?:adressen?|bopæl|bor|boende|bosat|flyttet|folkeregisteradresse)(?: er| var|:| midlertidigt)?(?: (?:på|i|ved|til|nu på))? )(?P<said>(?:(?!(?i:afsnit|afdeling|afd|stue|etage|hus|kapitel|bosted|opgang|under|over|kun|med|omkring|cirka|ca|paragraf|stk|klasse|cpr|tlf)\b)(?:[A-ZÆØÅ]{_PART} ){{1,3}}|(?i:[^\W\d_]{{4,}}{_WEAK} ))(?<=[^\W\d_.] ){_HOUSE}))"
)
_NO_STREET = re.compile(
    r"^(?:undervej|omvej|udvej|genvej|motorvej|landevej|hovedvej|skolevej|arbejdsvej|adgangsvej|klagevej|henvisningsvej|sagsvej|lovvej|alle|i alle|skal|skalle|gennem\w*)\b",
    re.IGNORECASE,
)

_TO_BE = r"(?:\s*(?:er|lyder|lyder på|hedder|står som|:|#|-|=))?\s*"
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}[ -]?(?:[A-Z]{4}[ -]?)?\d{2,4}(?:[ -]?\d{2,4}){2,7}\b", re.IGNORECASE)
_ACCOUNT_SHAPE = re.compile(
    r"(?<!\d)\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?:[ -]?\d{1,3})?(?!\d)|(?<!\d)3[47]\d{2}[ -]?\d{6}[ -]?\d{5}(?!\d)"  # cards
    r"|(?<!\d)\d{4}[ -]\d{6,10}(?!\d)"
)
_ACCOUNT_SAID = re.compile(
    rf"\breg(?:istrerings)?\.?[ -]?(?:nr|nummer|nummeret)?\.?{_TO_BE}(?P<reg>\d{{4}}(?:[ ,/.-]*(?:og )?(?:(?:konto)\w*\.?[ -]?(?:nr|nummer)?\.?{_TO_BE})?\d(?:[ .-]?\d){{4,10}})?)(?!\d)"
    rf"|\bkonto(?:nummer|nummeret|nr|en)?\.?(?: nr\.?)?{_TO_BE}(?P<konto>\d(?:[ .-]?\d){{5,14}})(?!\d)"
    rf"|\b(?:kort|kortnummer|kortnr|dankort|visakort|mastercard|visa)\w*\.?(?: nr\.?)?{_TO_BE}(?P<kort>\d(?:[ .-]?\d){{9,18}})(?!\d)",
    re.IGNORECASE,
)
_CASE = re.compile(
    r"\b(?:(?:sags?|journal|j|jr|reference|ref|kvitterings|borger|id|medlems|anke|klage|løbe|patient|sygesikrings|pas|kørekort|police|skade|bruger|klient|kunde|dok|dokument)"
    r"(?:(?:\.|-| )?\s?(?:nr|nummer|nummeret|no|id)\b|\.(?=\s?\d)|nr\b|nummer\b|nummeret\b|erence\b)|journal\b|sag(?:en)?(?= [\w/.-]*\d{3,}))"
    rf"[.:]?{_TO_BE}(?P<case>(?=[\w./ -]{{0,6}}\d)[A-Za-z]{{0,4}}[ -]?\d[\w./-]*\d(?: ?[-/] ?\d+)*)"
    r"|(?P<kle>\b\d\d\.\d\d\.\d\d-[A-ZÆØÅ]\d\d-\d+(?:-\d+)?\b)",
    re.IGNORECASE,
)

_KR = r"(?! ?(?:kr|kroner|,-|timer)\b)"
_PHONE_ABROAD = re.compile(r"\(?(?<![\d+])(?:\+|(?<!\d[ -])00) ?\(?[1-9]\d{0,2}\)?(?:[ ().\-/]{0,2}\d){6,13}(?!\d)")
_PHONE = re.compile(
    rf"(?<!\d)(?<!\d[.,-])\(?(?:45[ .-]?)?[2-9]\)?(?:[ .\-–/]{{0,2}}\d){{7}}(?!\d)(?![.,-]\d){_KR}"  # Danish: eight digits
    rf"|(?<!\d)0[1-9](?:[ \-/]?\d){{7,10}}(?!\d){_KR}"  # foreign, as dialled at home
    r"|(?P<cue>\b(?:tlf|telefon|tel|mobil|mob|telefonnummer|mobilnummer|nummer|whatsapp|sms)\w*\.?(?:[ -]?nr\.?)?(?: er)?:? ?)(?P<said>\(?\+?\d(?:[ ().\-/]{0,2}\d){5,13})(?!\d)"
    r"|(?<!\d)\d{9,24}(?!\d)",
    re.IGNORECASE,
)
_NO_PHONE = re.compile(
    r"(?:19|20)\d\d ?[-–/ .] ?(?:19|20)\d\d"  # years
    r"|[0-2]?\d[.:][0-5]\d ?[-–/] ?[0-2]?\d[.:][0-5]\d"  # hours
    r"|(?:[0-2]\d|3[01])[ .\-/](?:0\d|1[0-2])[ .\-/](?:19|20)\d\d"  # a date
    r"|\d{1,3}(?:\.\d{3}){2,}"  # an amount
)


def redact(text: str, known_numbers: frozenset[str] = frozenset()) -> tuple[str, bool]:
    """Return the text with personal data replaced by [fjernet], and whether any was.

    CPR numbers, e-mail addresses, accounts and cards, case numbers, telephone numbers, street and house number, names.
    `known_numbers` (eight digits each) are numbers of our own table: they are nobody's personal data and stay.
    """

    def known(piece: str) -> bool:
        digits = re.sub(r"\D", "", piece)
        return digits[-8:] in known_numbers or digits[:8] in known_numbers

    def number(match: re.Match[str]) -> str:
        return match[0] if known(match[0]) else _keep_words(match)

    def phone(match: re.Match[str]) -> str:
        if known(match[0]) or _NO_PHONE.fullmatch(match[0]):
            return match[0]
        return _keep_words(match)

    clean = _EMAIL.sub(REMOVED, text)
    if any(c.isdigit() for c in clean):
        # What has a shape of its own goes first, then what is only announced.
        for pattern in (_IBAN, _PHONE_ABROAD, _ACCOUNT_SHAPE, _CPR_SHAPE, _CPR_SAID, _ACCOUNT_SAID, _CASE):
            clean = pattern.sub(number, clean)
        clean = _PHONE.sub(phone, clean)
        clean = _ADDRESS.sub(lambda m: m[0] if _NO_STREET.match(m[0]) else _keep_words(m), clean)
    for start, end in reversed(names(clean)):
        clean = clean[:start] + REMOVED + clean[end:]
    return clean, clean != text


def without_marks(text: str) -> str:
    """Return a redacted text without the marks, as the classifier should read it.

    The word in the mark sounds like a wish to have something removed: of 160 messages with personal data 29 were heard
    as "slet samtalen" with the marks in them, none without.
    """
    return re.sub(r" +([,.!?)])", r"\1", " ".join(text.replace(REMOVED, " ").split()))


def _keep_words(match: re.Match[str]) -> str:
    """Return the match with the part that was announced removed ("tlf. [fjernet]"), or all of it."""
    for group in match.re.groupindex:
        if group != "cue" and match[group]:
            return match[0][: match.start(group) - match.start()] + REMOVED
    return REMOVED
