"""Tests of stream.normalize.text."""
