"""Tests of the two transports."""
