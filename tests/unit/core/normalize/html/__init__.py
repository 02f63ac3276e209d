"""Tests of stream.core.normalize.html."""
