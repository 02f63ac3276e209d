"""Fuzzing: hostile inputs, mutations of a small corpus, and a runner that fuzzes for minutes."""
