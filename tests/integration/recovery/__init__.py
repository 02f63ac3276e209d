"""Logs that go back, on a real broker."""
