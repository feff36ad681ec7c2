"""The search panel: queries, their nearest records, and judgments on them."""

__all__: list[str] = []
