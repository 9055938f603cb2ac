"""The answer object as plain Danish: what was asked first, the rest behind buttons.

Nothing here promises on an authority's behalf; `tests/unit/test_language.py` reads every sentence.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from urllib.parse import urlsplit

from babel.dates import format_date

from bot.answers.answer import Answer, Department, Hours, Law, Line, MainNumber, Phone, SourceNote
from bot.knowledge.hours import COPENHAGEN

DAYS = {
    "MO": "mandag",
    "TU": "tirsdag",
    "WE": "onsdag",
    "TH": "torsdag",
    "FR": "fredag",
    "SA": "lørdag",
    "SU": "søndag",
    "PH": "helligdage",
}
# What a button says, and the sentence it sends: one that a person could have typed.
FACET_BUTTONS = {
    "hours": ("Åbningstider", "Hvornår har de åbent?"),
    "legal": ("Loven", "Hvilken paragraf er det?"),
    "how": ("Sådan søger du", "Hvordan søger man?"),
    "time": ("Hvor lang tid?", "Hvor lang tid tager det?"),
    "complaint": ("Klage", "Hvordan klager man?"),
    "documents": ("Hvilke papirer?", "Hvilke papirer skal jeg bruge?"),
    "what": ("Hvad er det?", "Hvad er det?"),
}


def render(answer: Answer) -> str:
    """Return the text of an answer about a topic: one paragraph for each facet asked, then number and source."""
    parts = [note for note in (answer.age_note, answer.law_note) if note]
    for facet in answer.facets:
        parts.extend(_FACETS[facet](answer))
        parts.extend(note.text for note in answer.notes if note.facet == facet)
    if "where" not in answer.facets and answer.question == "municipality":
        parts.append(who(answer))
    elif not {"where", "contact", "hours"} & set(answer.facets):
        parts.append(short_contact(answer))
    parts.append(source_line(answer.sources))
    if answer.question == "municipality":
        parts.append("Hvilken kommune bor han eller hun i?")
    return "\n".join(dict.fromkeys(part for part in parts if part))


def facet_buttons(answer: Answer) -> list[dict[str, str]]:
    """Return a button for each facet that was not asked and that there is something to say about."""
    something = {
        "hours": bool(answer.municipality),
        "legal": bool(answer.legal_basis),
        "how": bool(answer.how_to_apply) and "where" not in answer.facets,
        "time": bool(answer.municipality),
        "complaint": bool(answer.complaint),
        "documents": bool(answer.how_to_apply and answer.how_to_apply.documents),
        "what": "where" not in answer.facets,
    }
    return [
        {"title": title, "payload": payload}
        for facet, (title, payload) in FACET_BUTTONS.items()
        if facet not in answer.facets and something[facet]
    ]


# -- facets ------------------------------------------------------------------------------------------------------


def _where(answer: Answer) -> list[str]:
    return [
        f"{answer.topic_title}: {answer.description}",
        who(answer),
        *_phones(answer),
        open_now(answer),
        law_line(answer.legal_basis),
        steps_line(answer),
    ]


def who(answer: Answer) -> str:
    """Return the sentence that names the department, and how sure we are."""
    department = answer.department
    assert department is not None
    kind = department.type_name
    if answer.question == "municipality":
        return f"Spørg efter {kind} i den kommune, hvor den, det handler om, bor. {department.way_in or ''}".strip()
    place = answer.municipality["name"] if answer.municipality else None
    others = f" Andre i regionen: {', '.join(department.others)}." if department.others else ""
    address = f" Adresse: {department.address}." if department.address else ""
    way_in = f" {department.way_in}" if department.way_in else ""
    if department.level in ("national", "health") or place is None:
        return f"{_stop(f'Det er: {department.name}')}{way_in}{address}"
    if department.generic:
        return f"Navnet på afdelingen i {place} kender vi ikke. Spørg efter: {kind}.{way_in}"
    if department.match == "type" and department.level == "municipal":
        return (
            f"{_stop(f'I {place} er det normalt: {department.name}')}{way_in}{address} "
            "Vi har ikke set, at de selv nævner emnet, så spørg, om det er det rigtige sted."
        )
    referral = f" Henvisning fra {department.referral_from}." if department.referral_from else ""
    walk_in = {"yes": " Du må gerne møde op uden en aftale.", "appointment": " Bestil en tid først."}
    drop_in = walk_in.get(department.walk_in, "") if department.level == "municipal" else ""
    return f"{_stop(f'I {place} er det: {department.name}')}{way_in}{drop_in}{referral}{address}{others}"


def _phones(answer: Answer) -> list[str]:
    department = answer.department
    assert department is not None
    if answer.question == "municipality":
        return [helpline_line(line) for line in answer.helplines]
    lines = []
    own = [phone for phone in department.phones if phone.whose == department.name]
    if answer.municipality and not own and department.level == "municipal" and not department.generic:
        lines.append("Afdelingens eget nummer kender vi ikke.")
    if department.main_number_missing and answer.municipality:
        place = answer.municipality["name"]
        site = f" Se {department.website}." if department.website else ""
        lines.append(
            f"Hovednummeret til {place} Kommune kender vi ikke.{site}".replace("Regionskommune Kommune", "Kommune")
        )
    for phone in department.phones:
        lines.append(_phone(phone, department))
    if not department.phones:
        if department.level in ("national", "regional") and department.website:
            lines.append(f"Nummeret kender vi ikke. Se {host_of(department.website)}.")
    lines.extend(helpline_line(line) for line in answer.helplines)
    if department.email:
        lines.append(f"E-mail: {department.email} (skriv ikke cpr-nummer eller andet privat i en almindelig mail).")
    return lines


def _phone(phone: Phone, department: Department) -> str:
    ask_for = "" if department.generic or phone.whose == department.name else f", og spørg efter {department.name}"
    old = f" Nummeret er {age_of(phone.as_of)} og kan være ændret." if phone.stale else ""
    other = " Det er en anden afdeling. Bed om at blive stillet om." if phone.other else ""
    return f"{_stop(f'Ring {phone.number} ({phone.whose}){ask_for}')}{other}{old}"


def open_now(answer: Answer) -> str:
    """Return whether somebody answers now, number by number; says plainly when that is not known."""
    department = answer.department
    assert department is not None
    if answer.question == "municipality" or not department.phones:
        return ""
    if department.unknown_day:
        date = format_date(dt.date.fromisoformat(department.unknown_day), "d. MMMM", locale="da")
        return f"I dag er det {date}. Om telefonen er åben i dag, ved vi ikke."
    known = [phone for phone in department.phones if phone.open_now is not None]
    return " ".join(phone_state(phone, answer.as_of) for phone in known) or "Om telefonen er åben nu, ved vi ikke."


def phone_state(phone: Phone, as_of: str) -> str:
    """Return whether a number whose hours are known is open, until when, and when again."""
    if phone.open_now:
        until = f" til kl. {clock(phone.closes)}" if phone.closes else ", døgnet rundt"
        return f"Telefon {phone.number} er åben nu{until}."
    again = f" Den åbner {when(phone.next_opening, as_of)}." if phone.next_opening else ""
    return f"Telefon {phone.number} er lukket nu.{again}"


def _legal(answer: Answer) -> list[str]:
    if not answer.legal_basis:
        return ["Hvilken paragraf det er, har vi ikke slået op for den dato."]
    laws = [law for law in answer.legal_basis if not law.law.startswith("(")] or answer.legal_basis
    lines = [law_line([law]) for law in laws[:4]]
    rest = laws[4:]
    if rest:
        lines.append(_stop("Se også " + ", ".join(cite(law) for law in rest)))
    return lines


def law_line(laws: list[Law]) -> str:
    """Return `Loven: barnets lov § 87 (til 2023: serviceloven § 42).`, or nothing where no law is known."""
    if not laws:
        return ""
    law = laws[0]
    until = ""
    if law.replaces and law.replaces != cite(law) and law.replaced_until:
        last = dt.date.fromisoformat(law.replaced_until)
        end = str(last.year) if (last.month, last.day) == (12, 31) else format_date(last, "d. MMMM y", locale="da")
        until = f" (til {end}: {law.replaces})"
    others = [cite(other) for other in laws[1:3] if not other.law.startswith("(")]
    more = " " + _stop(f"Se også {' og '.join(others)}") if others else ""
    intro = "Det bygger på" if law.law.startswith("(") else "Loven:"
    return _stop(f"{intro} {cite(law)}{until}") + more


def cite(law: Law) -> str:
    """Return the provision as it is quoted, `barnets lov § 87`, or that it is a practice, a method or an offer."""
    if law.law.startswith("("):
        return {"(praksis)": "fast praksis, ikke på en paragraf", "(metode)": "en metode, ikke på en paragraf"}.get(
            law.law, "et tilbud, ikke på en paragraf"
        )
    return f"{law.law} {law.section}".strip()


def _hours(answer: Answer) -> list[str]:
    department = answer.department
    assert department is not None
    if answer.question == "municipality":
        return [f"{answer.topic_title}: tiderne er forskellige fra kommune til kommune."]
    lines = [f"{department.name}:", open_now(answer)]
    timed = [phone for phone in department.phones if phone.hours]
    for phone in timed:
        old = f" Tiderne er {age_of(phone.as_of)} og kan være ændret." if phone.stale else ""
        lines.append(f"Telefontid på {phone.number}: {week_text(phone.hours)}.{old}")
    if department.phones and not timed:
        lines.append("Telefontiden kender vi ikke.")
    if department.level == "health":
        lines = ["Din egen læges tider kender vi ikke. De står på lægens hjemmeside."]
    elif department.opening_hours:
        lines.append(f"Åbent for besøg: {week_text(department.opening_hours)}.")
    elif answer.municipality:
        lines.append("Åbningstiden for besøg kender vi ikke.")
    return [*lines, *_phones(answer)]


def _contact(answer: Answer) -> list[str]:
    return [who(answer), *_phones(answer), open_now(answer), secure_mail_line(answer)]


def secure_mail_line(answer: Answer) -> str:
    """Return how to write safely, where the department says how."""
    secure = answer.department.secure_mail if answer.department else None
    return f"Skriv sikkert: {secure}." if secure else ""


def _how(answer: Answer) -> list[str]:
    how = answer.how_to_apply
    assert how is not None
    site = f"Søg her: {how.url}" if how.url else ""
    tonight = f"Det kan du gøre allerede nu: {how.tonight}" if how.tonight else ""
    return [steps_line(answer), site, tonight, how.without_consent or ""]


def steps_line(answer: Answer) -> str:
    """Return the one to three steps, numbered."""
    steps = answer.how_to_apply.steps if answer.how_to_apply else []
    return "Sådan gør du: " + " ".join(f"{n}. {step}" for n, step in enumerate(steps, 1)) if steps else ""


def _what(answer: Answer) -> list[str]:
    return [f"{answer.topic_title}: {answer.description}", answer.audience or "", answer.assessment or ""]


def _who(answer: Answer) -> list[str]:
    return [answer.audience or "", answer.assessment or ""]


def _time(answer: Answer) -> list[str]:
    time = answer.processing_time
    if time:
        source = f" (kilde: {host_of(time.source)}, {age_of(time.as_of, plain=True)})" if time.source else ""
        said = _stop(f"Svartid: {time.text.removesuffix('.')}{source}")
        return [said, *_overdue(answer.waited_weeks, time.weeks)]
    if answer.department and answer.department.level != "municipal":
        return ["Svartiden kender vi ikke. Spørg, hvornår der senest kommer svar."]
    if answer.municipality:
        return [
            f"Svartiden i {answer.municipality['name']} kender vi ikke. Hver kommune fastsætter sin egen frist og "
            "offentliggør den. Spørg, hvornår der senest kommer svar."
        ]
    return ["Hver kommune fastsætter sin egen frist. Nævn kommunen, så ser vi, om vi kender den."]


def _overdue(waited: float | None, deadline: float | None) -> list[str]:
    """What a person who has waited longer than the municipality's own deadline can do; nothing for the others."""
    if waited is None or deadline is None or waited <= deadline:
        return []
    return [
        f"I har ventet omkring {round(waited)} uger, så fristen ser ud til at være gået. "
        "Ring eller skriv, og bed om en ny dato på skrift."
    ]


