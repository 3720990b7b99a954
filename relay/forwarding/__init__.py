"""Towards the smarthost: one answer for many copies."""
