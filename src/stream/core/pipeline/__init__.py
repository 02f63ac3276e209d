"""The two steps, record in and records out, for every shell."""
