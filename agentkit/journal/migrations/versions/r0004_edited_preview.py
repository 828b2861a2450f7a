"""What the tool said of arguments that a person gave with a yes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("approvals", sa.Column("edited_preview", sa.Text))
