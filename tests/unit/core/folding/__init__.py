"""Unit tests of `stream.core.folding`."""
