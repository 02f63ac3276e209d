"""Tests of stream.core.normalize.url."""
