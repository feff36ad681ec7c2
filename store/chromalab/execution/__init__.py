"""Chroma's package of search expressions."""
