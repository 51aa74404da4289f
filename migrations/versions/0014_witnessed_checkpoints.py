"""Checkpoints of other servers that this one witnesses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    ids = sa.Sequence("witnessed_checkpoint_ids", data_type=sa.BigInteger)
    op.execute(sa.schema.CreateSequence(ids))
    op.create_table(
        "witnessed_checkpoints",
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("contradicts", sa.BigInteger),
        sa.Column("received_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="witnessed_checkpoints_pkey"),
    )
    for column in ("position", "id"):
        op.create_index(
            f"witnessed_checkpoints_public_key_{column}_idx",
            "witnessed_checkpoints",
            ["public_key", column],
        )
