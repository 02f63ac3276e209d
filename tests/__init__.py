"""Tests; run as a package from the project's root."""
