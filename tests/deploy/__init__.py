"""Tests of what is in `deploy/`, and of the files that start it."""
