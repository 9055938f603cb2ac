"""sms"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
loses = 'every message by SMS that is not answered or sent, whose number is whose, and who wrote STOP.'


def upgrade() -> None:
    op.create_table('sms_code',
    sa.Column('code', sa.String(length=8), nullable=False),
    sa.Column('sender', sa.String(length=64), nullable=False),
    sa.Column('conversation', sa.String(length=64), nullable=False),
    sa.Column('municipality_code', sa.String(length=4), nullable=False),
    sa.Column('expires_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_sms_code'))
    )
    op.create_index(op.f('ix_sms_code_expires_at'), 'sms_code', ['expires_at'], unique=False)
    op.create_table('sms_inbound',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('provider', sa.String(length=20), nullable=False),
    sa.Column('message_id', sa.String(length=80), nullable=False),
    sa.Column('sender', sa.String(length=64), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('danger', sa.Boolean(), nullable=False),
    sa.Column('redacted', sa.Boolean(), nullable=False),
    sa.Column('part_of', sa.String(length=40), nullable=True),
    sa.Column('part', sa.Integer(), nullable=True),
    sa.Column('parts', sa.Integer(), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('written_at', sa.DateTime(), nullable=False),
    sa.Column('received_at', sa.DateTime(), nullable=False),
    sa.CheckConstraint("state IN ('part', 'received', 'answered')", name=op.f('ck_sms_inbound_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sms_inbound')),
    sa.UniqueConstraint('provider', 'message_id', name=op.f('uq_sms_inbound_provider'))
    )
    op.create_index(op.f('ix_sms_inbound_sender'), 'sms_inbound', ['sender'], unique=False)
    op.create_index(op.f('ix_sms_inbound_state'), 'sms_inbound', ['state'], unique=False)
    op.create_table('sms_number',
    sa.Column('sender', sa.String(length=64), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('delete_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('sender', name=op.f('pk_sms_number'))
    )
    op.create_index(op.f('ix_sms_number_delete_at'), 'sms_number', ['delete_at'], unique=False)
    op.create_table('sms_opt_out',
    sa.Column('sender', sa.String(length=64), nullable=False),
    sa.Column('since', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('sender', name=op.f('pk_sms_opt_out'))
    )
    op.create_table('sms_person',
    sa.Column('sender', sa.String(length=64), nullable=False),
    sa.Column('held_by', sa.String(length=36), nullable=True),
    sa.Column('held_until', sa.DateTime(), nullable=True),
    sa.Column('told', sa.Boolean(), nullable=False),
    sa.Column('choices', sa.Text(), nullable=False),
    sa.Column('municipality_code', sa.String(length=4), nullable=False),
    sa.Column('conversation', sa.String(length=64), nullable=False),
    sa.Column('last_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('sender', name=op.f('pk_sms_person'))
    )
    op.create_table('sms_outbound',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('inbound_id', sa.Integer(), nullable=True),
    sa.Column('reference', sa.String(length=36), nullable=False),
    sa.Column('sender', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('segments', sa.Integer(), nullable=False),
    sa.Column('municipality_code', sa.String(length=4), nullable=False),
    sa.Column('asked_by', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(), nullable=False),
    sa.Column('error', sa.String(length=80), nullable=True),
    sa.Column('gateway_id', sa.String(length=80), nullable=True),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('done_at', sa.DateTime(), nullable=True),
    sa.CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed')", name=op.f('ck_sms_outbound_state')),
    sa.ForeignKeyConstraint(['inbound_id'], ['sms_inbound.id'], name=op.f('fk_sms_outbound_inbound_id_sms_inbound')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sms_outbound')),
    sa.UniqueConstraint('inbound_id', name=op.f('uq_sms_outbound_inbound_id')),
    sa.UniqueConstraint('reference', name=op.f('uq_sms_outbound_reference'))
    )
    op.create_index(op.f('ix_sms_outbound_gateway_id'), 'sms_outbound', ['gateway_id'], unique=False)
    op.create_index(op.f('ix_sms_outbound_sender'), 'sms_outbound', ['sender'], unique=False)
    op.create_index(op.f('ix_sms_outbound_state'), 'sms_outbound', ['state'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_sms_outbound_state'), table_name='sms_outbound')
    op.drop_index(op.f('ix_sms_outbound_sender'), table_name='sms_outbound')
    op.drop_index(op.f('ix_sms_outbound_gateway_id'), table_name='sms_outbound')
    op.drop_table('sms_outbound')
    op.drop_table('sms_person')
    op.drop_table('sms_opt_out')
    op.drop_index(op.f('ix_sms_number_delete_at'), table_name='sms_number')
    op.drop_table('sms_number')
    op.drop_index(op.f('ix_sms_inbound_state'), table_name='sms_inbound')
    op.drop_index(op.f('ix_sms_inbound_sender'), table_name='sms_inbound')
    op.drop_table('sms_inbound')
    op.drop_index(op.f('ix_sms_code_expires_at'), table_name='sms_code')
    op.drop_table('sms_code')
