"""Tests of stream.core.normalize.dates."""
