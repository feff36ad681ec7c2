"""Checks of single arguments, made before anything is embedded or written.

Each check returns the value in the form that the engine accepts, or raises an error that names the
argument and shows the invalid value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.conversion import array_of, is_missing, items, plain, rows_of_table
from chromalab.engine.values import Vectors
from chromalab.errors import (
    BatchSizeExceededError,
    DuplicateIDError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    near,
    short,
)
from chromalab.results.metadata import ALL, Show
from chromalab.results.tables import count
from chromalab.sparse import SparseVector

__all__ = [
    "MAX_BATCH_SIZE",
    "check_batch_rows",
    "check_batch_size",
    "check_documents",
    "check_embeddings",
    "check_field",
    "check_finite",
    "check_ids",
    "check_include",
    "check_length",
    "check_limit",
    "check_max_distance",
    "check_metadata",
    "check_metadatas",
    "check_n_results",
    "check_name",
    "check_random_state",
    "check_show",
    "check_text",
    "check_uris",
]

MAX_BATCH_SIZE = 5461
"""The maximum number of records per call, the same as in Chroma, so that code is portable."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_INT64 = 2**63
_LARGEST_ARRAY = 64  # numbers in an array of metadata; the embeddings of models are larger


def check_ids(ids: Any, *, paired: bool = False) -> list[str]:
    """Check ids: at least one, all of them unique, non-empty strings.

    Args:
        ids: A single id, or a list or a column of them.
        paired: Whether each id belongs to a value of another list, so that a set has no meaning.
    """
    if paired:
        _ordered(ids, "ids")
    listed = _listed(ids, "ids", "string IDs")
    if not listed:
        raise InvalidArgumentError(
            "ids must not be empty. Give at least one ID, or omit the argument."
        )
    for row, id in enumerate(listed):
        if id is None:
            raise InvalidArgumentError(
                f"ids[{row}] must be a string; got a missing value. Every record needs an ID."
            )
        if not isinstance(id, str):
            raise InvalidArgumentError(
                f"ids[{row}] must be a string; got {short(id)}, of type {type(id).__name__}. "
                "Convert the ID with str(...)."
            )
        if not id or "\0" in id:
            raise InvalidArgumentError(
                f"ids[{row}] must be a non-empty string without NUL characters; got {short(id)}. "
                "Give the record another ID."
            )
    if len(set(listed)) < len(listed):
        seen: set[str] = set()
        repeated = [id for id in listed if id in seen or seen.add(id)]  # type: ignore[func-returns-value]
        raise DuplicateIDError(
            f"ids must be unique; got {count(len(set(repeated)), 'duplicate id')} in this call: "
            f"{_several(repeated)}. Give each record its own ID."
        )
    _encodable(listed, "ids")
    return listed


def check_length(what: str, length: int, ids: Sequence[str]) -> None:
    """Check that there is one value per id."""
    if length != len(ids):
        raise InvalidArgumentError(
            f"{what} must have one value per id; got {count(length, 'value')} for "
            f"{count(len(ids), 'id')}."
        )


def check_embeddings(embeddings: Any, what: str = "embeddings") -> Vectors:
    """Check embeddings: rows of finite numbers, all of the same length.

    Returns:
        (n, dimension) float32.
    """
    _ordered(embeddings, what)
    if isinstance(embeddings, Iterator):
        embeddings = list(embeddings)
    try:
        array = array_of(embeddings)
    except ValueError:
        lengths = sorted({len(row) if isinstance(row, Sized) else 1 for row in embeddings})
        found = f"of different lengths: {_several(lengths)}" if len(lengths) > 1 else "within rows"
        raise InvalidArgumentError(
            f"{what} must be rows of numbers, all of the same length; got rows {found}."
        ) from None
    if array.ndim == 1 and array.size and array.dtype.kind in "iuf":
        array = array[np.newaxis]
    if array.dtype.kind not in "iuf" or array.ndim != 2:
        raise InvalidArgumentError(
            f"{what} must be rows of numbers, of shape (n, dimension), and not empty; "
            f"got {array.dtype} of shape {array.shape}.{_embeddings_hint(array, what)}"
        )
    if 0 in array.shape:
        raise InvalidArgumentError(
            f"{what} must not be empty; got an array of shape {array.shape}."
        )
    rows = array
    if array.dtype != np.float32 or not array.flags.c_contiguous:
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(rows).all():
        finite = np.isfinite(rows).all(axis=1)
        raise InvalidArgumentError(
            f"{what} must be finite numbers; got NaN or infinity in {int((~finite).sum()):,} of "
            f"{count(len(rows), 'row')}, first in {what}[{int(np.argmin(finite))}]."
        )
    return rows


