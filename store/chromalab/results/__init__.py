"""What calls return and how it is displayed: tables, Chroma's record results, reports, charts."""

__all__: list[str] = []
