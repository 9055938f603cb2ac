"""Messages with invented personal data in them, as relatives write: sentence frames x generated data, seeded.

Names and streets are Faker's Danish lists. Its given names are also part of the redaction's own list, so the figures
hold for names common in Denmark; surnames, streets and FOREIGN_NAMES are not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faker.providers.address.da_DK import Provider as Addresses
from faker.providers.person.da_DK import Provider as Persons

FOREIGN_NAMES = (
    "Fadumo Warsame;Mohamad Al-Hassan;Nguyen Thi Lan;Oksana Kovalenko;Agnieszka Nowak;Zainab Hussein;Arjun Patel".split(
        ";"
    )
)
TOWNS = [("4600", "Køge"), ("8900", "Randers C"), ("9000", "Aalborg"), ("2300", "København S"), ("7400", "Herning")]


@dataclass(frozen=True)
class Message:
    """A message, what must be gone from it, of which kind, and the words around, which must stay."""

    kind: str
    text: str
    secret: str
    frame: str


def _cpr(r: random.Random) -> str:
    day, month, year = r.randint(1, 31), r.randint(1, 12), r.randint(1920, 2024)
    if r.random() < 0.03:
        day += 60
    last = f"{r.randint(0, 9999):04}"
    d, m, y = f"{day:02}", f"{month:02}", f"{year % 100:02}"
    months = "januar februar marts april maj juni juli august september oktober november december".split()
    return r.choice(
        [
            f"{d}{m}{y}-{last}",
            f"{d}{m}{y}{last}",
            f"{d}{m}{y} {last}",
            f"{d}{m}{y} - {last}",
            f"{d}{m}{y}–{last}",
            f"{d} {m} {y} {last}",
            f"{d}-{m}-{y}-{last}",
            f"{d}.{m}.{y}-{last}",
            f"{d}/{m}/{y} {last}",
            f"{d}.{m}.{y}.{last}",
            f"{d}{m}{year}-{last}",
            f"{d}{m}{year}{last}",
            f"{d}-{m}-{year} {last}",
            f"{d}.{m}.{year}-{last}",
            f"{d} {m} {year} - {last}",
            f"{d}{m}{y}/{last}",
            f"{d}{m}{y}_{last}",
            f"{d}{m} {y} {last[:2]} {last[2:]}",
            " ".join(d + m + y + last),
            f"{d}{m}{y}, {last}",
            f"{day if day < 32 else 1}/{month}-{y}-{last}",
            f"{day if day < 32 else 1}. {months[month - 1]} {year} {last}",
            f"{d}{m}{y} og de sidste fire er {last}",
        ]
    )


def _phone(r: random.Random) -> str:
    digits = str(r.choice([2, 3, 4, 5, 6, 7, 8, 9])) + f"{r.randint(0, 9999999):07}"
    a, b, c, d = digits[:2], digits[2:4], digits[4:6], digits[6:]
    return r.choice(
        [
            digits,
            f"{a} {b} {c} {d}",
            f"{a}{b} {c}{d}",
            f"+45 {a} {b} {c} {d}",
            f"+45{digits}",
            f"0045 {digits}",
            f"{a}-{b}-{c}-{d}",
            f"{a}.{b}.{c}.{d}",
            f"45 {a}{b}{c}{d}",
            f"(+45) {a} {b} {c} {d}",
            f"{digits[:3]} {digits[3:5]} {digits[5:]}",
            f"+46 70 {b}{c} {d}{a}",
            f"+4917{digits}",
            f"0046 {digits}",
            f"+48 {digits[:3]} {digits[3:6]} {digits[5:]}",
            f"+44 7{digits[:3]} {digits[2:8]}",
        ]
    )


def _email(r: random.Random) -> str:
    name = r.choice(Persons.first_names).lower().replace(" ", "").translate(str.maketrans("æøåéü", "aoaeu"))
    host = r.choice(["gmail.com", "hotmail.com", "live.dk", "mail.dk", "jubii.dk", "firma.co.uk"])
    user = r.choice(
        [name, f"{name}{r.randint(1, 99)}", f"{name}.{r.choice(Persons.last_names).lower()}", f"{name}_h-k"]
    )
    return r.choice(
        [
            f"{user}@{host}",
            f"{user}@{host}",
            f"{user.upper()}@{host.upper()}",
            f"{user} @ {host}",
            f"{user} snabela {host}",
            f"{user}(at){host}",
        ]
    )


def _address(r: random.Random) -> str:
    street = r.choice(Addresses.street_names) + r.choice(
        ["vej", "vej", "gade", "allé", "vænget", "stræde", "svinget", "parken", "vangen"]
    )
    street = r.choice(
        [
            street,
            street,
            street,
            "Nørre Alle",
            "Vestre Ringvej",
            "H.C. Andersens Vej",
            "Gl. Kongevej",
            "Sønder Boulevard",
            "Ny Munkegade",
        ]
    )
    number = f"{r.randint(1, 240)}{r.choice(['', '', '', 'A', ' B', 'c'])}"
    floor = r.choice(
        ["", "", "", ", 2. tv", ", 1. th.", " st. tv", ", st.", ", 4. sal", " 3 th", ", 2. sal, lejl. 14", ", 1. mf"]
    )
    return f"{street} {number}{floor}"


def _account(r: random.Random) -> str:
    reg, konto, card = (
        f"{r.randint(0, 9999):04}",
        f"{r.randint(10**6, 10**10 - 1)}",
        f"{r.randint(4 * 10**15, 6 * 10**15 - 1)}",
    )
    four = [card[i : i + 4] for i in range(0, 16, 4)]
    iban = f"DK{r.randint(10, 99)} {reg} {r.randint(1000, 9999)} {r.randint(1000, 9999)} {r.randint(10, 99)}"
    return r.choice(
        [
            f"reg. nr. {reg} konto {konto}",
            f"reg {reg} kontonr. {konto}",
            f"{reg} {konto.zfill(10)}",
            f"{reg}-{konto.zfill(10)}",
            f"kontonummer {konto}",
            f"regnr. {reg} og kontonr. {konto}",
            f"konto nr: {konto}",
            iban,
            iban.replace(" ", ""),
            card,
            " ".join(four),
            "-".join(four),
            f"DE89 3704 0044 0532 {reg} 00",
            f"GB29 NWBK 6016 1331 9268 {reg[:2]}",
        ]
    )


def _case(r: random.Random) -> str:
    year, number = r.randint(15, 26), r.randint(1000, 999999)
    return r.choice(
        [
            f"sagsnr. {year}-{number}",
            f"sagsnummer {number}",
            f"sags nr: 20{year}-{number}",
            f"journalnummer {year}/{number}",
            f"j.nr. {year}-{number}",
            f"journalnr. 20{year}-{number % 99}-{number}",
            f"sagsnummeret er S20{year}-{number}",
            f"27.42.00-G01-{number % 900 + 1}-{year}",
            f"sag {year}-{number}",
            f"sagsid {number}",
            f"ref. nr. {number}",
            f"referencenummer AB-{number}",
            f"J.nr {year}.{number}",
        ]
    )


def _name(r: random.Random) -> str:
    first, last = r.choice(Persons.first_names), r.choice(Persons.last_names)
    return r.choice(
        [
            first,
            first,
            f"{first} {last}",
            f"{first} {r.choice('ABCDEFHJKLMNPRS')}. {last}",
            f"{first} {r.choice(Persons.last_names)} {last}",
            r.choice(FOREIGN_NAMES),
        ]
    )


KINDS: dict[str, tuple[Callable[[random.Random], str], list[str]]] = {
    "cpr": (_cpr, [
        "min søns cpr er {}, hvad gør jeg nu", "cpr nr {}", "CPR-nummer: {}. Han er 19 og har ingen bostøtte", "hun er født {} og skal have førtidspension",
        "det drejer sig om {} som bor på et botilbud i Randers", "Kan i slå {} op?", "cpr{} kan i se sagen", "mit personnummer er {} og min datters er et andet",
        "({}) min mor er indlagt på psykiatrisk", "jeg søger om § 85 støtte til min bror, {}", "har i {} i systemet?", "pers.nr. {}, bor i Køge",
        "Goddag. Cpr: {}. Vi har brug for aflastning", "{} er min datters nummer, hun har borderline", "kan I finde min sag på {} eller skal jeg ringe",
    ]),
    "phone": (_phone, [
        "ring til mig på {} efter kl. 16", "mit nummer er {}", "tlf. {}", "tlf: {} det er vedr. min mand", "kan i ringe på {}? min datter på 17 er syg", "jeg kan træffes på {} alle dage",
        "mobil {}, helst før 12", "send en sms til {}", "min søster har {} hvis det er", "{}", "Hilsen en mor, {}", "jeg har ringet fra {} tre gange i dag uden svar",
        "Ring helst {} hvis der sker noget", "vi har prøvet {} og der er ingen der tager den", "nr {} er min mors", "Kontakt mig på tlf.nr. {} i morgen",
    ]),
    "email": (_email, [
        "skriv til {} tak", "min mail er {}", "mail: {}", "I kan svare på {}, jeg har ikke eboks", "jeg har sendt det fra {} i sidste uge", "kan afgørelsen sendes til {}?",
        "{} er min adresse hvis i vil skrive", "send skemaet til min mail ({})",
    ]),
    "address": (_address, [
        "jeg bor {}", "vi bor på {}, {town}", "min mor bor {}, {town}, og kan ikke være alene", "adressen er {}", "Han er flyttet til {} i {place}", "min bror på 32 bor alene på {}",
        "Adresse: {}, {town}", "hvem hører {} under? det er i {place} kommune", "kan hjemmevejlederen komme ud til {}, {town}?", "politiet har været på {} to gange",
        "det brænder på i lejligheden, {}, {town}", "min far bor på {} og har demens", "Jeg skriver for min mor som bor {} i {place}", "nøglen ligger hos naboen i {}",
    ]),
    "account": (_account, [
        "pengene skal ind på {}", "I kan sætte merudgifterne ind på {}", "min søns konto er {}", "de har trukket 1500 kr på {}", "{} er hendes, kan kommunen se den?", "udbetalingen går til {} hver måned",
        "hvorfor er der ikke gået penge ind på {} i denne måned", "overfør til {} tak",
    ]),
    "case": (_case, [
        "hvad er der sket med {}?", "{} klage over afslag på § 141", "vedr. {}, jeg har ventet i 8 uger", "der står {} på brevet", "min sag har {}, kan I se den", "Afslaget ({}) kom i marts",
        "jeg skriver ang. {} fra ankestyrelsen", "på papiret står {}, hvad betyder det",
    ]),
    "name": (_name, [
        "min søn {} har fået afslag på bostøtte", "jeg hedder {} og er mor til en dreng på 14", "hilsen {}", "Med venlig hilsen {}", "mvh {}", "kh {}", "hun hedder {} og er 23", "han hedder {}, han har skizofreni",
        "sagsbehandler {} svarer ikke på mine mails", "vores sagsbehandler hedder {}", "min datter, {}, er indlagt i Aarhus", "min mand {} og jeg skal skilles", "Min mor {} på 82 har brug for hjælp i Køge",
        "min kæreste {} er gravid og har angst", "mit navn er {}", "det handler om min bror {} som drikker", "psykiater {} siger at hun skal udskrives", "kontaktperson {} er stoppet", "min ældste søn {} er 19 år",
        "mine børn {} og {second} bor hos deres far", "hans far {} vil ikke give samtykke", "min nabo {} råber om natten", "en kollega ved navn {} har det skidt", "min datter hedder {}", "min veninde {} har taget piller før",
        "Hej, jeg hedder {}. Hvor søger jeg merudgifter?", "hvem hjælper min storebror {}?", "Kære Vejviser, min søster {} er syg. Hvad gør jeg?", "min eks {} har drengene i weekenden",
        "jeg er {} og jeg passer min mand", "kan du hjælpe {}, min kæreste på 30", "min lillebror {} er blevet tvangsindlagt", "Det er {} der skriver, jeg har en søn med autisme", "vi har talt med {} fra familieafdelingen", "min bonussøn {} vil ikke i skole", "{} har fået det værre siden i mandags", "pårørende: {}, mor", "vores dreng på 9, {}, får ikke hjælp", "Tak for hjælpen. Kærlig hilsen {}", "min svigermor {} er dement", "jeg er ked af det. knus {}",
    ]),
    "title": (lambda r: r.choice(Persons.last_names), [
        "fru {} fra visitationen sagde nej", "Hr. {} er min værge", "Fru {} ringer aldrig tilbage", "dr. {} har skrevet attesten", "overlæge {} vil ikke udskrive ham", "læge {} har sagt at hun skal have § 85",
        "frk. {} har lavet ansøgningen", "hr {} siger at sagen er lukket",
    ]),
}  # fmt: skip
SMALL_LETTERS = {"cpr", "phone", "address", "case", "name", "title"}


def messages(count: int, seed: int) -> Iterator[Message]:
    """Yield so many messages; a quarter of them without a single capital letter."""
    r = random.Random(seed)
    kinds = [kind for kind, (_, frames) in KINDS.items() for _ in frames]
    for _ in range(count):
        kind = r.choice(kinds)
        make, frames = KINDS[kind]
        secret, frame = make(r), r.choice(frames)
        code, town = r.choice(TOWNS)
        filled = frame.replace("{town}", f"{code} {town}").replace("{place}", town.split()[0])
        if "{second}" in filled:
            second = r.choice(Persons.first_names)
            text, secret = filled.replace("{second}", second).replace("{}", secret), f"{secret} {second}"
        else:
            text = filled.replace("{}", secret)
        if kind in SMALL_LETTERS and r.random() < 0.25:
            text, secret, filled = text.lower(), secret.lower(), filled.lower()
        yield Message(kind, text, secret, filled)
