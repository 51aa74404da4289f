"""Counts that all processes share, and the networks from which people signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "counts",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("most", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="counts_pkey"),
    )
    op.create_index("counts_ends_at_idx", "counts", ["ends_at"])
    op.create_table(
        "known_networks",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "network", name="known_networks_pkey"),
    )
    op.create_index("known_networks_seen_at_idx", "known_networks", ["seen_at"])
