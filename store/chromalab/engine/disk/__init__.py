"""The folder of a store: SQLite, the vector files, and what keeps both sound.

`store` opens it (`folder`, `journal`, `forks`), `schema` and `catalog` say what is in it, `records` and
`vectors` hold the rows, `generations` rewrites them (`compact`, `reembed`), `check` verifies everything.
"""

__all__ = [
    "catalog",
    "check",
    "check_records",
    "checksums",
    "compact",
    "configuration",
    "copies",
    "folder",
    "forks",
    "generations",
    "journal",
    "leftovers",
    "records",
    "reembed",
    "schema",
    "store",
    "tenants",
    "vectors",
]
