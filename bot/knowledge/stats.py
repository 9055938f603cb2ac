"""How much the table knows: counts, coverage per municipality and topic, and the stale share."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bot.knowledge import models as m
from bot.knowledge.directory import Directory, is_stale

COUNTED = {
    "kommuner": select(func.count()).select_from(m.Municipality),
    "emner": select(func.count()).select_from(m.Topic),
    "afdelingstyper": select(func.count()).select_from(m.DepartmentType),
    "afdelinger i kommuner": select(func.count()).where(
        m.Organization.municipality_code.isnot(None), m.Organization.department_type.isnot(None)
    ),
    "regionale enheder": select(func.count()).where(m.Organization.region.isnot(None)),
    "retsgrundlag": select(func.count()).select_from(m.LegalBasis),
    "sagsbehandlingsfrister": select(func.count()).select_from(m.ProcessingTime),
    "hjælpelinjer": select(func.count()).select_from(m.Helpline),
    "lokale noter": select(func.count()).select_from(m.ServiceNote),
    "ordforklaringer": select(func.count()).select_from(m.GlossaryTerm),
    "ord for emner": select(func.count()).select_from(m.TopicWord),
    "kilder": select(func.count()).select_from(m.Source),
}


def table_stats(engine: Engine, today: dt.date, every: bool = False) -> str:
    """Return the counts as text; `every` adds one line per municipality and one per topic.

    Coverage is counted in pairs of municipality and topic where a department names the topic, or is of its normal kind.
    """
    with Session(engine, future=True) as session:
        counts = {name: session.execute(query).scalar_one() for name, query in COUNTED.items()}
    directory = Directory.read(engine)
    named: Counter[str] = Counter()
    topics: Counter[str] = Counter()
    for municipality, topic in directory.handlers:
        if municipality:
            named[municipality] += 1
            topics[topic] += 1
    by_kind = sum(
        (code, topic.department_type) in directory.by_type and (code, topic.code) not in directory.handlers
        for code in directory.municipalities
        for topic in directory.topics.values()
    )
    pairs = len(directory.municipalities) * len(directory.topics)
    contacts = [org for org in directory.organizations if org.contact_points]
    stale = sum(is_stale(org, today) for org in contacts)
    without = sum(not directory.roots[code].contact_points for code in directory.municipalities)
    lines = [f"{count:6} {name}" for name, count in counts.items()]
    lines += [
        "",
        f"{sum(named.values()):6} af {pairs} par af kommune og emne har en afdeling, der selv nævner emnet",
        f"{by_kind:6} par har en afdeling af emnets normale type",
        f"{without:6} kommuner uden kendt hovednummer eller mail",
        f"{stale / len(contacts):6.0%} af kontaktoplysningerne er over to år gamle eller udaterede",
    ]
    if every:
        lines += ["", "Emner nævnt af kommunens afdelinger:"]
        lines += [f"{named[code]:6} {row.name}" for code, row in directory.municipalities.items()]
        lines += ["", "Kommuner, hvor en afdeling nævner emnet:"]
        lines += [f"{topics[code]:6} {code}" for code in directory.topics]
    return "\n".join(lines)