def check_documents(documents: Any, what: str = "documents") -> list[str | None]:
    """Check documents: strings, or None for a record without one, which a missing value means, too."""
    _ordered(documents, what)
    listed = _listed(documents, what, "strings")
    for row, document in enumerate(listed):
        if document is not None and not isinstance(document, str):
            raise InvalidArgumentError(
                f"{what}[{row}] must be a string; got {short(document)}, of type "
                f"{type(document).__name__}."
            )
    _encodable(listed, what)
    return listed


def check_uris(uris: Any) -> list[str | None]:
    """Check URIs: strings, or None for a record without one."""
    return check_documents(uris, "uris")


def check_metadatas(metadatas: Any) -> list[dict[str, Any] | None]:
    """Check metadatas: one dict or None per record, or a table with one row per record."""
    listed = [metadatas]
    if not isinstance(metadatas, Mapping):
        _ordered(metadatas, "metadatas")
        table = rows_of_table(metadatas)
        listed = _listed(metadatas, "metadatas", "dicts") if table is None else table[0]
    return [
        None if value is None else check_metadata(value, f"metadatas[{row}]", sparse=True)
        for row, value in enumerate(listed)
    ]


def check_metadata(
    metadata: Any, what: str = "metadata", *, sparse: bool = False
) -> dict[str, Any]:
    """Check one metadata dict; the values become Python's, and tuples are rejected as in Chroma.

    A missing value (NaN, NaT, pandas.NA) is None, and dates become ISO texts.

    Args:
        metadata: The dict.
        what: The name of the argument, for messages.
        sparse: Whether sparse vectors are allowed, as they are in the metadata of records.
    """
    if not isinstance(metadata, Mapping):
        raise InvalidArgumentError(f"{what} must be a dict; got {short(metadata)}.")
    if not metadata:
        raise InvalidArgumentError(
            f"{what} must not be an empty dict. Give at least one key, or None for no metadata."
        )
    return {
        _key(key, what): _value(value, f"{what}[{key[:80]!r}]", sparse)
        for key, value in metadata.items()
    }


def check_include(include: Any, allowed: Sequence[str]) -> list[str]:
    """Check `include`: a list of the parts of records to return."""
    if isinstance(include, str) or not isinstance(include, Iterable):
        raise InvalidArgumentError(
            f'include must be a list such as ["documents"]; got {short(include)}.'
        )
    listed = list(include)
    for part in listed:
        if not isinstance(part, str) or part not in allowed:
            name = part if isinstance(part, str) else ""
            raise InvalidArgumentError(
                f"include has no part {short(part)}. {near(name, allowed, what='Parts')}"
            )
    return listed


def check_show(show: Any) -> Show:
    """Check `show`: metadata keys, "all" of them, or None for the default ones."""
    if show is None or (isinstance(show, str) and show == ALL):
        return show
    listed = None if isinstance(show, str) else items(show, "show")
    if listed is None:
        raise InvalidArgumentError(
            f'show must be a list of metadata keys, or "{ALL}"; got {short(show)}.'
        )
    return list(dict.fromkeys(check_field(key, "show") for key in listed))


