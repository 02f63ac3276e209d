"""Tests of `stream.core.notices`."""
