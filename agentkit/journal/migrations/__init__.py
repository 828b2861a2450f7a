"""The journal's schema over time: one module for each revision, run by Alembic (see `agentkit.journal.schema`)."""
