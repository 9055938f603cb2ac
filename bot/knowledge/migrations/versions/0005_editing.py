"""what editors change, and figures without content"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
loses = "every editor's own line (the files' lines hold again), the sources and bundles in the history, how reports were decided, and the figures."


def upgrade() -> None:
    op.create_table(
        "sheet_row",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("municipality_code", sa.String(length=4), nullable=False),
        sa.Column("sheet", sa.String(length=30), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("shipped", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("incoming", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_row")),
    )
    op.create_index(op.f("ix_sheet_row_municipality_code"), "sheet_row", ["municipality_code"])
    op.create_table(
        "usage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("municipality_code", sa.String(length=4), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("out_of_hours", sa.Boolean(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage")),
        sa.UniqueConstraint(
            "day", "topic", "municipality_code", "kind", "out_of_hours", name=op.f("uq_usage_day")
        ),
    )
    with op.batch_alter_table("table_version") as batch:
        batch.add_column(sa.Column("edition", sa.Integer(), nullable=False, server_default="0"))
    # Nothing has written to the history before this migration.
    with op.batch_alter_table("change") as batch:
        batch.add_column(sa.Column("batch", sa.String(length=36), nullable=False, server_default=""))
        batch.add_column(sa.Column("municipality_code", sa.String(length=4), nullable=False, server_default=""))
        batch.add_column(sa.Column("source", sa.Text(), nullable=True))
    for column in ("batch", "municipality_code", "record_id"):
        op.create_index(op.f(f"ix_change_{column}"), "change", [column])
    with op.batch_alter_table("correction_report") as batch:
        batch.add_column(sa.Column("reported_by", sa.String(length=10), nullable=False, server_default="citizen"))
        batch.add_column(sa.Column("accepted", sa.Boolean(), nullable=True))
        batch.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch.add_column(sa.Column("resolved_by", sa.String(length=80), nullable=True))
        batch.add_column(sa.Column("resolved_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("correction_report") as batch:
        for column in ("resolved_at", "resolved_by", "reason", "accepted", "reported_by"):
            batch.drop_column(column)
    for column in ("record_id", "municipality_code", "batch"):
        op.drop_index(op.f(f"ix_change_{column}"), "change")
    with op.batch_alter_table("change") as batch:
        for column in ("source", "municipality_code", "batch"):
            batch.drop_column(column)
    with op.batch_alter_table("table_version") as batch:
        batch.drop_column("edition")
    op.drop_table("usage")
    op.drop_index(op.f("ix_sheet_row_municipality_code"), "sheet_row")
    op.drop_table("sheet_row")
