"""Decisions measured on labelled pairs, and explained."""
