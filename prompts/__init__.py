"""The prompts of agentkit: Markdown files that `agentkit.prompt.load` reads."""
