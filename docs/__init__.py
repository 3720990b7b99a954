"""Texts for people, and what writes and checks the parts of them that code knows best."""
