"""Tests of stream.normalize.language."""
