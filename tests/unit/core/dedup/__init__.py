"""Unit tests of `stream.core.dedup`."""
