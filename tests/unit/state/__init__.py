"""Unit tests of `stream.state`."""
