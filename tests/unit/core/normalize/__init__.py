"""Tests of the normalization steps, one module for each."""
