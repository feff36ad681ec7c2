"""The map: the records of a collection as points."""

__all__: list[str] = []
