"""Unit tests of `stream.dead_letters`."""
