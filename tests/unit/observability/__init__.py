"""Unit tests of `stream.observability`."""
