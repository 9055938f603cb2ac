"""What people say about the answers: whether one helped, and which fact is wrong.

Only counts, and texts with personal data taken out, are kept; never who said it, and no tie to a conversation.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app, jsonify
from sqlalchemy import func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.edge.context import directory as table
from bot.edge.context import json_body, known_municipality, known_topic, now
from bot.edge.errors import BadRequest
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.models import FACETS, CorrectionReport, Feedback, FeedbackReason
from bot.safety.redact import redact
from bot.safety.text import tidy

MAX_REASON = 200
MAX_MESSAGE = 500
ENOUGH = 20  # open reports on one field, and reasons on one part of a topic: more tell an editor nothing new
ORGANIZATION_FIELDS = ("name", "phone", "hours", "address", "other")
TOPIC_FIELDS = ("how_to_apply", "legal_basis")


def register(app: Flask, engine: Engine) -> None:
    """Add the two routes to the door; what they keep goes to the database of the table."""
    app.config["ENGINE"] = engine
    app.add_url_rule("/api/v1/feedback", view_func=post_feedback, methods=["POST"])
    limit = app.config["LIMITER"].limit(app.config["SETTINGS"].callback_rate, override_defaults=False)
    app.add_url_rule("/api/v1/corrections", view_func=limit(post_correction), methods=["POST"])


def post_feedback() -> Response:
    """Count one yes or no (`helped`), and keep a `reason` of at most 200 characters; either may stand alone."""
    body = json_body()
    directory = table()
    about = {
        "topic": known_topic(body, directory),
        "municipality_code": known_municipality(body, directory) or "",
        "facet": body.get("facet", "where"),
    }
    if about["facet"] not in FACETS:
        raise BadRequest(f"Feltet facet skal være en af: {', '.join(FACETS)}.", "facet")
    helped = body.get("helped")
    if helped is not None and not isinstance(helped, bool):
        raise BadRequest("Feltet helped skal være true eller false.", "helped")
    reason, redacted = _clean(body, "reason", MAX_REASON, directory) if body.get("reason") else ("", False)
    if helped is None and not reason:
        raise BadRequest("Send helped, reason eller begge.", "helped")
    with Session(current_app.config["ENGINE"], future=True) as session:
        if helped is not None:
            _count(session, about, "helped" if helped else "not_helped")
        if reason:
            _keep_reason(session, about, reason)
        session.commit()
    return jsonify({"received": True, "redacted": redacted})


def _count(session: Session, about: dict[str, str], column: str) -> None:
    mine = [getattr(Feedback, name) == value for name, value in about.items()]
    one_more = update(Feedback).where(*mine).values({column: getattr(Feedback, column) + 1})
    if session.execute(one_more).rowcount:
        return
    try:
        with session.begin_nested():
            session.add(Feedback(**about, **{"helped": 0, "not_helped": 0, column: 1}))
    except IntegrityError:  # somebody else's was the first, a moment ago
        session.execute(one_more)


def _keep_reason(session: Session, about: dict[str, str], reason: str) -> None:
    mine = [getattr(FeedbackReason, name) == value for name, value in about.items()]
    kept = session.execute(select(FeedbackReason).where(*mine).order_by(FeedbackReason.id)).scalars().all()
    for old in kept[: max(0, len(kept) - ENOUGH + 1)]:
        session.delete(old)
    session.add(FeedbackReason(**about, reason=reason, given_on=now().astimezone(COPENHAGEN).date()))


def post_correction() -> tuple[Response, int]:
    """Keep a report that one `field` of the fact shown is wrong; its text has personal data taken out first."""
    body = json_body()
    directory = table()
    kind, record = _record(body, directory)
    message, redacted = _clean(body, "message", MAX_MESSAGE, directory)
    report = CorrectionReport(
        table_name=kind,
        record_id=record,
        field=body["field"],
        message=message,
        reported_at=now().astimezone(COPENHAGEN).replace(tzinfo=None),
        resolved=False,
    )
    same = (
        CorrectionReport.table_name == kind,
        CorrectionReport.record_id == record,
        CorrectionReport.field == body["field"],
        CorrectionReport.resolved.is_(False),
    )
    with Session(current_app.config["ENGINE"], future=True) as session:
        if session.execute(select(func.count()).select_from(CorrectionReport).where(*same)).scalar_one() >= ENOUGH:
            raise BadRequest(
                "Vi har allerede fået mange rettelser til det felt og ser på dem.", "field", "enough_reports", 429
            )
        session.add(report)
        session.commit()
    return jsonify({"received": True, "redacted": redacted}), 201


def _record(body: dict[str, Any], directory: Directory) -> tuple[str, str]:
    """Return the table and id of the row that the field belongs to."""
    field, department = body.get("field"), body.get("department")
    if field in TOPIC_FIELDS:
        return "topic", known_topic(body, directory)
    if field not in ORGANIZATION_FIELDS:
        raise BadRequest(f"Feltet field skal være en af: {', '.join((*ORGANIZATION_FIELDS, *TOPIC_FIELDS))}.", "field")
    if department is not None:
        if not any(org.id == department for org in directory.organizations):
            raise BadRequest("Afdelingen kendes ikke.", "department")
        return "organization", department
    # Where no department of their own is known, it is the municipality's page that lacks one.
    if municipality := known_municipality(body, directory):
        return "municipality", municipality
    return "topic", known_topic(body, directory)


def _clean(body: dict[str, Any], field: str, limit: int, directory: Directory) -> tuple[str, bool]:
    """Return a text safe to keep, and whether anything personal was taken out."""
    text = body.get(field)
    if not isinstance(text, str) or not tidy(text):
        raise BadRequest(f"Feltet {field} mangler eller er ikke tekst.", field)
    if len(text) > limit:
        raise BadRequest(f"Teksten er for lang. Skriv højst {limit} tegn.", field, "text_too_long")
    clean, redacted = redact(tidy(text), directory.phone_numbers)
    return clean[:limit], redacted
