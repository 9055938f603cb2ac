"""feedback"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
loses = 'which answers helped, and what people missed in them.'


def upgrade() -> None:
    about = (("topic", 40), ("municipality_code", 4), ("facet", 20))
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in about),
        sa.Column("helped", sa.Integer(), nullable=False),
        sa.Column("not_helped", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("topic", "municipality_code", "facet", name=op.f("uq_feedback_topic")),
    )
    op.create_table(
        "feedback_reason",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in about),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_reason")),
    )


def downgrade() -> None:
    op.drop_table("feedback_reason")
    op.drop_table("feedback")
