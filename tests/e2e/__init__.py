"""End-to-end tests: faults, soak and monitoring."""
