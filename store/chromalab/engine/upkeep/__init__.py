"""What rewrites or verifies a whole collection, or a whole store."""

__all__: list[str] = []
