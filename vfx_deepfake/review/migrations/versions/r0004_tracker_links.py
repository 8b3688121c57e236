"""What of ours is what of a tracker's."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table of links."""
    op.create_table(
        "tracker_links",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tracker", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("theirs", sa.String(255), nullable=False),
        sa.Column("ours", sa.String(64), nullable=False),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), index=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.UniqueConstraint("tracker", "kind", "theirs", name="tracker_links_theirs"),
    )
