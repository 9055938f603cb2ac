"""The migrations make exactly the tables of the models."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from bot.handoff import models as handoff
from bot.knowledge import models as knowledge
from bot.knowledge.database import make_engine, migrate
from tests.databases import new_database, own_engine


@pytest.fixture(scope="module")
def fresh(empty, tmp_path_factory):
    with own_engine(new_database(empty, tmp_path_factory.mktemp("migrations"))) as engine:
        migrate(engine)
        yield engine


@pytest.mark.parametrize("models", [knowledge, handoff], ids=["knowledge", "handoff"])
def test_models_and_migrations_agree(fresh, models):
    ours = models.Base.metadata.tables
    with fresh.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _parents: kind != "table" or name in ours}
        )
        assert compare_metadata(context, models.Base.metadata) == []


def test_in_a_file_what_is_deleted_is_overwritten_and_keys_hold(tmp_path):
    with make_engine(f"sqlite:///{tmp_path}/table.db").connect() as connection:
        assert connection.execute(text("PRAGMA secure_delete")).scalar_one() == 1
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_keys_hold_on_the_connection_that_migrated(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/table.db")
    migrate(engine)
    with engine.connect() as connection:  # the one that is kept: SQLite was told to let go of them for the while
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
