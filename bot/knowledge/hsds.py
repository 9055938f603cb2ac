"""Municipalities' lines as an HSDS 3 tabular data package: one CSV per table, described by datapackage.json.

Names and meaning follow the Human Services Data Specification (https://docs.openreferral.org); what it has no place
for is the Danish profile, in columns of its own that `PROFILE` lists. Only what a citizen may see is in it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Collection, Iterable
from typing import Any

from bot.knowledge import models as m
from bot.knowledge.directory import Directory
from bot.knowledge.sheets import defused

HSDS_VERSION = "3.0"
PROFILE = """\
HSDS 3 med dansk profil, version 1

Filerne følger Human Services Data Specification (docs.openreferral.org). Det danske er:

- organization: municipality_code (kommunekode), department_type (afdelingens art, kode i taxonomy_term),
  walk_in (om man bare kan komme), source_url, as_of (dato, som kilden skriver den) og confidence (high eller medium;
  usikre oplysninger er ikke med).
- schedule: phone_id, fordi telefontid ikke er åbningstid. Tider er dansk tid (Europe/Copenhagen), så timezone er tom.
  En nat står som to linjer, og 00:00 som closes_at er døgnets slutning. byday er tom og notes er "helligdage", når
  linjen gælder helligdage.
- service: et emne, som afdelingen selv siger, at den tager sig af. processing_time er kommunens egen frist.
- address: city og postal_code er tomme, når kilden ikke har dem; state_province er regionen.
- Begynder en tekst med = + - eller @, står der en apostrof foran, så et regneark ikke læser den som en formel.
"""
# Each table: (column, type, is it required). Fields in HSDS that we have nothing for are left out.
_TABLES: dict[str, list[tuple[str, str, bool]]] = {
    "organization": [
        ("id", "string", True),
        ("name", "string", True),
        ("description", "string", True),
        ("email", "string", False),
        ("website", "string", False),
        ("parent_organization_id", "string", False),
        ("municipality_code", "string", True),
        ("department_type", "string", False),
        ("walk_in", "string", True),
        ("source_url", "string", False),
        ("as_of", "string", True),
        ("confidence", "string", True),
    ],
    "service": [
        ("id", "string", True),
        ("organization_id", "string", True),
        ("name", "string", True),
        ("description", "string", False),
        ("status", "string", True),
        ("application_process", "string", False),
        ("fees_description", "string", False),
        ("eligibility_description", "string", False),
        ("minimum_age", "number", False),
        ("maximum_age", "number", False),
        ("assured_date", "date", False),
        ("processing_time", "string", False),
    ],
    "location": [
        ("id", "string", True),
        ("location_type", "string", True),
        ("organization_id", "string", True),
        ("name", "string", True),
    ],
    "service_at_location": [
        ("id", "string", True),
        ("service_id", "string", True),
        ("location_id", "string", True),
    ],
    "address": [
        ("id", "string", True),
        ("location_id", "string", True),
        ("address_1", "string", True),
        ("city", "string", False),
        ("state_province", "string", True),
        ("postal_code", "string", False),
        ("country", "string", True),
        ("address_type", "string", True),
    ],
    "phone": [
        ("id", "string", True),
        ("organization_id", "string", True),
        ("number", "string", True),
        ("type", "string", True),
    ],
    "schedule": [
        ("id", "string", True),
        ("location_id", "string", False),
        ("phone_id", "string", False),
        ("freq", "string", True),
        ("byday", "string", False),
        ("opens_at", "time", True),
        ("closes_at", "time", True),
        ("notes", "string", False),
    ],
    "required_document": [
        ("id", "string", True),
        ("service_id", "string", True),
        ("document", "string", True),
    ],
    "taxonomy": [
        ("id", "string", True),
        ("name", "string", True),
        ("description", "string", True),
        ("version", "string", False),
    ],
    "taxonomy_term": [
        ("id", "string", True),
        ("code", "string", True),
        ("name", "string", True),
        ("description", "string", True),
        ("taxonomy_id", "string", True),
        ("language", "string", True),
    ],
    "attribute": [
        ("id", "string", True),
        ("link_id", "string", True),
        ("taxonomy_term_id", "string", True),
        ("link_type", "string", True),
        ("link_entity", "string", True),
    ],
}
_POINTS_TO = {
    "organization_id": "organization",
    "parent_organization_id": "organization",
    "service_id": "service",
    "location_id": "location",
    "phone_id": "phone",
    "taxonomy_id": "taxonomy",
    "taxonomy_term_id": "taxonomy_term",
}
_ONLY = {
    "status": ["active"],
    "location_type": ["physical"],
    "address_type": ["physical"],
    "freq": ["WEEKLY"],
    "confidence": ["high", "medium"],
    "walk_in": ["yes", "partly", "no", "appointment", "unknown"],
}
_TAXONOMIES = {"topic": "Emner, pårørende spørger om", "department_type": "Afdelingernes art"}


def package(directory: Directory, codes: Collection[str], now: dt.datetime) -> dict[str, bytes]:
    """Return the files of the package by name: datapackage.json, a CSV per table, and the profile in Danish."""
    rows = _rows(directory, codes)
    files = {f"{name}.csv": _csv(name, rows[name]) for name in _TABLES}
    files["datapackage.json"] = json.dumps(_described(directory, codes, now), ensure_ascii=False, indent=1).encode()
    files["LÆSMIG.txt"] = PROFILE.encode()
    return files


def packed(files: dict[str, bytes]) -> bytes:
    """Return the files as one ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _described(directory: Directory, codes: Collection[str], now: dt.datetime) -> dict[str, Any]:
    names = ", ".join(directory.municipality(code).full_name for code in sorted(codes)[:3])
    return {
        "profile": "tabular-data-package",
        "name": "vejviser",
        "title": f"Vejviser: {names}" + (f" og {len(codes) - 3} andre" if len(codes) > 3 else ""),
        "description": PROFILE,
        "version": HSDS_VERSION,
        "homepage": "https://docs.openreferral.org",
        "created": now.isoformat(timespec="seconds"),
        "resources": [_resource(name, columns) for name, columns in _TABLES.items()],
    }


