"""Tests of stream.normalize.furniture."""