def _complaint(answer: Answer) -> list[str]:
    if answer.complaint is None:
        return ["Hvordan man klager her, har vi ikke slået op. Spørg afdelingen, og bed om svaret på skrift."]
    return [answer.complaint.text]


def _cost(answer: Answer) -> list[str]:
    return [answer.cost or "Om det koster noget, ved vi ikke. Spørg afdelingen, før I siger ja."]


def _documents(answer: Answer) -> list[str]:
    how = answer.how_to_apply
    assert how is not None
    papers = f"Det her hjælper: {'; '.join(map(_uncapitalised, how.documents))}." if how.documents else ""
    return [
        papers or "Spørg afdelingen, hvilke papirer de vil se.",
        "" if "how" in answer.facets else how.tonight or "",
    ]


_FACETS = {
    "where": _where,
    "legal": _legal,
    "hours": _hours,
    "contact": _contact,
    "how": _how,
    "what": _what,
    "who": _who,
    "time": _time,
    "complaint": _complaint,
    "cost": _cost,
    "documents": _documents,
}


def _stop(sentence: str) -> str:
    """Return the sentence with one full stop, also after `m.m.`."""
    return sentence if sentence.endswith(".") else f"{sentence}."


# -- on the phone ------------------------------------------------------------------------------------------------


def say_aloud(answer: Answer) -> str:
    """Return two sentences that a volunteer can read to a caller: whom to ring, and what to say there."""
    return f"{_ring(answer)} {_and_say(answer)}"