def is_integer(value: Any) -> bool:
    """Return whether a value is an integer of Python or numpy; a boolean is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return whether a value is a real number of Python or numpy, NaN included; a boolean is none."""
    return is_integer(value) or isinstance(value, float | np.floating)


def check_integer(what: str, value: Any, low: int, high: int | None = None) -> int:
    """Check an integer in a range.

    Example:
        >>> check_integer("k", 0, 1)
        Traceback (most recent call last):
        chromalab.errors.InvalidArgumentError: k must be an integer ≥ 1; got 0.
    """
    if not is_integer(value) or value < low or (high is not None and value > high):
        range = f"≥ {low:,}" if high is None else f"from {low:,} to {high:,}"
        raise InvalidArgumentError(f"{what} must be an integer {range}; got {short(value)}.")
    return int(value)


def check_number(what: str, value: Any, low: float, high: float) -> float:
    """Check a number in a range."""
    if not is_number(value) or not low <= value <= high:
        raise InvalidArgumentError(
            f"{what} must be a number from {low:,} to {high:,}; got {short(value)}."
        )
    return float(value)


def check_finite(value: Any, what: str) -> float:
    """Check a number that is neither NaN nor infinite, nor too large for a float."""
    try:
        number = float(value) if is_number(value) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidArgumentTypeError(f"{what} must be a finite number; got {short(value)}.")
    return number


def check_n_results(n_results: Any, what: str = "n_results") -> int:
    """Check `n_results` or another count: an integer of at least 1."""
    if not is_integer(n_results):
        raise InvalidArgumentError(f"{what} must be an integer; got {short(n_results)}.")
    if n_results < 1:
        raise InvalidArgumentTypeError(f"{what} must be at least 1; got {short(int(n_results))}.")
    return int(n_results)


def check_limit(what: str, value: Any) -> int | None:
    """Check `limit` or `offset`: a non-negative integer or None."""
    if value is None:
        return None
    if not is_integer(value) or not 0 <= value < _INT64:
        raise InvalidArgumentError(
            f"{what} must be an integer from 0 to 2**63 - 1; got {short(value)}."
        )
    return int(value)


def check_random_state(value: Any) -> int:
    """Check a seed: an integer of 32 bits, as in scikit-learn, so that every result is reproducible."""
    return check_integer("random_state", value, 0, 2**32 - 1)


def check_text(name: Any, what: str) -> str:
    """Check the name of a tenant, a database or the like, which may be any text."""
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(f"The name of a {what} must be a string; got {short(name)}.")
    _encodable([name], f"The name of a {what}")
    return name


def check_max_distance(value: Any) -> float:
    """Check `max_distance`: a number, which may be infinite but not NaN."""
    if not is_number(value) or value != value:
        raise InvalidArgumentError(f"max_distance must be a number; got {short(value)}.")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def check_field(field: Any, what: str) -> str:
    """Check the name of a metadata key."""
    if not isinstance(field, str) or not field:
        raise InvalidArgumentError(
            f'{what} must be a metadata key, such as "year"; got {short(field)}.'
        )
    return field


def check_name(name: Any) -> str:
    """Check the name of a collection by Chroma's rules."""
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(
            f"The name of a collection must be a string; got {short(name)}."
        )
    if not _NAME.fullmatch(name) or ".." in name or _ADDRESS.fullmatch(name):
        raise InvalidArgumentError(
            "The name of a collection must have 3 to 512 characters from a-z, A-Z, 0-9, '.', '_' and '-', "
            "start and end with a letter or digit, not contain '..', and not be an IP address; "
            f"got {short(name)}."
        )
    return name


def check_batch_rows(batch_size: Any) -> int:
    """Check `batch_size`: the number of rows to write at a time."""
    return check_integer("batch_size", batch_size, 1, MAX_BATCH_SIZE)


def check_batch_size(ids: Sequence[str]) -> None:
    """Check that one call does not contain too many records."""
    if len(ids) > MAX_BATCH_SIZE:
        raise BatchSizeExceededError(
            f"The batch size must be at most {MAX_BATCH_SIZE:,} records; got {len(ids):,}. "
            "Use collection.add_from(...), which splits the records into batches and shows its progress."
        )


