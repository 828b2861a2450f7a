"""No test writes to the journal in the user's data directory; those of the journal name one of their own."""

import os

os.environ["AGENTKIT_JOURNAL"] = "off"