def _ring(answer: Answer) -> str:
    department = answer.department
    assert department is not None
    if answer.question == "municipality":
        kind = in_a_sentence(department.type_name)
        return f"Det er {kind} i den kommune, hvor han eller hun bor, så sig mig navnet på den."
    emergency = [line for line in answer.helplines if line.phone == "112"]
    others = [line for line in answer.helplines if line.phone != "112"]
    if emergency:
        other = f", og ellers {others[0].name} på {others[0].phone}" if others else ""
        return f"Ring 112, hvis nogen er i fare lige nu{other}."
    asked_for = in_a_sentence(department.type_name) if department.generic else department.name
    if department.phones:
        phone = department.phones[0]
        ask = "" if phone.whose == department.name else f", og spørg efter {asked_for.rstrip('.')}"
        old = f", men nummeret er {age_of(phone.as_of)} og kan være ændret" if phone.stale else ""
        return f"Ring til {phone.whose} på {phone.number}{_open_aside(phone, answer)}{ask}{old}."
    if others:
        return f"Nummeret til {asked_for.rstrip('.')} kender jeg ikke, men prøv {others[0].name} på {others[0].phone}."
    site = f", og nummeret står på {host_of(department.website)}" if department.website else ""
    return f"Det er {asked_for.rstrip('.')}{site}."


