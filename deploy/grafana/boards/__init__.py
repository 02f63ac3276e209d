"""The dashboards as code, written out by ``generate.py``."""
