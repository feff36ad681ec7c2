"""Validation of the arguments of record calls: single values, whole calls, and filters typed as text."""

__all__: list[str] = []
