"""Benchmarks on real news: ``python -m benchmarks --data FOLDER``. Nothing here is a test."""
