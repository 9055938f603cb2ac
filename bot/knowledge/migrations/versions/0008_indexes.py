"""indexes for what is asked often: what is due, what is open, who is there"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
loses = "nothing."

INDEXES = {
    "sms_inbound": [["received_at"]],
    "sms_outbound": [["due_at"], ["done_at"], ["asked_by"]],
    "correction_report": [["resolved", "table_name", "record_id"]],
    "audit": [["about"]],
    "handoff_request": [["ended_at"], ["number"]],
    "staff_session": [["polled_at"]],
}


def _each():
    for table, keys in INDEXES.items():
        for columns in keys:
            yield op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns


def upgrade() -> None:
    for name, table, columns in _each():
        op.create_index(name, table, columns, unique=False)


def downgrade() -> None:
    for name, table, _columns in _each():
        op.drop_index(name, table_name=table)