def _listed(value: Any, what: str, of: str) -> list[Any]:
    """List the values of any kind of list or column; a single string is a list of one."""
    if type(value) is str:
        return [value]
    if type(value) is list and all(type(item) is str for item in value):
        return list(value)  # as most lists are
    listed = items(value, what)
    if listed is None and isinstance(single := plain(value), str):
        listed = [single]
    if listed is None:
        raise InvalidArgumentError(f"{what} must be a list of {of}; got {short(value)}.")
    return listed


def _ordered(values: Any, what: str) -> None:
    if isinstance(values, set | frozenset):
        raise InvalidArgumentError(
            f"{what} must be a list, because its values are paired with those of other lists by position; "
            f"got a {type(values).__name__}, which has no order. Pass sorted({what}), or a list."
        )


def _embeddings_hint(array: NDArray[Any], what: str) -> str:
    if array.dtype.kind == "O" and array.ndim == 1:
        missing = [row for row, value in enumerate(array) if is_missing(value)]
        if missing:
            return (
                f" No embedding in {count(len(missing), 'row')}, first {what}[{missing[0]}]. Leave these "
                "records out, or embed them."
            )
    first = array.flat[0] if array.dtype.kind in "UO" and array.size else None
    if isinstance(first, str) and first.lstrip().startswith("["):
        return " Parse the texts first: [json.loads(text) for text in ...]."
    return ""


def _key(key: Any, what: str) -> str:
    if not isinstance(key, str):
        raise InvalidArgumentTypeError(f"The keys of {what} must be strings; got {short(key)}.")
    if not key or key.startswith(("#", "$")) or key == "chroma:document":
        raise InvalidArgumentError(
            f"A key of {what} must not be empty, start with '#' or '$', or be 'chroma:document'; "
            f"got {short(key)}."
        )
    _encodable([key], f"A key of {what}")
    return key


def _value(value: Any, what: str, sparse: bool = False) -> Any:
    if sparse and isinstance(value, SparseVector):
        _encodable(value.labels or (), what)
        return value
    given, value = value, plain(value)
    if isinstance(value, list) and not isinstance(given, list) and len(value) > _LARGEST_ARRAY:
        raise InvalidArgumentError(
            f"{what} must not be a vector; got an array of {len(value):,} values. Pass it in embeddings, or "
            "call tolist() if it is metadata."
        )
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        if len(kinds) != 1 or not kinds <= {str, int, float, bool}:
            raise InvalidArgumentError(
                f"{what} must be a list of at least one str, int, float or bool, all of the same type; "
                f"got {short(value)}."
            )
        for item in value:
            _value(item, what)
        return value
    if value is not None and not isinstance(value, str | int | float | bool):
        raise InvalidArgumentError(
            f"{what} must be a str, an int, a float, a bool or a list of one of these; got "
            f"{short(value)}, of type {type(value).__name__}."
        )
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise InvalidArgumentError(f"{what} must fit in 64 bits; got {short(value)}.")
    if isinstance(value, float) and not np.isfinite(value):
        raise InvalidArgumentError(
            f"{what} must be a finite number; got {value}. Omit the key if there is no value."
        )
    if isinstance(value, str):
        _encodable([value], what)
    return value


def _encodable(texts: Iterable[str | None], what: str) -> None:
    """Reject lone surrogates, which cannot be encoded as UTF-8."""
    for row, text in enumerate(texts):
        if text is not None and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InvalidArgumentError(
                    f"{what} must be text that can be encoded; got text that is not valid Unicode "
                    f"(value {row}, character {error.start}). Decode it with errors='replace'."
                ) from error


def _several(values: Sequence[Any]) -> str:
    shown = ", ".join(short(value) for value in values[:5])
    return shown if len(values) <= 5 else f"{shown}, ... (5 of {len(values):,} shown)"
