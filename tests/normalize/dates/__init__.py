"""Tests of stream.normalize.dates."""
