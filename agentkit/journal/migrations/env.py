"""What Alembic runs to bring a journal up to date, on the connection that it is given."""

from alembic import context

from agentkit.journal.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
