"""Unit tests of the build scripts."""
