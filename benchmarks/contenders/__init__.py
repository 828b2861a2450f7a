"""Scripts that run in an environment of their own; see benchmarks/overhead.py."""
