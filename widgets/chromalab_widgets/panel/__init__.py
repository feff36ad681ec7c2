"""The panel: the collections of a store."""

__all__: list[str] = []
