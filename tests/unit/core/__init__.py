"""Unit tests of `stream.core`."""
