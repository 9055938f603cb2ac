"""Alembic runs this for every migration; `bot.knowledge.database.migrate` hands it the connection."""

from alembic import context

from bot.knowledge.sms import Base  # with all tables: it builds on those of `models`

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
