"""Which object store the transcripts of this database lie in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "object_stores",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("adopted_at", TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="object_stores_pkey"),
        sa.CheckConstraint("id = 1", name=op.f("object_stores_only_one_check")),
    )
