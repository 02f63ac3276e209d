"""Unit tests of `stream.transport.kafka`."""
