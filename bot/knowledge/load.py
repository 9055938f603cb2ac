"""From the CSV files under data/knowledge to the table: check everything, then write all or nothing."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.knowledge import models as m
from bot.knowledge import rows as kept
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.sheets import LOCAL, NATIONAL, OPTIONAL_LOCAL, AsOf, Line, Problem, Row, parse_lines, read_lines

ROOT = Path(__file__).resolve().parents[2]
KNOWLEDGE = ROOT / "data" / "knowledge"


class KnowledgeError(Exception):
    """The files hold faults; nothing was written. `problems` lists them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} fejl i data/knowledge")
        self.problems = problems


@dataclass
class Checked:
    """What the files hold: rows of the table by model, faults, and remarks on facts that are kept but not shown."""

    rows: dict[type, list[dict[str, Any]]] = field(default_factory=dict)
    links: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)


def check(folder: Path = KNOWLEDGE, today: dt.date | None = None) -> Checked:
    """Read and cross-check every file; the faults are in the result. No source may be from after `today`."""
    return _check(_read(folder), today or _today(dt.datetime.now(dt.timezone.utc)))


def check_municipality(session: Session, code: str, lines: dict[str, list[Line]], today: dt.date) -> Checked:
    """Cross-check the sheets of one municipality against the national part of the table in the database."""

    def known(column: Any) -> set[str]:
        return set(session.execute(select(column)).scalars())

    reader = _Reader(Checked(), today, known(m.Topic.code), known(m.DepartmentType.code))
    reader.municipality(code, {name: reader.parse(rows, LOCAL[name]) for name, rows in lines.items()})
    return reader.out


def load(engine: Engine, folder: Path = KNOWLEDGE, now: dt.datetime | None = None) -> Checked:
    """Replace the knowledge in the database by the files, in one transaction; what editors changed stays.

    The same files again give the same rows and ids. Raises KnowledgeError, and leaves the table as it was, when a file
    has a fault. An editor's line that no longer fits the rest of the table is set aside with its fault, and the files'
    own line holds instead. Correction reports and the history of changes are never touched.
    """
    now = now or dt.datetime.now(dt.timezone.utc)
    files = _read(folder)
    today = _today(now)
    checked = _check(files, today)
    if checked.problems:
        raise KnowledgeError(checked.problems)
    fingerprint = files_fingerprint(folder)
    with Session(engine, future=True) as session, session.begin():
        version = next_version(session)
        if kept.merge(session, files.local):
            files.local = kept.lines(session)
            checked = _check(files, today)
            for set_aside in (kept.set_aside, kept.set_aside_place):
                if checked.problems:
                    set_aside(session, checked.problems)
                    files.local = kept.lines(session)
                    checked = _check(files, today)
            if checked.problems:
                raise KnowledgeError(checked.problems)
        for table in reversed(m.Base.metadata.sorted_tables):
            if table.name in {model.__tablename__ for model in m.LOADED} or table.name.endswith("_source"):
                session.execute(delete(table))
        _insert(session, checked, m.LOADED)
        version.fingerprint, version.loaded_at = fingerprint, now.replace(tzinfo=None)
    return checked


def _today(now: dt.datetime) -> dt.date:
    """Return the date in Denmark, where editors date what they have seen."""
    return now.astimezone(COPENHAGEN).date()


def next_version(session: Session) -> Any:
    """Count the table's edition up and return its row: readers see it after the commit, other writers wait from now."""
    one_more = update(m.TableVersion).values(edition=m.TableVersion.edition + 1)
    if not session.execute(one_more).rowcount:
        try:
            with session.begin_nested():
                session.add(m.TableVersion(id=1, fingerprint="", loaded_at=dt.datetime.min, edition=1))
        except IntegrityError:  # somebody else loads for the first time, too, and was first
            session.execute(one_more)
    return session.execute(select(m.TableVersion).execution_options(populate_existing=True)).scalar_one()


