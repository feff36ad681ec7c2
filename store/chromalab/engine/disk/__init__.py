"""The folder of a store: the SQLite file, the vector files, and what keeps both consistent.

`store` opens the folder (with `folder`, `schema` and `process_forks`). `catalog` and `tenants` list
the collections, `records`, `attachments` and `vectors` hold their data, and `view` tells which
records are live. `mapped_rows` and `leftovers` handle derived and unused files. No module here
imports `filter` or `index`.
"""

__all__ = [
    "attachments",
    "catalog",
    "folder",
    "leftovers",
    "mapped_rows",
    "process_forks",
    "records",
    "schema",
    "store",
    "tenants",
    "vectors",
    "view",
]
