"""Unit tests of `stream.core.pipeline`."""