def _open_aside(phone: Phone, answer: Answer) -> str:
    if phone.open_now and phone.closes:
        return f", der er åben nu til kl. {clock(phone.closes)}"
    if phone.open_now:
        return ", der har åbent døgnet rundt"
    if phone.next_opening:
        return f", der åbner {when(phone.next_opening, answer.as_of)}"
    return ""


def _and_say(answer: Answer) -> str:
    laws = [law for law in answer.legal_basis if not law.law.startswith("(")]
    about = in_a_sentence(answer.topic_title or "")
    ends = "," if ", " in about else ""  # "støtte til dig, der er pårørende, efter barnets lov"
    law = f"{ends} efter {cite(laws[0])}" if laws else ""
    return f"Sig, at det handler om {about}{law}, og spørg, hvad de skal bruge for at vurdere det."


def in_a_sentence(title: str) -> str:
    """Return a title as it is said in a sentence: nothing in brackets; BPA and PPR keep their capitals."""
    return _uncapitalised(re.sub(r" \([^)]*\)", "", title))


def _uncapitalised(words: str) -> str:
    """Return words with a small first letter, unless they begin with a name: BPA, Digital Post."""
    return words if re.match(r"\w[A-ZÆØÅ]|\w+ [A-ZÆØÅ]", words) else words[:1].lower() + words[1:]


# -- small pieces ------------------------------------------------------------------------------------------------


def short_contact(answer: Answer) -> str:
    """Return one line with a number, so that no answer is without one."""
    department = answer.department
    if answer.question == "municipality" or department is None:
        return ""
    if department.phones:
        first = department.phones[0]
        whose = "" if first.whose == department.name else f" ({first.whose})"
        return f"Spørg: {department.name}, {first.number}{whose}."
    if answer.helplines:
        return "Spørg: " + " ".join(helpline_line(line) for line in answer.helplines[:1])
    return ""


