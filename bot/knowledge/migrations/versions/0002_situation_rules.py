"""situation rules"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
loses = 'the rules of situations; the next load brings them back.'


def upgrade() -> None:
    op.create_table(
        "situation_rule",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("minimum_age", sa.Integer(), nullable=True),
        sa.Column("maximum_age", sa.Integer(), nullable=True),
        sa.Column("department_type", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "words IS NOT NULL OR minimum_age IS NOT NULL OR maximum_age IS NOT NULL",
            name=op.f("ck_situation_rule_situation"),
        ),
        sa.ForeignKeyConstraint(["topic"], ["topic.code"], name=op.f("fk_situation_rule_topic_topic")),
        sa.ForeignKeyConstraint(
            ["department_type"],
            ["department_type.code"],
            name=op.f("fk_situation_rule_department_type_department_type"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_situation_rule")),
    )
    op.create_index(op.f("ix_situation_rule_topic"), "situation_rule", ["topic"])


def downgrade() -> None:
    op.drop_index(op.f("ix_situation_rule_topic"), "situation_rule")
    op.drop_table("situation_rule")
