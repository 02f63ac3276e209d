"""Tests of stream.core.normalize.language."""
