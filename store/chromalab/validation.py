"""Arguments of the record calls, checked before anything is embedded or written.

Each check returns the value in the one form the engine takes, or raises a sentence that says what
was found and where.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any

import numpy as np

from chromalab.engine.values import Vectors
from chromalab.errors import (
    BatchSizeExceededError,
    DuplicateIDError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    near,
    short,
)
from chromalab.sparse import SparseVector

__all__ = [
    "MAX_BATCH_SIZE",
    "check_batch_size",
    "check_documents",
    "check_embeddings",
    "check_ids",
    "check_include",
    "check_key",
    "check_length",
    "check_limit",
    "check_max_distance",
    "check_metadata",
    "check_metadatas",
    "check_n_results",
    "check_name",
    "check_random_state",
    "check_text",
    "check_uris",
]

MAX_BATCH_SIZE = 5461
"""Records one call may carry; Chroma's figure, kept so that code moves between the two."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_INT64 = 2**63


def check_ids(ids: Any) -> list[str]:
    """Check ids: one or more, non-empty strings, none twice."""
    listed = [ids] if isinstance(ids, str) else _listed(ids, "ids", "strings")
    if not listed:
        raise InvalidArgumentError("ids is empty: give at least one id, or leave the argument out.")
    for row, id in enumerate(listed):
        if not isinstance(id, str):
            raise InvalidArgumentError(
                f"ids[{row}] is {short(id)}, of type {type(id).__name__}; an id is a string. Use str(...)."
            )
        if not id or "\0" in id:
            raise InvalidArgumentError(
                f"ids[{row}] is {short(id)}; an id is not empty and has no NUL character."
            )
    if len(set(listed)) < len(listed):
        seen: set[str] = set()
        twice = [id for id in listed if id in seen or seen.add(id)]  # type: ignore[func-returns-value]
        raise DuplicateIDError(
            f"{len(set(twice)):,} ids stand more than once in this call: {_several(twice)}. "
            "Each record needs an id of its own."
        )
    _encodable(listed, "ids")
    return listed


def check_length(what: str, found: int, ids: Sequence[str]) -> None:
    """Check that there is one value an id."""
    if found != len(ids):
        raise InvalidArgumentError(
            f"{what} has {found:,} values for {len(ids):,} ids; they must be of one length."
        )


def check_embeddings(embeddings: Any, what: str = "embeddings") -> Vectors:
    """Check embeddings: one row of finite numbers each, all of one length; (n, d) float32."""
    try:
        array = np.asarray(embeddings)
    except ValueError:
        lengths = sorted({len(row) if isinstance(row, Sized) else 1 for row in embeddings})
        found = f"of different lengths: {_several(lengths)}" if len(lengths) > 1 else "within rows"
        raise InvalidArgumentError(f"{what} has rows {found}.") from None
    if array.ndim == 1 and array.size and array.dtype.kind in "iuf":
        array = array[np.newaxis]
    if array.dtype.kind not in "iuf" or array.ndim != 2:
        raise InvalidArgumentError(
            f"{what} must be rows of numbers, of shape (n, dimension), not empty; "
            f"found {array.dtype} of shape {array.shape}."
        )
    if 0 in array.shape:
        raise InvalidArgumentError(f"{what} is empty: its shape is {array.shape}.")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise InvalidArgumentError(
            f"{what}[{int(np.argmin(finite))}] holds NaN or infinity "
            f"({int((~finite).sum()):,} of {len(rows):,} rows do)."
        )
    return rows


def check_documents(documents: Any, what: str = "documents") -> list[str | None]:
    """Check documents: strings, or None where a record has none."""
    listed = [documents] if isinstance(documents, str) else _listed(documents, what, "strings")
    for row, document in enumerate(listed):
        if document is not None and not isinstance(document, str):
            raise InvalidArgumentError(
                f"{what}[{row}] is {short(document)}, of type {type(document).__name__}, not a string."
            )
    _encodable(listed, what)
    return listed


def check_uris(uris: Any) -> list[str | None]:
    """Check uris: strings, or None."""
    return check_documents(uris, "uris")


def check_metadatas(metadatas: Any) -> list[dict[str, Any] | None]:
    """Check metadatas: a dict, or None, a record."""
    listed = (
        [metadatas] if isinstance(metadatas, Mapping) else _listed(metadatas, "metadatas", "dicts")
    )
    return [
        None if value is None else check_metadata(value, f"metadatas[{row}]", sparse=True)
        for row, value in enumerate(listed)
    ]


def check_metadata(
    metadata: Any, what: str = "metadata", *, sparse: bool = False
) -> dict[str, Any]:
    """Check one metadata dict; numpy's scalars become Python's, tuples are refused as in Chroma.

    Sparse vectors may be in it where `sparse` says so: in the metadata of records.
    """
    if not isinstance(metadata, Mapping):
        raise InvalidArgumentError(f"{what} is {short(metadata)}; metadata is a dict.")
    if not metadata:
        raise InvalidArgumentError(f"{what} is an empty dict; give a key, or None for no metadata.")
    return {
        _key(key, what): _value(value, f"{what}[{key[:80]!r}]", sparse)
        for key, value in metadata.items()
    }


