"""What is read rather than spoken with: the demo site, the knowledge as plain pages, privacy, and the widget's file.

The plain pages need no JavaScript and print well, so that the chat is never the only way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, jsonify, render_template, request, send_file
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError

from bot.answers.answer import Answer
from bot.answers.find import find_answer, helpline, main_number, region_line
from bot.answers.links import meant
from bot.answers.text import age_of, clock, helpline_line, law_line, render, short_contact, source_line, steps_line
from bot.edge.context import directory as table
from bot.edge.context import directory_or_none, now
from bot.knowledge import models as m
from bot.knowledge.directory import Directory, UnknownMunicipality, UnknownTopic
from bot.knowledge.models import FACETS
from bot.knowledge.places import near_names
from bot.safety.text import tidy

WIDGET = Path(__file__).with_name("static") / "widget.js"
DEMO_MUNICIPALITY = "0259"
GROUPS = {
    "paaroerende": "For dig som pårørende",
    "boern": "Børn og familie",
    "unge": "Unge",
    "overgang": "Når barnet bliver 18 år",
    "voksen": "Voksne",
    "sundhed": "Læge og psykiatri",
    "forsoergelse": "Penge og arbejde",
    "rettigheder": "Rettigheder og klage",
}
SECTIONS = {
    "where": "Hvor skal jeg henvende mig?",
    "hours": "Hvornår har de åbent?",
    "how": "Sådan gør du",
    "documents": "Papirer, der hjælper",
    "who": "Hvem er det for?",
    "time": "Hvor lang tid tager det?",
    "cost": "Koster det noget?",
    "legal": "Loven",
    "complaint": "Hvis du er uenig",
}
_CLICKABLE = re.compile(r"(https://[^\s<>\"]*[^\s<>\".,;:!?)]|\b(?:\d\d ){3}\d\d\b|\b11[2-4]\b|\b1813\b)")


def register(app: Flask) -> None:
    """Add the pages to the door."""
    filters = {"linked": linked, "source_line": source_line, "clock": clock, "date": partial(age_of, plain=True)}
    app.jinja_env.filters.update(filters)
    views: dict[str, Callable[..., Any]] = {
        "/": demo,
        "/widget.js": widget,
        "/privatliv": privacy,
        "/kommune/": municipality_list,
        "/kommune/<code>": municipality_page,
        "/kommune/<code>/<topic>": topic_page,
        "/k/<code>/<name>": short_page,
        "/api/v1/contact": contact,
    }
    for rule, view in views.items():
        app.add_url_rule(rule, view_func=_never_bare(view) if view in PLAIN else view)


def linked(text: str) -> Markup:
    """Return the text as HTML with its phone numbers and addresses as links; everything else is escaped."""
    html = Markup()
    for i, part in enumerate(_CLICKABLE.split(text)):
        if i % 2 == 0:
            html += escape(part)
        elif part.startswith("https:"):
            html += Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>').format(part)
        else:
            digits = part.replace(" ", "")
            html += Markup('<a href="tel:{}">{}</a>').format(f"+45{digits}" if len(digits) == 8 else digits, part)
    return html


def widget() -> Response:
    """Return the built widget, for any site to load; kept by browsers for an hour and asked about after that."""
    response = send_file(WIDGET, mimetype="text/javascript", conditional=True, max_age=3600)
    response.headers["Access-Control-Allow-Origin"] = "*"  # so that a site can pin it with integrity="..."
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def contact() -> Response:
    """Return the municipality's name and main number: what the widget says when it cannot reach us later."""
    directory = directory_or_none()
    code = request.args.get("municipality", "")
    place = directory.municipalities.get(code) if directory else None
    phone = main_number(directory, code, now()) if directory and place else None
    return jsonify(
        {
            "municipality": {"code": place.code, "name": place.name} if place else None,
            "phone": {"number": phone.number, "whose": phone.whose, "source": source_line(phone.sources)}
            if phone
            else None,
            "sms": current_app.config["SMS"] is not None,
        }
    )


def demo() -> str:
    """Return a municipality's page as it could look, with the widget embedded and the line that embeds it."""
    directory = directory_or_none()
    code = request.args.get("kommune", DEMO_MUNICIPALITY)
    place = directory.municipalities.get(code) if directory else None
    return render_template(
        "demo.html",
        place=place,
        name=_official_name(directory, place),
        unknown=place is None and directory is not None,
        municipalities=_by_name(directory) if directory else [],
        popular=_popular(directory) if directory else [],
        phone=main_number(directory, place.code, now()) if directory and place else None,
        embed=f'<script src="{request.host_url}widget.js" data-kommune="{place.code if place else ""}" defer></script>',
    )


