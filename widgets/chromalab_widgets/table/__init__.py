"""The table: the records of a collection as rows."""

__all__: list[str] = []
