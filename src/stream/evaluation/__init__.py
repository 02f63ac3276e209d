"""Measure and explain duplicate decisions on labelled pairs of articles."""