def replace_municipality(session: Session, code: str, checked: Checked) -> None:
    """Replace what the sheets of one municipality say; its names, towns and postal codes stay as they were loaded."""
    owned = select(m.Organization.id).where(m.Organization.municipality_code == code)
    points = select(m.ContactPoint.id).where(m.ContactPoint.organization_id.in_(owned))
    doors = select(m.Location.id).where(m.Location.organization_id.in_(owned))
    for model, mine in (
        (m.Schedule, or_(m.Schedule.contact_point_id.in_(points), m.Schedule.location_id.in_(doors))),
        (m.Address, m.Address.location_id.in_(doors)),
        (m.ContactPoint, m.ContactPoint.organization_id.in_(owned)),
        (m.Location, m.Location.organization_id.in_(owned)),
        (m.Service, m.Service.organization_id.in_(owned)),
    ):
        session.execute(delete(model).where(mine).execution_options(synchronize_session=False))
    stated: tuple[Any, ...] = (m.Organization, m.ProcessingTime, m.ServiceNote, m.ScheduleException)
    for model in stated:
        name = model.__tablename__
        link = m.Base.metadata.tables[f"{name}_source"]
        mine = select(model.id).where(model.municipality_code == code)
        session.execute(delete(link).where(link.c[f"{name}_id"].in_(mine)))
        gone = delete(model).where(model.municipality_code == code)
        session.execute(gone.execution_options(synchronize_session=False))
    known = set(session.execute(select(m.Source.id)).scalars())
    last = session.execute(select(func.max(m.Source.position))).scalar_one() or 0
    fresh = [row for row in checked.rows.get(m.Source, []) if row["id"] not in known]
    checked.rows[m.Source] = [{**row, "position": last + n} for n, row in enumerate(fresh, 1)]
    (municipality,) = checked.rows[m.Municipality]
    session.execute(update(m.Municipality).where(m.Municipality.code == code).values(website=municipality["website"]))
    _insert(session, checked, (model for model in m.LOADED if model not in _OF_THE_PLACE))


_OF_THE_PLACE = (m.Municipality, m.MunicipalityAlias, m.ServiceArea)


def _insert(session: Session, checked: Checked, models: Iterable[Any]) -> None:
    for model in models:
        if rows := checked.rows.get(model):
            session.execute(insert(model.__table__), parents_first(rows))
    for link, entries in checked.links.items():
        session.execute(insert(m.Base.metadata.tables[link]), entries)


