"""Filters: the language of `where`, metadata as columns, and the search for matching records.

`clauses` defines and parses the language, with `dates`. `columns`, with `dictionary`, evaluates comparisons for
all records at once. `matching` combines ids, metadata and documents. No module here imports `index`.
"""

__all__ = [
    "clauses",
    "columns",
    "dates",
    "dictionary",
    "matching",
]
