"""The folder of a store: SQLite, the vector files, and what keeps both sound.

`store` opens it (`folder`, `journal`, `process_forks`), `schema` and `catalog` say what is in it, `records` and
`vectors` hold the rows, `view` says which of them live.
"""

__all__ = [
    "catalog",
    "checksums",
    "collection_forks",
    "folder",
    "journal",
    "leftovers",
    "pending",
    "process_forks",
    "records",
    "schema",
    "store",
    "tenants",
    "turned_rows",
    "vectors",
    "view",
]