def files_fingerprint(folder: Path = KNOWLEDGE) -> str:
    """Return a hash over the names and contents of the CSV files and over the code that reads them."""
    digest = hashlib.sha256()
    code = [Path(__file__).with_name(name) for name in ("models.py", "sheets.py", "rows.py", "load.py", "hours.py")]
    for path in [*sorted(folder.rglob("*.csv")), *code]:
        digest.update(path.name.encode() + path.parent.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def loaded_fingerprint(engine: Engine) -> str | None:
    """Return the fingerprint of what the database holds, or None when nothing was loaded yet."""
    with Session(engine, future=True) as session:
        return session.execute(select(m.TableVersion.fingerprint)).scalar_one_or_none()


def parents_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table so that each stands after the one it points to."""
    if not rows:
        return rows
    pointer = next((column for column in ("parent_id", "replaces_id") if column in rows[0]), None)
    if pointer is None:
        return rows
    by_id = {row["id"]: row for row in rows}

    def depth(row: dict[str, Any]) -> int:
        parent = by_id.get(row[pointer])
        return 0 if parent is None else 1 + depth(parent)

    return sorted(rows, key=depth)


def _is_above_itself(row: Row, named: dict[str, Row]) -> bool:
    """Return whether a department stands above itself by way of its parents; `named` has the first of each name."""
    above: Row | None = named.get(row["parent"])
    walked: set[int] = set()
    while above is not None and above is not row and above.line not in walked:
        walked.add(above.line)
        above = named.get(above["parent"])
    return above is row


def _is_a_day(month: int, day: int) -> bool:
    """Return whether some year has that day: 29 February, but not 30."""
    try:
        return bool(dt.date(2024, month, day))
    except ValueError:
        return False


@dataclass
class _Files:
    """The lines of all files: by name for the whole country, by code and name for a municipality."""

    national: dict[str, list[Line]]
    local: dict[str, dict[str, list[Line]]]
    problems: list[Problem]


def _read(folder: Path) -> _Files:
    problems: list[Problem] = []

    def lines(name: str, columns: Any) -> list[Line]:
        if not (folder / name).exists():
            problems.append(Problem(name, 0, "", "filen mangler"))
            return []
        return read_lines(folder / name, name, columns, problems)

    national = {name: lines(f"national/{name}", columns) for name, columns in NATIONAL.items()}
    local: dict[str, dict[str, list[Line]]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "national"):
        if not re.fullmatch(r"\d{4}", path.name):
            problems.append(Problem(path.name, 0, "", "mappen er ikke en kommunekode", "Kald den fx 0259."))
            continue
        local[path.name] = {
            name: lines(f"{path.name}/{name}", columns)
            for name, columns in LOCAL.items()
            if (path / name).exists() or name not in OPTIONAL_LOCAL
        }
        kept.identify(path.name, local[path.name])
    return _Files(national, local, problems)


def _check(files: _Files, today: dt.date) -> Checked:
    out = Checked(problems=list(files.problems))
    return _Reader(out, today).run(files)


class _Reader:
    """Turns lines into rows of the table, and looks for what does not fit together."""

    def __init__(self, out: Checked, today: dt.date, topics: Iterable[str] = (), types: Iterable[str] = ()) -> None:
        self.out, self.today = out, today
        self.topics, self.types = set(topics), set(types)
        self.seen: dict[tuple[Any, ...], Row] = {}
        self.sources: dict[tuple[str | None, str | None], str] = {}

    def parse(self, lines: list[Line], columns: Any) -> list[Row]:
        return parse_lines(lines, columns, self.out.problems)

    def run(self, files: _Files) -> Checked:
        national = {name: self.parse(lines, NATIONAL[name]) for name, lines in files.national.items()}
        self.topics = {row["code"] for row in national["topics.csv"]}
        self.types = {row["code"] for row in national["department_types.csv"]}
        local = {
            code: {name: self.parse(lines, LOCAL[name]) for name, lines in sheets.items()}
            for code, sheets in files.local.items()
        }
        self.codes = set(local)
        self.names = {
            rows["municipality.csv"][0]["name"]: code for code, rows in local.items() if rows["municipality.csv"]
        }
        self._taxonomy(national)
        self._words(national)
        for code, rows in local.items():
            self.municipality(code, rows)
        self._offices(national)
        self._law(national["legal_basis.csv"])
        self._helplines(national["helplines.csv"])
        self._closing_days(None, national["closing_days.csv"])
        self._processing_times(None, national["processing_times.csv"])
        self._terms(national)
        return self.out

    # -- helpers -----------------------------------------------------------------------------------------------

    def _add(self, model: type, row: Row | None, **values: Any) -> str | None:
        """Keep a row of the table; for a model that states facts, its evidence too. Returns its key."""
        key = getattr(model, "primary_key", "id")
        if row is not None and issubclass(model, m.Sourced):
            date: AsOf = row["as_of"]
            if date.date and date.date > self.today:
                self._fault(row, "as_of", f"{date.text} er ikke kommet endnu", "Skriv den dag, kilden er fra.")
            values |= {"as_of": date.date, "as_of_text": date.text, "confidence": row["confidence"]}
            if not row["sources"] and row["confidence"] != "low":
                self._fault(row, "sources", "kilden mangler", "Skriv adressen på den side, oplysningen står på.")
            link = f"{model.__tablename__}_source"  # type: ignore[attr-defined]
            for url, title in row["sources"]:
                entry = {f"{model.__tablename__}_{key}": values[key], "source_id": self._source(url, title)}  # type: ignore[attr-defined]
                if entry not in self.out.links.setdefault(link, []):
                    self.out.links[link].append(entry)
            if row["confidence"] == "low":
                self.out.remarks.append(row.problem("confidence", "vises ikke, fordi den er low", "Bekræft den."))
        for column, room in _room(model) if row is not None else ():
            if len(values.get(column) or "") > room:  # SQLite would take it, PostgreSQL would not
                named = "aliases" if column == "alias" else column.removesuffix("_text")
                self._fault(row, named, f"er på {len(values[column])} tegn", f"Der er plads til {room}.")  # type: ignore[arg-type]
        self.out.rows.setdefault(model, []).append(values)
        return values.get("id")

    def _source(self, url: str | None, title: str | None) -> str:
        if (url, title) not in self.sources:
            self.sources[url, title] = m.stable_id("source", url, title)
            position = len(self.sources)
            self._add(m.Source, None, id=self.sources[url, title], url=url, title=title, position=position)
        return self.sources[url, title]

    def _fault(self, row: Row, column: str, what: str, instead: str = "") -> None:
        self.out.problems.append(row.problem(column, what, instead))

    def _once(self, row: Row, column: str, *key: Any) -> bool:
        """Return whether the key is new; a second row with it is a fault."""
        if first := self.seen.get(key):
            what = f"står også i {first.file}:{first.line}"
            self.out.problems.append(row.problem(column, what, "Slet den ene linje.", first))
            return False
        self.seen[key] = row
        return True

    def _known(self, row: Row, column: str, codes: Iterable[str], kind: str) -> bool:
        """Return whether the cell (or each part of it) is one of the codes; an unknown one is a fault."""
        cell = row[column]
        good = True
        for code in cell if isinstance(cell, list) else [cell] if cell else []:
            if code not in codes:
                near = difflib.get_close_matches(code, list(codes), 1)
                self._fault(row, column, f"{kind} '{code}' kendes ikke", f"Mente du '{near[0]}'?" if near else "")
                good = False
        return good

    def _phone(self, owner: dict[str, str], row: Row, column: str = "phone", hours: str = "phone_hours") -> None:
        """Add the row's phone number with its hours; hours without a number are listed, not lost."""
        intervals = row.values.get(hours) or []
        if not row[column]:
            if intervals:
                self.out.remarks.append(row.problem(hours, "telefontid uden nummer kan ikke vises", "Skriv nummeret."))
            return
        point = m.stable_id("contact_point", *owner.values(), row[column])
        self._add(m.ContactPoint, None, id=point, **_owner(owner), position=0, channel="phone", value=row[column])
        self._schedules("contact_point_id", point, intervals)

    def _schedules(self, owner: str, owner_id: str, intervals: Iterable[Any]) -> None:
        for interval in intervals:
            self._add(
                m.Schedule,
                None,
                id=m.stable_id("schedule", owner_id, interval),
                contact_point_id=owner_id if owner == "contact_point_id" else None,
                location_id=owner_id if owner == "location_id" else None,
                byday=interval.byday,
                opens_at=interval.opens,
                closes_at=interval.closes,
            )

    def _door(self, organization: str, row: Row, address: str | None, column: str | None) -> None:
        """Add the place one can walk into: its address, its hours, or both."""
        intervals = row[column] if column else []
        if not address and not intervals:
            return
        location = m.stable_id("location", organization)
        self._add(m.Location, None, id=location, organization_id=organization)
        self._schedules("location_id", location, intervals)
        if address:
            match = re.fullmatch(r"(.+?),\s*(\d{4})\s+(\D{1,60})", address)
            street, postal_code, city = match.groups() if match else (address, None, None)
            if not match:
                self.out.remarks.append(row.problem("address", f"'{address}' har intet postnummer", ""))
            self._add(
                m.Address,
                None,
                id=m.stable_id("address", location),
                location_id=location,
                address_1=street,
                postal_code=postal_code,
                city=city,
            )

    def _organization(self, key: tuple[Any, ...] | str | None, row: Row, **values: Any) -> str:
        """Add an organization under the id its line keeps, or one made from its natural key."""
        defaults: dict[str, Any] = dict.fromkeys(
            "parent_id municipality_code region covers department_type description website way_in first_for "
            "referral_from minimum_age maximum_age".split()
        )
        organization = m.stable_id("organization", *key) if isinstance(key, tuple) else str(key)
        self._add(m.Organization, row, **{**defaults, "drop_in": "unknown", **values, "id": organization})
        return organization

    # -- the files ---------------------------------------------------------------------------------------------

    def _term(self, row: Row, taxonomy: str, description: str) -> str:
        term = f"{taxonomy}/{row['code']}"
        self._add(
            m.TaxonomyTerm,
            None,
            id=term,
            taxonomy=taxonomy,
            code=row["code"],
            name=row["name"],
            description=description,
        )
        return term

    def _taxonomy(self, national: dict[str, list[Row]]) -> None:
        for row in national["department_types.csv"]:
            if self._once(row, "code", "department_type", row["code"]):
                columns = "code level minimum_age maximum_age self_contact way_in also_called"
                self._add(
                    m.DepartmentType,
                    row,
                    term_id=self._term(row, "department_type", row["does"]),
                    **{column: row[column] for column in columns.split()},
                )
        guides: dict[str, Row] = {}
        for row in national["topic_guides.csv"]:
            if self._known(row, "topic", self.topics, "emnet") and self._once(row, "topic", "guide", row["topic"]):
                guides[row["topic"]] = row
        for row in national["topics.csv"]:
            self._known(row, "department_type", self.types, "afdelingstypen")
            if not self._once(row, "code", "topic", row["code"]):
                continue
            if row["code"] not in guides:
                self._fault(row, "code", "emnet har ingen vejledning", "Skriv en linje i topic_guides.csv.")
                continue
            guide = {column: value for column, value in guides[row["code"]].values.items() if column != "topic"}
            documents = guide.pop("documents") or ""
            self._add(
                m.Topic,
                None,
                code=row["code"],
                term_id=self._term(row, "topic", row["covers"]),
                topic_group=row["group"],
                department_type=row["department_type"],
                old_reference=row["old_reference"],
                **guide,
            )
            for position, document in enumerate(dict.fromkeys(filter(None, documents.split("|")))):
                key = m.stable_id("required_document", row["code"], document)
                self._add(
                    m.RequiredDocument, None, id=key, topic=row["code"], position=position, document=document.strip()
                )

    def _words(self, national: dict[str, list[Row]]) -> None:
        for row in national["topic_words.csv"]:
            if self._known(row, "topic", self.topics, "emnet") and self._once(row, "word", "word", row["word"].lower()):
                self._add(m.TopicWord, row, id=m.stable_id("topic_word", row["topic"], row["word"]), **row.values)
        for row in national["age_rules.csv"]:
            known = self._known(row, "topic", self.topics, "emnet")
            if (row["minimum_age"] or 0) > (row["maximum_age"] or 200):
                self._fault(row, "maximum_age", "er mindre end minimum_age")
            key = m.stable_id("age_rule", row["topic"], row["minimum_age"], row["maximum_age"])
            if self._known(row, "moves_to", self.topics, "emnet") and known and self._once(row, "topic", key):
                self._add(m.AgeRule, None, id=key, **row.values)
        for position, row in enumerate(national["situation_rules.csv"]):
            known = self._known(row, "topic", self.topics, "emnet")
            if not (row["words"] or row["minimum_age"] or row["maximum_age"]):
                self._fault(row, "words", "er tom; skriv ord, der fortæller om situationen, eller en alder")
            elif self._known(row, "department_type", self.types, "afdelingstypen") and known:
                key = m.stable_id("situation_rule", row["topic"], row["words"], row["minimum_age"], row["maximum_age"])
                if self._once(row, "topic", key):
                    self._add(m.SituationRule, None, id=key, position=position, **row.values)

    def municipality(self, code: str, rows: dict[str, list[Row]]) -> None:
        name = f"{code}/municipality.csv"
        if len(rows["municipality.csv"]) != 1:
            if any(problem.file == name for problem in self.out.problems):
                return  # its line has a fault of its own
            what = "skal have netop én linje med kommunens egne oplysninger"
            self.out.problems.append(Problem(name, 1, "", what))
            return
        row = rows["municipality.csv"][0]
        columns = ("name", "full_name", "region", "website")
        self._add(m.Municipality, row, code=code, **{column: row[column] for column in columns})
        for alias in dict.fromkeys(row["aliases"]):
            key = m.stable_id("municipality_alias", code, alias)
            self._add(m.MunicipalityAlias, row, id=key, municipality_code=code, alias=alias)
        for first, last in dict.fromkeys(row["postal_codes"]):
            key = m.stable_id("service_area", code, first)
            self._add(m.ServiceArea, None, id=key, municipality_code=code, postal_from=first, postal_to=last)
        root = self._organization(row.id, row, municipality_code=code, name=row["full_name"], website=row["website"])
        self._phone({"organization_id": root}, row, "main_phone", "")
        self._writing(root, "email", row["email"])
        self._door(root, row, row["town_hall_address"], None)
        if not row["main_phone"]:
            self.out.remarks.append(
                row.problem("main_phone", "hovednummeret er ukendt", "Skriv det, når det er fundet.")
            )
        self._departments(code, root, rows["departments.csv"])
        self._units(code, root, rows.get("units.csv", []))
        self._processing_times(code, rows.get("processing_times.csv", []))
        for entry in rows.get("service_notes.csv", []):
            if self._known(entry, "topic", self.topics, "emnet"):
                values = {column: entry[column] for column in ("topic", "facet", "text")}
                if self._once(entry, "text", "service_note", code, *values.values()):
                    self._add(m.ServiceNote, entry, id=entry.id, municipality_code=code, **values)
        self._closing_days(code, rows.get("closing_days.csv", []))

    def _processing_times(self, code: str | None, rows: list[Row]) -> None:
        for row in rows:
            if self._known(row, "topic", self.topics, "emnet"):
                values = {column: row[column] for column in ("topic", "text", "weeks")}
                key = ("processing_time", code, row["topic"], row["text"])
                if self._once(row, "text", *key):
                    self._add(m.ProcessingTime, row, id=row.id or m.stable_id(*key), municipality_code=code, **values)

    def _writing(self, organization: str, channel: str, value: str | None) -> None:
        if value:
            key = m.stable_id("contact_point", organization, channel, value)
            self._add(
                m.ContactPoint,
                None,
                id=key,
                organization_id=organization,
                helpline_id=None,
                position=1,
                channel=channel,
                value=value,
            )

    def _departments(self, code: str, root: str, rows: list[Row]) -> None:
        names = {row["name"] for row in rows}
        named = {row["name"]: row for row in reversed(rows)}
        administrations: set[str] = set()
        for row in rows:
            if _is_above_itself(row, named):
                self._fault(row, "parent", "hører under sig selv", "Skriv den forvaltning, den hører under.")
                continue
            self._known(row, "type", self.types, "afdelingstypen")
            self._known(row, "topics", self.topics, "emnet")
            self._known(row, "first_for", {*row["topics"], "*"}, "afdelingens emne")
            if not self._once(row, "name", code, row["type"], row["name"], row["as_of"].text, str(row["sources"])):
                continue
            parent = row["parent"]
            if parent and parent not in names | administrations:
                # An administration we know by name only, so it stands on its department's source.
                administrations.add(parent)
                self._organization((code, parent), row, parent_id=root, municipality_code=code, name=parent)
            organization = self._organization(
                row.id,
                row,
                parent_id=self._parent(code, root, parent, rows),
                municipality_code=code,
                department_type=row["type"],
                name=row["name"],
                description=row["notes"],
                drop_in=row["walk_in"],
                first_for=";".join(row["first_for"]) or None,
                minimum_age=row["minimum_age"],
                maximum_age=row["maximum_age"],
            )
            self._phone({"organization_id": organization}, row)
            self._writing(organization, "email", row["email"])
            self._writing(organization, "secure_mail", row["secure_mail"])
            self._door(organization, row, row["address"], "opening_hours")
            self._services(organization, row)

    def _parent(self, code: str, root: str, parent: str | None, rows: list[Row]) -> str:
        if not parent:
            return root
        for row in rows:
            if row["name"] == parent:
                return str(row.id)
        return m.stable_id("organization", code, parent)

    def _services(self, organization: str, row: Row) -> None:
        for topic in dict.fromkeys(row["topics"]):
            key = m.stable_id("service", organization, topic)
            self._add(m.Service, None, id=key, organization_id=organization, topic=topic)

    def _units(self, code: str, root: str, rows: list[Row]) -> None:
        """Departments known for how one gets in, not for a phone number."""
        for row in rows:
            self._known(row, "type", self.types, "afdelingstypen")
            self._known(row, "topics", self.topics, "emnet")
            if self._once(row, "name", "unit", code, row["name"]):
                organization = self._organization(
                    row.id,
                    row,
                    parent_id=root,
                    municipality_code=code,
                    department_type=row["type"],
                    description=row["notes"],
                    **{
                        column: row[column]
                        for column in ["name", "drop_in", "way_in", "referral_from", "minimum_age", "maximum_age"]
                    },
                )
                self._services(organization, row)

    def _offices(self, national: dict[str, list[Row]]) -> None:
        for row in national["offices.csv"]:
            self._known(row, "type", self.types, "afdelingstypen")
            if self._once(row, "name", "office", row["name"]):
                organization = self._organization(
                    ("office", row["name"]),
                    row,
                    department_type=row["type"],
                    name=row["name"],
                    description=row["notes"],
                    website=row["website"],
                )
                self._phone({"organization_id": organization}, row)
        for row in national["regional_psychiatry.csv"]:
            self._known(row, "type", self.types, "afdelingstypen")
            if not self._known(row, "covers", self.names, "kommunen"):
                continue
            if self._once(row, "name", "regional", row["region"], row["name"]):
                organization = self._organization(
                    ("regional", row["region"], row["name"]),
                    row,
                    region=row["region"],
                    covers=";".join(self.names[name] for name in row["covers"]) or None,
                    department_type=row["type"],
                    name=row["name"],
                    description=row["notes"],
                    drop_in="no" if row["referral_needed"] == "yes" else "yes",
                    referral_from="egen læge" if row["referral_needed"] == "yes" else None,
                )
                # The one column of hours in that file holds for the phone where there is one, and for the door.
                self._phone({"organization_id": organization}, row, "phone", "opening_hours")
                self._door(organization, row, row["address"], "opening_hours")

    def _law(self, rows: list[Row]) -> None:
        by_name: dict[tuple[str, str], list[tuple[Row, str]]] = {}
        ids: list[str] = []
        for row in rows:
            key = m.stable_id(
                "legal_basis", row["topic"], row["law"], row["section"], row["valid_from"], row["key_facts"]
            )
            self._once(row, "section", key)
            ids.append(key)
            by_name.setdefault((row["topic"], _cite(row)), []).append((row, key))
        for position, (row, key) in enumerate(zip(rows, ids)):
            self._known(row, "topic", self.topics, "emnet")
            self._known(row, "department_type", self.types, "afdelingstypen")
            replaced = None
            if row["valid_from"] and row["valid_to"] and row["valid_from"] > row["valid_to"]:
                self._fault(row, "valid_to", "gælder til før den gælder fra")
            if row["replaces"]:
                replaced = self._replaced(row, by_name)
            columns = "topic law law_title valid_from valid_to applies_to department_type key_facts complaint apply_url"
            self._add(
                m.LegalBasis,
                row,
                id=key,
                position=position,
                section=row["section"] or "",
                replaces_id=replaced,
                **{column: row[column] for column in columns.split()},
            )
        self._periods(by_name)

    def _replaced(self, row: Row, by_name: dict[tuple[str, str], list[tuple[Row, str]]]) -> str | None:
        """Return the id of the provision that ended the day before this one began; a gap is a fault."""
        earlier = [
            (old, key)
            for old, key in by_name.get((row["topic"], row["replaces"]), [])
            if old["valid_to"] and old is not row
        ]
        for old, key in earlier:
            if row["valid_from"] and old["valid_to"] + dt.timedelta(days=1) == row["valid_from"]:
                return key
        if not earlier:
            self._fault(
                row,
                "replaces",
                f"'{row['replaces']}' findes ikke som ophørt under emnet",
                "Skriv lov og § som i dens egen linje.",
            )
        else:
            ends = ", ".join(str(old["valid_to"]) for old, _ in earlier)
            self._fault(
                row, "valid_from", f"der er et hul: '{row['replaces']}' gjaldt til {ends}", "Begynd dagen efter."
            )
        return None

    def _periods(self, by_name: dict[tuple[str, str], list[tuple[Row, str]]]) -> None:
        """The same provision may stand several times under a topic, but not twice on one day unless undated."""
        for (_topic, cite), found in by_name.items():
            dated = sorted(
                (row["valid_from"], row["valid_to"] or dt.date.max, row.line, row)
                for row, _ in found
                if row["valid_from"]
            )
            for (_, end, _, _), (start, _, _, row) in itertools.pairwise(dated):
                if start <= end:
                    self._fault(
                        row, "valid_from", f"{cite} gælder to gange på samme dag", "Luk den gamle periode først."
                    )

    def _helplines(self, rows: list[Row]) -> None:
        for row in rows:
            if self._once(row, "id", "helpline", row["id"]):
                columns = "id name kind region sms_or_chat hours_note"
                self._add(
                    m.Helpline,
                    row,
                    website=row["url"],
                    **{column: row[column] for column in columns.split()},
                )
                self._phone({"helpline_id": row["id"]}, row, "phone", "hours")

    def _closing_days(self, code: str | None, rows: list[Row]) -> None:
        for row in rows:
            if bool(row["date"]) == bool(row["month"] and row["day"]):
                self._fault(row, "date", "skriv enten en dato eller måned og dag")
                continue
            if row["month"] and not _is_a_day(row["month"], row["day"]):
                self._fault(row, "day", f"{row['day']}/{row['month']} findes ikke", "Skriv måned 1-12 og dag 1-31.")
                continue
            key = ("schedule_exception", code, row["month"], row["day"], row["date"])
            if not self._once(row, "reason", *key):
                continue
            columns = "month day date status reason"
            self._add(
                m.ScheduleException,
                row,
                id=row.id or m.stable_id(*key),
                municipality_code=code,
                **{column: row[column] for column in columns.split()},
            )

    def _terms(self, national: dict[str, list[Row]]) -> None:
        for row in national["glossary.csv"]:
            self._known(row, "municipality", self.codes, "kommunen")
            key = m.stable_id("glossary_term", row["term"], row["municipality"])
            if self._once(row, "term", key):
                self._add(
                    m.GlossaryTerm,
                    row,
                    id=key,
                    term=row["term"],
                    explanation=row["explanation"],
                    municipality_code=row["municipality"],
                )
        for row in national["age_transitions.csv"]:
            for column in ("from_type", "to_type"):
                self._known(row, column, self.types, "afdelingstypen")
            self._known(row, "municipality", self.codes, "kommunen")
            key = m.stable_id("age_transition", row["age"], row["text"])
            if self._once(row, "text", key):
                self._add(
                    m.AgeTransition,
                    row,
                    id=key,
                    age=row["age"],
                    from_type=row["from_type"],
                    to_type=row["to_type"],
                    text=row["text"],
                    municipality_code=row["municipality"],
                )


@functools.cache
def _room(model: type) -> list[tuple[str, int]]:
    """Return the columns of a table that hold so many characters and no more."""
    columns = model.__table__.columns  # type: ignore[attr-defined]
    return [(column.name, column.type.length) for column in columns if getattr(column.type, "length", None)]


def _owner(owner: dict[str, str]) -> dict[str, str | None]:
    return {"organization_id": None, "helpline_id": None, **owner}


def _cite(row: Row) -> str:
    return f"{row['law']} {row['section'] or ''}".strip()


def iter_texts(checked: Checked) -> Iterator[tuple[str, str]]:
    """Yield (where, text) for every text of ours that a citizen can read, for the language checks."""
    shown = {
        m.Topic: "title description audience assessment step_1 step_2 step_3 tonight without_consent complaint cost",
        m.DepartmentType: "way_in",
        m.ServiceNote: "text",
        m.ProcessingTime: "text",
        m.GlossaryTerm: "explanation",
        m.AgeTransition: "text",
        m.AgeRule: "text",
        m.RequiredDocument: "document",
        m.Organization: "way_in",
    }
    for model, columns in shown.items():
        for row in checked.rows.get(model, []):
            for column in columns.split():
                if row.get(column):
                    name = row.get("code") or row.get("topic") or row.get("term") or row.get("id")
                    yield f"{model.__tablename__}.{column} {name}", row[column]  # type: ignore[attr-defined]
