"""Tests of stream.normalize.url."""
