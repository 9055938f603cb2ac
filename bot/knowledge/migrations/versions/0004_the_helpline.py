"""the helpline: its people, requests for a human, and what was written between the two"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
loses = 'the accounts of the console, their trace, every request for a human with what was written, and the counts of them.'


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("staff_id", sa.String(length=36), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "desk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("calls_per_hour", sa.Integer(), nullable=False),
        sa.Column("closed_days", sa.Text(), nullable=False),
        sa.CheckConstraint("calls_per_hour > 0", name=op.f("ck_desk_calls_per_hour")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk")),
    )
    op.create_table(
        "handoff_tally",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("in_time", sa.Boolean(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff_tally")),
        sa.UniqueConstraint("day", "kind", "outcome", "in_time", name=op.f("uq_handoff_tally_day")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("development", sa.Boolean(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_login")),
    )
    op.create_table(
        "handoff_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=True),
        sa.Column("wish", sa.String(length=16), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=True),
        sa.Column("municipality_code", sa.String(length=4), nullable=True),
        sa.Column("danger", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("promised_from", sa.DateTime(), nullable=False),
        sa.Column("promised_to", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(), nullable=True),
        sa.Column("claimed_by", sa.String(length=36), nullable=True),
        sa.Column("claimed_at", sa.DateTime(), nullable=True),
        sa.Column("in_time", sa.Boolean(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind = 'chat' OR number IS NOT NULL OR ended_at IS NOT NULL", name=op.f("ck_handoff_request_number")
        ),
        sa.CheckConstraint("kind IN ('call', 'chat')", name=op.f("ck_handoff_request_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'claimed', 'done', 'unreached', 'handed_back', 'withdrawn', 'expired')",
            name=op.f("ck_handoff_request_state"),
        ),
        sa.ForeignKeyConstraint(
            ["claimed_by"], ["staff.id"], name=op.f("fk_handoff_request_claimed_by_staff"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff_request")),
    )
    op.create_index(op.f("ix_handoff_request_created_at"), "handoff_request", ["created_at"], unique=False)
    op.create_index(op.f("ix_handoff_request_sender"), "handoff_request", ["sender"], unique=False)
    op.create_index(op.f("ix_handoff_request_state"), "handoff_request", ["state"], unique=False)
    op.create_index(
        "uq_handoff_request_open",
        "handoff_request",
        ["sender"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "staff_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("municipality_code", sa.String(length=4), nullable=False),
        sa.CheckConstraint("(role = 'editor') = (municipality_code <> '')", name=op.f("ck_staff_role_scope")),
        sa.CheckConstraint(
            "role IN ('volunteer', 'editor', 'coordinator', 'administrator')", name=op.f("ck_staff_role_role")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_role_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_role")),
        sa.UniqueConstraint("staff_id", "role", "municipality_code", name=op.f("uq_staff_role_staff_id")),
    )
    op.create_index(op.f("ix_staff_role_staff_id"), "staff_role", ["staff_id"], unique=False)
    op.create_table(
        "staff_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=36), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("polled_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id_staff"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_session")),
    )
    op.create_index(op.f("ix_staff_session_staff_id"), "staff_session", ["staff_id"], unique=False)
    op.create_table(
        "handoff_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("author", sa.String(length=6), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("danger", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("author IN ('person', 'staff')", name=op.f("ck_handoff_message_author")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["handoff_request.id"],
            name=op.f("fk_handoff_message_request_id_handoff_request"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoff_message")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_handoff_message_request_id"), "handoff_message", ["request_id"], unique=False)


def downgrade() -> None:
    for table in (
        "handoff_message",
        "staff_session",
        "staff_role",
        "handoff_request",
        "staff",
        "handoff_tally",
        "desk",
        "audit",
    ):
        op.drop_table(table)
