"""Which records: the language of `where`, metadata as columns, and what a filter picked.

`clauses` parses and defines it, `columns` answers it for all records at once, `matching` puts ids,
metadata and documents together.
"""

__all__ = [
    "clauses",
    "columns",
    "dictionary",
    "matching",
]
