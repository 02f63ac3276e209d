"""Unit tests of `stream.recovery`."""