def _resource(name: str, columns: list[tuple[str, str, bool]]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    for column, kind, required in columns:
        demands: dict[str, Any] = {"required": True} if required else {}
        if column == "id":
            demands["unique"] = True
        if column in _ONLY:
            demands["enum"] = _ONLY[column]
        shape = {"format": "%H:%M"} if kind == "time" else {}
        fields.append({"name": column, "type": kind, **shape, **({"constraints": demands} if demands else {})})
    keys = [
        {
            "fields": column,
            "reference": {"resource": "" if _POINTS_TO[column] == name else _POINTS_TO[column], "fields": "id"},
        }
        for column, _, _ in columns
        if column in _POINTS_TO
    ]
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": f"{name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "primaryKey": "id", **({"foreignKeys": keys} if keys else {})},
    }


def _csv(name: str, rows: Iterable[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    columns = [column for column, _, _ in _TABLES[name]]
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: defused(str(value)) if value is not None else "" for column, value in row.items()})
    return out.getvalue().encode()


def _rows(directory: Directory, codes: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
    here = [org for org in directory.organizations if org.municipality_code in codes]
    known = {org.id for org in here}
    for org in here:
        region = directory.municipality(org.municipality_code).region
        kind = directory.department_types.get(org.department_type or "")
        mails = [point.value for point in org.contact_points if point.channel == "email"]
        rows["organization"].append(
            {
                "id": org.id,
                "name": org.name,
                "description": kind.term.description if kind else f"{org.name}: kommunen selv",
                "email": next(iter(mails), None),
                "website": org.website,
                "parent_organization_id": org.parent_id if org.parent_id in known else None,
                "municipality_code": org.municipality_code,
                "department_type": org.department_type,
                "walk_in": org.drop_in,
                "source_url": next((source.url for source in org.sources if source.url), None),
                "as_of": org.as_of_text,
                "confidence": org.confidence,
            }
        )
        if kind:
            _link(rows, org.id, "organization", kind.term_id, "department_type")
        for point in org.contact_points:
            if point.channel == "phone":
                rows["phone"].append(
                    {"id": point.id, "organization_id": org.id, "number": point.value, "type": "voice"}
                )
                rows["schedule"] += [_schedule(one) for one in point.schedules]
        for door in org.locations:
            rows["location"].append(
                {"id": door.id, "location_type": "physical", "organization_id": org.id, "name": org.name}
            )
            rows["schedule"] += [_schedule(one) for one in door.schedules]
            rows["address"] += [
                {
                    "id": one.id,
                    "location_id": door.id,
                    "address_1": one.address_1,
                    "city": one.city,
                    "state_province": f"Region {region}",
                    "postal_code": one.postal_code,
                    "country": "DK",
                    "address_type": "physical",
                }
                for one in door.addresses
            ]
        for service in org.services:
            _service(rows, directory, org, service)
    rows["taxonomy"] = [
        {"id": name, "name": title, "description": title, "version": "1"} for name, title in _TAXONOMIES.items()
    ]
    terms = [topic.term for topic in directory.topics.values()]
    terms += [kind.term for kind in directory.department_types.values()]
    rows["taxonomy_term"] = [
        {
            "id": term.id,
            "code": term.code,
            "name": term.name,
            "description": term.description,
            "taxonomy_id": term.taxonomy,
            "language": "da",
        }
        for term in terms
    ]
    return rows


def _service(rows: dict[str, list[dict[str, Any]]], directory: Directory, org: Any, service: m.Service) -> None:
    topic = directory.topics[service.topic]
    deadlines = directory.processing_times.get((org.municipality_code, topic.code), [])
    rows["service"].append(
        {
            "id": service.id,
            "organization_id": org.id,
            "name": topic.title,
            "description": topic.description,
            "status": "active",
            "application_process": " ".join(topic.steps),
            "fees_description": topic.cost,
            "eligibility_description": topic.audience,
            "minimum_age": org.minimum_age,
            "maximum_age": org.maximum_age,
            "assured_date": org.as_of,
            "processing_time": deadlines[0].text if deadlines else None,
        }
    )
    _link(rows, service.id, "service", topic.term_id, "topic")
    for door in org.locations:
        key = m.stable_id("service_at_location", service.id, door.id)
        rows["service_at_location"].append({"id": key, "service_id": service.id, "location_id": door.id})
    for paper in topic.documents:
        key = m.stable_id("required_document", service.id, paper.id)
        rows["required_document"].append({"id": key, "service_id": service.id, "document": paper.document})


def _link(rows: dict[str, list[dict[str, Any]]], link_id: str, entity: str, term: str, kind: str) -> None:
    rows["attribute"].append(
        {
            "id": m.stable_id("attribute", link_id, term),
            "link_id": link_id,
            "taxonomy_term_id": term,
            "link_type": kind,
            "link_entity": entity,
        }
    )


def _schedule(one: m.Schedule) -> dict[str, Any]:
    holiday = one.byday == m.PUBLIC_HOLIDAY
    return {
        "id": one.id,
        "location_id": one.location_id,
        "phone_id": one.contact_point_id,
        "freq": "WEEKLY",
        "byday": None if holiday else one.byday,
        "opens_at": f"{one.opens_at:%H:%M}",
        "closes_at": f"{one.closes_at:%H:%M}",
        "notes": "helligdage" if holiday else None,
    }
