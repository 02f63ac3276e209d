"""Unit tests of `stream.transport.memory`."""