def check_include(include: Any, allowed: Sequence[str]) -> list[str]:
    """Check `include`: a list of parts of a result."""
    if isinstance(include, str) or not isinstance(include, Iterable):
        raise InvalidArgumentError(
            f'include is a list such as ["documents"]; found {short(include)}.'
        )
    listed = list(include)
    for part in listed:
        if not isinstance(part, str) or part not in allowed:
            name = part if isinstance(part, str) else ""
            raise InvalidArgumentError(
                f"include cannot hold {short(part)}. {near(name, allowed, what='Parts')}"
            )
        if part == "data":
            raise InvalidArgumentError(
                "data is what a data loader reads, and there are none here yet: include uris."
            )
    return listed


def check_n_results(n_results: Any, what: str = "n_results") -> int:
    """Check `n_results`, or another count: a whole number from 1."""
    if isinstance(n_results, bool) or not isinstance(n_results, int | np.integer):
        raise InvalidArgumentError(f"{what} is a whole number; found {short(n_results)}.")
    if n_results < 1:
        raise InvalidArgumentTypeError(f"{what} must be at least 1; found {short(int(n_results))}.")
    return int(n_results)


def check_limit(what: str, value: Any) -> int | None:
    """Check `limit` or `offset`: a whole number from 0, or None."""
    if value is None:
        return None
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not 0 <= value < _INT64:
        raise InvalidArgumentError(
            f"{what} is a whole number from 0 to 2**63 - 1; found {short(value)}."
        )
    return int(value)


def check_random_state(value: Any) -> int:
    """Check a seed: a whole number from 0, so that what is drawn can be drawn again."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 0:
        raise InvalidArgumentError(
            f"random_state is a whole number, 0 or more; found {short(value)}."
        )
    return int(value)


def check_text(name: Any, what: str) -> str:
    """Check the name of a tenant or a database that is looked for: any text."""
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(f"The name of a {what} is a string; found {short(name)}.")
    _encodable([name], f"The name of a {what}")
    return name


def check_max_distance(value: Any) -> float:
    """Check `max_distance`: a number, which may be infinite."""
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or isinstance(value, bool) or value != value:
        raise InvalidArgumentError(f"max_distance is a number; found {short(value)}.")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def check_key(key: Any, what: str) -> str:
    """Check the name of a metadata key."""
    if not isinstance(key, str) or not key:
        raise InvalidArgumentError(
            f'{what} takes a metadata key, such as "year"; found {short(key)}.'
        )
    return key


def check_name(name: Any) -> str:
    """Check the name of a collection, by Chroma's rule."""
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(
            f"The name of a collection is a string; found {short(name)}."
        )
    if not _NAME.fullmatch(name) or ".." in name or _ADDRESS.fullmatch(name):
        raise InvalidArgumentError(
            f"{short(name)} is no name for a collection: 3 to 512 letters a-z, digits, '.', '_' or '-', "
            "starting and ending with a letter or digit, without '..', and no IP address."
        )
    return name


def check_batch_size(ids: Sequence[str]) -> None:
    """Check that one call does not carry too much."""
    if len(ids) > MAX_BATCH_SIZE:
        raise BatchSizeExceededError(
            f"{len(ids):,} records in one call; at most {MAX_BATCH_SIZE:,} go in together. "
            "collection.add_from(...) splits for you and shows its progress."
        )


def _listed(value: Any, what: str, of: str) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidArgumentError(f"{what} is a list of {of}; found {short(value)}.")
    return list(value)


def _key(key: Any, what: str) -> str:
    if not isinstance(key, str):
        raise InvalidArgumentTypeError(f"{what} has the key {short(key)}; keys are strings.")
    if not key or key.startswith(("#", "$")) or key == "chroma:document":
        raise InvalidArgumentError(
            f"{what} has the key {short(key)}; a key is not empty, does not start with '#' or '$', "
            "and is not 'chroma:document'."
        )
    _encodable([key], f"a key of {what}")
    return key


def _value(value: Any, what: str, sparse: bool = False) -> Any:
    if sparse and isinstance(value, SparseVector):
        _encodable(value.labels or (), what)
        return value
    if isinstance(value, np.generic) and value.dtype.kind not in "mM":  # times become bare ints
        value = value.item()
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        if len(kinds) != 1 or not kinds <= {str, int, float, bool}:
            raise InvalidArgumentError(
                f"{what} is {short(value)}; a list holds one or more str, int, float or bool, "
                "all of one type."
            )
        for item in value:
            _value(item, what)
        return value
    if value is not None and not isinstance(value, str | int | float | bool):
        raise InvalidArgumentError(
            f"{what} is {short(value)}, of type {type(value).__name__}; "
            "a value is a str, int, float, bool or a list of them."
        )
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise InvalidArgumentError(f"{what} is {short(value)}; whole numbers have at most 64 bits.")
    if isinstance(value, float) and not np.isfinite(value):
        raise InvalidArgumentError(f"{what} is {value}; leave the key out where there is no value.")
    if isinstance(value, str):
        _encodable([value], what)
    return value


def _encodable(texts: Iterable[str | None], what: str) -> None:
    """Refuse lone surrogates, which no file can hold."""
    for row, text in enumerate(texts):
        if text is not None and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InvalidArgumentError(
                    f"{what} holds text that is not valid Unicode (value {row}, character "
                    f"{error.start}). Read it with errors='replace'."
                ) from error


def _several(values: Sequence[Any]) -> str:
    shown = ", ".join(short(value) for value in values[:5])
    return shown if len(values) <= 5 else f"{shown}, ... (5 of {len(values):,} shown)"
