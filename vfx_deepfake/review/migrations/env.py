"""Run by Alembic: the connection, its transaction and the target come from :mod:`vfx_deepfake.review.schema`."""

from alembic import context

from vfx_deepfake.review.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
