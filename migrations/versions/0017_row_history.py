"""The row history takes the place of the copies of the projected tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "0017"
down_revision = "0016"

DROP_COPIES = r"""
DO $$
DECLARE copy name;
BEGIN
    FOR copy IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^snapshot_[0-9]{1,19}$' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', copy);
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.drop_table("projection_snapshots")
    op.execute(DROP_COPIES)
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