def helpline_line(line: Line) -> str:
    """Return a helpline with its number, and when it is open if that is known."""
    if line.open_now:
        state = f", åben nu til kl. {clock(line.closes)}" if line.closes else ", døgnåben"
    elif line.hours:
        state = f", {week_text(line.hours)}"
    else:
        state = ""
    return f"{line.name}: {line.phone}{state}."


def main_number_line(main: MainNumber | None) -> str:
    """Return a municipality's number and where it comes from, in one line; nothing where it is not known."""
    if main is None:
        return ""
    source = f" (kilde: {_named(main.sources[0])})" if main.sources else ""
    return f"{main.whose}: {main.number}{source}."


def source_line(sources: list[SourceNote]) -> str:
    """Return where the first facts come from and how old they are; medium ones ask to be checked."""
    if not sources:
        return ""
    first = sources[0]
    doubt = " Ring og hør, hvis du er i tvivl." if first.confidence == "medium" or first.stale else ""
    return f"Kilde: {_named(first)}.{doubt}"


def _named(source: SourceNote) -> str:
    name = host_of(source.url) if source.url else (source.title or "").split(": ", 1)[-1]
    date = age_of(source.date_text, plain=True)
    return name if date in name else f"{name}, {date}"


def age_of(as_of: str, plain: bool = False) -> str:
    """Return a source date for people: `fra maj 2020`, `fra ca. 2018`, `udateret`. `plain` leaves out `fra`."""
    match = re.fullmatch(r"(ca\. |tidligst )?(\d{4})(?:-(\d\d))?(?:-(\d\d))?", as_of)
    if not match:
        return as_of
    qualifier, year, month, day = match[1] or "", int(match[2]), match[3], match[4]
    if day:
        text = format_date(dt.date(year, int(month), int(day)), "d. MMMM y", locale="da")
    elif month:
        text = format_date(dt.date(year, int(month), 1), "MMMM y", locale="da")
    else:
        text = str(year)
    return f"{qualifier}{text}" if plain else f"fra {qualifier}{text}"


def week_text(hours: list[Hours]) -> str:
    """Return a week for people: `mandag-onsdag kl. 9-15, torsdag kl. 9-17`; `døgnet rundt` where it is."""
    if {(line.opens, line.closes) for line in hours} == {("00:00", "24:00")} and hours[0].days == "MO-SU":
        return "døgnet rundt"
    by_days: dict[str, list[str]] = {}
    for line in hours:
        by_days.setdefault(line.days, []).append(f"{_short(line.opens)}-{_short(line.closes)}")
    return ", ".join(
        f"{'-'.join(DAYS[day] for day in days.split('-'))} kl. {' og '.join(times)}" for days, times in by_days.items()
    )


def _short(time: str) -> str:
    hour, minute = time.split(":")
    return str(int(hour)) if minute == "00" else f"{int(hour)}.{minute}"


def clock(moment: str | None) -> str:
    """Return the time of day of an ISO moment in Denmark: 14 or 14.30."""
    assert moment is not None
    return _short(dt.datetime.fromisoformat(moment).astimezone(COPENHAGEN).strftime("%H:%M"))


def when(moment: str, now: str) -> str:
    """Return a coming moment for people: `i dag kl. 13`, `i morgen kl. 9`, `mandag den 23. november kl. 9`."""
    local = dt.datetime.fromisoformat(moment).astimezone(COPENHAGEN)
    days = (local.date() - dt.datetime.fromisoformat(now).astimezone(COPENHAGEN).date()).days
    named = {0: "i dag", 1: "i morgen"}.get(days)
    date = named or format_date(local.date(), "EEEE 'den' d. MMMM", locale="da")
    return f"{date} kl. {clock(moment)}"


def host_of(url: str | None) -> str:
    """Return whose page an address is, `koege.dk`, with its Danish letters."""
    named = urlsplit(url or "").netloc or (url or "")
    with contextlib.suppress(UnicodeError):
        named = named.encode("ascii").decode("idna")
    return named.removeprefix("www.")
