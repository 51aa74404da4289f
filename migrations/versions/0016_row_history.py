"""How far the row history goes, and which of its positions were verified."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "row_history_state",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("form", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="row_history_state_pkey"),
        sa.CheckConstraint("id = 1", name=op.f("row_history_state_only_one_check")),
    )
    op.create_table(
        "verified_snapshots",
        sa.Column("position", sa.BigInteger, autoincrement=False),
        sa.Column("form", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("tables", JSONB, nullable=False),
        sa.Column("verified_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("position", name="verified_snapshots_pkey"),
    )
