"""Fuzzing: hostile input by the piece, mutations of a small corpus, and a runner that works for minutes."""
