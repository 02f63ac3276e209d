"""Unit tests of `stream.evaluation`."""
