"""Unit tests: no broker, one module per module of `stream`."""
