"""`python -m agentkit.cli` is `run-agent`."""

from agentkit.cli import main

main()
