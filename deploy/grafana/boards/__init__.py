"""The dashboards as code; ``generate.py`` writes their JSON."""
