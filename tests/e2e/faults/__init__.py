"""The fault harness: real workers on a real broker under a seeded schedule of faults, judged by the pure core.

PYTHONPATH=tests python -m faults --seeds 1-60 --jobs 3
"""
