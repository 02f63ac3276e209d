"""The fault harness: real workers on a real broker under a seeded schedule of faults, judged by the pure core.

python -m tests.e2e.faults --seeds 1-60 --jobs 3
"""
