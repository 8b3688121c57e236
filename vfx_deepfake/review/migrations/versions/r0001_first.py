"""Shots, runs, versions and what made them, QC numbers, events, notes, users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

REFUSE = "events are append-only: they are never changed and never removed"


def upgrade() -> None:
    """Make the tables, and have the database itself refuse to change an event."""
    _people_and_shots()
    _versions()
    _events()
    _notes()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _people_and_shots() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("added_at", sa.String(32), nullable=False),
        sa.CheckConstraint("role IN ('artist', 'supervisor', 'admin')", name="users_role"),
    )
    op.create_table(
        "shots",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("show", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.UniqueConstraint("show", "name", name="shots_show_name"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("shot_id", sa.Integer, sa.ForeignKey("shots.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("checkpoint_hash", sa.String(64), nullable=False, index=True),
        sa.Column("inputs_hash", sa.String(64), nullable=False),
        sa.Column("finished_at", sa.String(32), nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("release", sa.String(128), nullable=False),
        sa.Column("made_from", sa.JSON, nullable=False),
        sa.UniqueConstraint("shot_id", "number", name="runs_shot_number"),
    )


def _versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("shot_id", sa.Integer, sa.ForeignKey("shots.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("record_hash", sa.String(64), nullable=False),
        sa.Column("inputs_hash", sa.String(64), nullable=False),
        sa.Column("frames_hash", sa.String(64), nullable=False),
        sa.Column("frames", sa.Text, nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("release", sa.String(128), nullable=False),
        sa.Column("registered_at", sa.String(32), nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id")),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_at", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("shot_id", "number", name="versions_shot_number"),
        sa.CheckConstraint(
            "state IN ('pending_review', 'approved', 'changes_requested', 'superseded')", name="versions_state"
        ),
    )
    op.create_index("versions_state", "versions", ["state"])
    op.create_table(
        "parts",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "version_parts",
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), primary_key=True),
        sa.Column("area", sa.String(16), primary_key=True),
        sa.Column("digest", sa.String(64), sa.ForeignKey("parts.digest"), nullable=False, index=True),
        sa.CheckConstraint("area IN ('settings', 'key_frames', 'plate', 'data', 'code')", name="version_parts_area"),
    )
    op.create_table(
        "qc_values",
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), primary_key=True),
        sa.Column("measure", sa.String(64), primary_key=True),
        sa.Column("value", sa.Double),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("worst_frame", sa.Integer),
        sa.Column("more", sa.JSON, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("show", sa.String(64), nullable=False),
        sa.Column("shot", sa.String(64), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("events_of", "events", ["show", "shot", "version"])
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "digest": ""}])


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), nullable=False, index=True),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("first_frame", sa.Integer),
        sa.Column("last_frame", sa.Integer),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("drawing", sa.JSON, nullable=False),
        sa.Column("reply_to", sa.String(32), sa.ForeignKey("notes.id")),
        sa.Column("resolved_by", sa.String(64), nullable=False),
        sa.Column("resolved_at", sa.String(32), nullable=False),
    )


def _guard_sqlite() -> None:
    """INSERT OR REPLACE removes rows without firing a trigger of DELETE, so a number that is taken is refused too."""
    taken = "WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq)"
    for name, moment in (("update", "UPDATE"), ("delete", "DELETE"), ("replace", "INSERT")):
        condition = taken if moment == "INSERT" else ""
        op.execute(
            f"CREATE TRIGGER events_no_{name} BEFORE {moment} ON events {condition} BEGIN SELECT RAISE(ABORT, '{REFUSE}'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        f"CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{REFUSE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_refuse()"
    )
    op.execute(
        "CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()"
    )