def privacy() -> str:
    """Return in plain Danish what is kept and for how long."""
    return render_template("privatliv.html")


def municipality_list() -> str:
    """Return the municipalities, by name."""
    return render_template("kommuner.html", municipalities=_by_name(table()))


def municipality_page(code: str) -> str:
    """Return the topics of one municipality, in groups. Raises UnknownMunicipality."""
    directory = table()
    place = directory.municipality(code)
    groups: dict[str, list[m.Topic]] = {}
    for topic in directory.topics.values():
        groups.setdefault(topic.topic_group, []).append(topic)
    order = [*GROUPS, *(group for group in groups if group not in GROUPS)]
    return render_template(
        "kommune.html",
        place=place,
        name=_official_name(directory, place),
        groups=[(GROUPS.get(g, g), groups[g]) for g in order if g in groups],
        phone=main_number(directory, code, now()),
        danger=_danger_lines(directory, place),
    )


def topic_page(code: str, topic: str) -> str:
    """Return everything known of one topic in one municipality. Raises UnknownMunicipality and UnknownTopic."""
    directory = table()
    place = directory.municipality(code)
    answer = find_answer(directory, topic, code, now=now(), facets=FACETS)
    return render_template(
        "emne.html",
        place=place,
        name=_official_name(directory, place),
        answer=answer,
        sections=_sections(answer),
        danger=_danger_lines(directory, place),
    )


def short_page(code: str, name: str) -> str:
    """Return the topic page that an SMS links to; the choice, should a name have come to mean several topics."""
    directory = table()
    topics = meant(name, directory.topics)
    if len(topics) < 2:
        return topic_page(code, topics[0] if topics else name)
    place = directory.municipality(code)
    return render_template(
        "kommune.html",
        place=place,
        name=_official_name(directory, place),
        groups=[("Hvad handler det om?", [directory.topics[topic] for topic in topics])],
        phone=main_number(directory, code, now()),
        danger=_danger_lines(directory, place),
    )


PLAIN = (municipality_list, municipality_page, topic_page, short_page)


def _never_bare(view: Callable[..., str]) -> Callable[..., Any]:
    """Return the view with a page in Danish, and 112, for what it cannot find or reach."""

    def guarded(**arguments: str) -> Any:
        try:
            return view(**arguments)
        except UnknownMunicipality as error:
            given = tidy(str(error))
            near = error.near or near_names(table(), given)
            said = f"Vi kender ikke kommunen '{given[:40]}'. Mente du {', '.join(near)}?"
        except UnknownTopic as error:
            said = f"Vi kender ikke emnet '{tidy(str(error))[:40]}'."
        except SQLAlchemyError:
            return render_template("fejl.html", title="Vi kan ikke slå op lige nu", said="Prøv igen om lidt."), 503
        return render_template("fejl.html", title="Det fandt vi ikke", said=said), 404

    guarded.__name__ = view.__name__
    return guarded


def _sections(answer: Answer) -> list[tuple[str, list[str]]]:
    """Return titled groups of lines, each line said once only: law and steps under their own titles, sources last."""
    source = source_line(answer.sources)
    said = {source, short_contact(answer), steps_line(answer)}
    if answer.how_to_apply and answer.how_to_apply.tonight:
        said.add(answer.how_to_apply.tonight)  # said with the steps
    elsewhere = {law_line(answer.legal_basis)}
    sections = []
    for facet, title in SECTIONS.items():
        lines = render(replace(answer, facets=[facet])).split("\n")
        lines = [line for line in lines if line not in said and not (facet == "where" and line in elsewhere)]
        said.update(lines)
        if lines or facet == "how":
            sections.append((title, lines))
    return [*sections, ("Kilde", [source.removeprefix("Kilde: ")])] if source else sections


def _by_name(directory: Directory) -> list[m.Municipality]:
    return sorted(directory.municipalities.values(), key=lambda row: row.name)


def _official_name(directory: Directory | None, place: m.Municipality | None) -> str:
    """Return the name a municipality signs with (Københavns Kommune); where it is not known, its plain one."""
    if directory is None or place is None:
        return "Kommunen"
    root = directory.roots.get(place.code)
    return root.name if root else f"{place.name} Kommune"


def _popular(directory: Directory) -> list[m.Topic]:
    return [topic for topic in directory.topics.values() if topic.topic_group in ("paaroerende", "boern")][:6]


def _danger_lines(directory: Directory, place: m.Municipality) -> list[str]:
    """Return the lines for an emergency: 112 and the region's own."""
    known = [helpline(directory, "alarm_112", now()), region_line(directory, place.region, now())]
    return [helpline_line(line) for line in known if line]
