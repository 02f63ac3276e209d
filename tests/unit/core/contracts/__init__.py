"""Unit tests of `stream.core.contracts`."""
