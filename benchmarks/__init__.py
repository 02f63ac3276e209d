"""Benchmarks: ``python -m benchmarks --data FOLDER`` on real news. Nothing here is a test."""
