"""How fast agentkit is, side by side with peers in one run. `python -m benchmarks NAME`; ratios and medians."""
