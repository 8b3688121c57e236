"""Who is logged in on the page, and who tried to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

REFUSE = "logins are append-only: they are never changed and never removed"


def upgrade() -> None:
    """Add the tables, and have the database itself refuse to change what it says of logins."""
    op.create_table(
        "web_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(64), nullable=False, index=True),
        sa.Column("opened_at", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "logins",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.CheckConstraint("outcome IN ('login', 'logout', 'refused', 'too_many')", name="logins_outcome"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for name in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER logins_no_{name} BEFORE {name} ON logins BEGIN SELECT RAISE(ABORT, '{REFUSE}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION logins_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{REFUSE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER logins_no_change BEFORE UPDATE OR DELETE ON logins FOR EACH ROW EXECUTE FUNCTION logins_refuse()"
    )
    op.execute(
        "CREATE TRIGGER logins_no_truncate BEFORE TRUNCATE ON logins FOR EACH STATEMENT EXECUTE FUNCTION logins_refuse()"
    )
