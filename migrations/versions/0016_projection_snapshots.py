"""Which copies of the projected tables there are; each lies in a schema of its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "projection_snapshots",
        sa.Column("position", sa.BigInteger, autoincrement=False),
        sa.Column("form", sa.LargeBinary, nullable=False),
        sa.Column(
            "made_at",
            TIMESTAMP(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
        ),
        sa.PrimaryKeyConstraint("position", name="projection_snapshots_pkey"),
    )
