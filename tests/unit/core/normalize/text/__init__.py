"""Tests of stream.core.normalize.text."""
