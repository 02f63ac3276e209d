"""Unit tests of `stream.transport`."""
