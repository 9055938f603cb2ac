"""Every migration up and down with rows in the tables, once however many try, and while others read and write."""

import ast
import subprocess
import sys
import threading
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, select, text

from bot.handoff import models as handoff
from bot.knowledge.database import (
    LosesData,
    UnknownRevision,
    downgrade,
    make_engine,
    migrate,
    newest_revision,
    revision,
)
from bot.knowledge.load import ROOT
from bot.knowledge.sms import Base

VERSIONS = sorted((ROOT / "bot/knowledge/migrations/versions").glob("*.py"))
REVISIONS = [path.name[:4] for path in VERSIONS]


def contents(engine):
    """Every row of every table, by table and column."""
    found = MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        return {
            name: {
                column.name: sorted(map(str, connection.execute(select(column)).scalars())) for column in table.columns
            }
            for name, table in found.tables.items()
            if name not in ("alembic_version", "sqlite_sequence")
        }


def is_kept(before, after):
    """What both have is the same."""
    shared = [(name, column) for name in before.keys() & after.keys() for column in before[name].keys() & after[name]]
    assert shared
    return all(before[name][column] == after[name][column] for name, column in shared)


def test_down_and_up_again_with_rows_in_every_table(engine):
    for below in [*reversed(REVISIONS[:-1]), "base"]:
        before = contents(engine)
        downgrade(engine, below, lose=True)
        after = contents(engine)
        assert below == "base" or is_kept(before, after), f"down to {below} only what it says goes"
        assert revision(engine) == (None if below == "base" else below)
    assert contents(engine) == {}
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, *_: name != "sqlite_sequence"}
        )
        assert compare_metadata(context, [Base.metadata, handoff.Base.metadata]) == []


def test_up_with_rows_in_every_table(engine):
    """From each older revision with its rows to the newest: nothing that was there changes."""
    for below in reversed(REVISIONS[:-1]):
        downgrade(engine, below, lose=True)
        before = contents(engine)
        migrate(engine)
        after = contents(engine)
        assert is_kept(before, after) and before.keys() <= after.keys(), f"from {below}"
        assert revision(engine) == newest_revision()


def test_going_down_says_what_is_lost_and_asks(engine):
    before = contents(engine)
    with pytest.raises(LosesData, match="who wrote STOP"):
        downgrade(engine, "0005")
    assert contents(engine) == before
    with pytest.raises(UnknownRevision, match="below it there is no revision '0009'"):
        downgrade(engine, "0009", lose=True)


@pytest.mark.parametrize("path", VERSIONS, ids=REVISIONS)
def test_every_way_down_that_drops_something_says_so(path):
    tree = ast.parse(path.read_text())
    down = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "downgrade")
    drops = {node.attr for node in ast.walk(down) if isinstance(node, ast.Attribute)} & {"drop_table", "drop_column"}
    said = [node for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "loses"]
    assert not drops or (said and len(said[0].value.value) > 20)


def test_a_database_of_a_newer_version_is_left_alone(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(UnknownRevision, match="at revision 0999, which this version of Vejviser does not know"):
        migrate(engine)
    assert revision(engine) == "0999"


def test_many_processes_migrate_at_once_and_it_happens_once(kind, beside, made):
    url = made(beside=beside(kind))
    code = "import sys; from bot.knowledge.database import *; sys.stdin.readline(); migrate(make_engine(sys.argv[1]))"
    crowd = [
        subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    time.sleep(3)  # so that they start together, as containers do
    said = [one.communicate(b"\n", timeout=120)[1].decode() for one in crowd]
    assert [one.returncode for one in crowd] == [0] * 4, said
    assert revision(make_engine(url)) == newest_revision()


class Traffic:
    """A version of before goes on reading and writing: it knows the columns of its own time and no others."""

    def __init__(self, url):
        self._engine, self._stop = make_engine(url), threading.Event()
        self.rounds, self.faults = 0, []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        self.goes_on(2)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)
        self._engine.dispose()

    def goes_on(self, rounds):
        goal, deadline = self.rounds + rounds, time.monotonic() + 60
        while self.rounds < goal and not self.faults:
            assert time.monotonic() < deadline, "the traffic stands still"
            time.sleep(0.01)

    def _run(self):
        report = text(
            "INSERT INTO correction_report (table_name, record_id, field, message, reported_at, resolved) "
            "VALUES ('topic', :number, 'other', 'æøå', '2026-11-23 10:00:00', false)"
        )
        while not self._stop.is_set():
            try:
                with self._engine.begin() as connection:
                    connection.execute(report, {"number": str(self.rounds)})
                    connection.execute(text("UPDATE table_version SET fingerprint = fingerprint"))
                with self._engine.connect() as connection:
                    found = connection.execute(
                        text("SELECT count(*) FROM correction_report WHERE table_name = 'topic'")
                    )
                    assert found.scalar() == self.rounds + 1
                    assert (
                        connection.execute(text("SELECT name FROM municipality WHERE code = '0259'")).scalar() == "Køge"
                    )
                self.rounds += 1
            except Exception as error:
                self.faults.append(error)
                return
            time.sleep(0.005)


def test_others_read_and_write_while_we_migrate(engine, url):
    """From before the editors' columns to the newest, under a version that has never heard of them; and back."""
    downgrade(engine, "0004", lose=True)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM correction_report"))
    with Traffic(url) as traffic:
        migrated = subprocess.run(
            [sys.executable, "-c", f"from bot.knowledge.database import *; migrate(make_engine({url!r}))"], cwd=ROOT
        )
        assert migrated.returncode == 0 and revision(engine) == newest_revision()
        traffic.goes_on(3)
        downgrade(engine, "0004", lose=True)
        traffic.goes_on(3)
    assert traffic.faults == []
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM correction_report")).scalar() == traffic.rounds


def test_a_long_look_at_a_table_delays_the_migration_and_nobody_else(stocks, made):
    """On a server a change of a table waits for who reads it, and everybody else behind it: so it waits a second."""
    url = made(of=stocks("postgresql"))
    engine = make_engine(url)
    downgrade(engine, "0005", lose=True)
    downgrade(engine, "0004", lose=True)
    reader = make_engine(url).connect()
    reader.execute(text("SELECT count(*) FROM correction_report"))  # and does not end its transaction
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM correction_report WHERE false"))
    migrating = threading.Thread(target=migrate, args=(make_engine(url),))
    migrating.start()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM correction_report"))
    with Traffic(url) as traffic:
        traffic.goes_on(20)
        assert migrating.is_alive() and revision(engine) == "0004"
        reader.close()
        migrating.join(60)
        traffic.goes_on(3)
    assert traffic.faults == [] and revision(engine) == newest_revision()
    engine.dispose()
