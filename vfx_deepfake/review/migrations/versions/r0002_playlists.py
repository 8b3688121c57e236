"""Playlists; and the verdict of QC on the version itself, so that a list need not add up the measures."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WORST_FIRST = ("fail", "look", "pass")


def upgrade() -> None:
    """Add the tables and the column, and fill it with the worst verdict of each version's measures."""
    op.create_table(
        "playlists",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("show", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.UniqueConstraint("show", "name", name="playlists_show_name"),
    )
    op.create_table(
        "playlist_items",
        sa.Column("playlist_id", sa.Integer, sa.ForeignKey("playlists.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), nullable=False),
    )
    op.add_column("versions", sa.Column("qc_verdict", sa.String(16), nullable=False, server_default=""))
    versions = sa.table("versions", sa.column("id"), sa.column("qc_verdict"))
    values = sa.table("qc_values", sa.column("version_id"), sa.column("verdict"))
    for verdict in reversed(WORST_FIRST):
        with_it = sa.select(values.c.version_id).where(values.c.verdict == verdict)
        op.execute(versions.update().where(versions.c.id.in_(with_it)).values(qc_verdict=verdict))
