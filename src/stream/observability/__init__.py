"""Metrics, logs, consumer lag and progress."""
