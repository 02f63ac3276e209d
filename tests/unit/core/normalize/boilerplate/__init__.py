"""Tests of stream.core.normalize.boilerplate."""
