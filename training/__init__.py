"""How the embedded model is taught agentkit's job: tasks, traces, training, export, evaluation. See README.md."""
