"""Real parts on loopback for tests: servers that speak a provider's wire format."""
