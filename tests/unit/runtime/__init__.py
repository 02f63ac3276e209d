"""Unit tests of `stream.runtime`."""
