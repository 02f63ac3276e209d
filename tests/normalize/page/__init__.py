"""Tests of stream.normalize.page."""
