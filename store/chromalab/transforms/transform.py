"""`Transform`: a learned map of embeddings, stored as plain arrays with a record of its training."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.record_transform import RecordTransform, lengths_of, mapped
from chromalab.errors import InvalidArgumentError, InvalidDimensionException

__all__ = ["Transform", "pack_arrays", "unpack_arrays"]

_ARRAYS = ("matrix", "keys", "shifts")
# numpy parses array headers with `ast`, which can fail in Python 3.11 when two threads use it at once:
# https://github.com/python/cpython/issues/106905
_READING = threading.Lock()
_SHARPNESS = (
    10.0  # In a memory, a key at cosine 0.9 weighs e**-1 times as much as one at cosine 1.0.
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Transform:
    """A map of queries, or of queries and records, that brings queries closer to their answers.

    A transform changes directions and preserves lengths, so the identity matrix changes nothing in
    any space.

    Attributes:
        name: The name, unique within a collection.
        method: How it was learned: "infonce", "mahalanobis", "ridge", "memory" or "identity".
        both: Whether records are mapped too. If not, the index is used unchanged.
        matrix: (d, d) float32, applied as `matrix @ x`.
        keys: (m, d) float32, unit length: the judged queries of a memory; m may be 0.
        shifts: (m, d) float32: how far each key moves the queries near it.
        model: The fingerprint of the embedding function that it belongs to.
        space: The distance of the collection that it was learned for.
        judgments: The digest of the judgments that it was trained on.
        evaluation: Plain JSON: the evaluation by which it was admitted or refused.
        parameters: The options it was learned with, including the seed.
        at: When it was made, in UTC.

    Raises:
        InvalidArgumentError: The shapes of the arrays do not match.

    Example:
        >>> swap = Transform(name="swap", matrix=np.array([[0, 1], [1, 0]], dtype=np.float32))
        >>> swap.queries(np.array([[3.0, 4.0]], dtype=np.float32)).tolist()
        [[4.0, 3.0]]
    """

    name: str
    matrix: NDArray[np.float32]
    method: str = "infonce"
    both: bool = True
    keys: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    shifts: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    model: str = "none"
    space: str = "cosine"
    judgments: str = ""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""

    def __post_init__(self) -> None:
        try:
            with np.errstate(over="ignore"):
                arrays = {n: np.asarray(getattr(self, n), dtype=np.float32) for n in _ARRAYS}
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"The arrays of a transform must be numeric: {error}."
            ) from error
        for name, array in arrays.items():
            object.__setattr__(self, name, array)
        matrix, keys, shifts = arrays.values()
        if (
            not all(array.ndim == 2 for array in arrays.values())
            or matrix.shape[0] != matrix.shape[1]
            or keys.shape != shifts.shape
            or (len(keys) and keys.shape[1] != matrix.shape[1])
        ):
            raise InvalidArgumentError(
                "The arrays of a transform must match: matrix must be (d, d), keys and shifts must be "
                f"(m, d); got {matrix.shape}, {keys.shape} and {shifts.shape}."
            )

    @property
    def dimension(self) -> int:
        """The dimension of the embeddings that it maps."""
        return int(self.matrix.shape[1])

    @cached_property
    def digest(self) -> str:
        """A hash of the map itself: transforms with the same arrays have the same digest."""
        return _digest(*(getattr(self, name) for name in _ARRAYS), np.array(self.both))

    @cached_property
    def record_transform(self) -> RecordTransform | None:
        """The map of the records, as the engine takes it; None if records are not mapped."""
        return RecordTransform(_digest(self.matrix), self.matrix) if self.both else None

    def queries(self, vectors: Any) -> NDArray[np.float32]:
        """Map queries: (n, d) numbers to (n, d) float32.

        Raises:
            InvalidDimensionException: The vectors have another dimension.
        """
        rows = self._checked(vectors)
        if len(self.keys):
            rows = _apply_memory(rows, self.keys, self.shifts)
        return mapped(rows, self.matrix)

    def documents(self, vectors: Any) -> NDArray[np.float32]:
        """Map records: (n, d) numbers to (n, d) float32; unchanged if `both` is False."""
        rows = self._checked(vectors)
        return mapped(rows, self.matrix) if self.both else rows

    def __repr__(self) -> str:
        sides = "queries and records" if self.both else "queries"
        return f"Transform({self.name!r}, {self.method}, of {sides}, {self.dimension} dimensions)"

    def _checked(self, vectors: Any) -> NDArray[np.float32]:
        rows = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise InvalidDimensionException(
                f"The transform {self.name!r} maps embeddings of {self.dimension} dimensions; got "
                f"{rows.shape[-1]}. Use the model that it was learned with."
            )
        return rows


def _digest(*arrays: NDArray[Any]) -> str:
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


def _apply_memory(
    rows: NDArray[np.float32], keys: NDArray[np.float32], shifts: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Move queries the way the judged queries near them were moved; see `tuning.methods.memory`."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = lengths_of(rows)
        unit = rows / np.where(lengths > 0, lengths, 1)
        weights = np.exp(_SHARPNESS * (unit @ keys.T - 1)).astype(np.float32)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
        moved = unit + weights @ shifts
        after = lengths_of(moved)
        moved *= lengths / np.where(after > 0, after, 1)
    is_usable = (after > 0) & np.isfinite(moved).all(axis=1, keepdims=True)
    return np.where(is_usable, moved, rows)


def pack_arrays(transform: Transform) -> bytes:
    """Pack the arrays of a transform, float32, into an npz archive."""
    archive = io.BytesIO()
    np.savez(archive, **{name: getattr(transform, name) for name in _ARRAYS})
    return archive.getvalue()


def unpack_arrays(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Read an archive made by `pack_arrays`. Its contents are treated as untrusted.

    Raises:
        ValueError: The archive is damaged or does not hold the arrays of a transform.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            # The members are stored uncompressed, so together they cannot exceed the archive.
            if sum(member.file_size for member in packed.infolist()) > len(data):
                raise ValueError("its members are larger than the archive")
        with _READING, np.load(io.BytesIO(data), allow_pickle=False) as found:
            arrays = {name: found[name] for name in _ARRAYS}
    except Exception as error:  # Damaged archives raise many kinds of exceptions.
        raise ValueError("the arrays cannot be read") from error
    if not arrays["matrix"].size or not all(a.dtype == np.float32 for a in arrays.values()):
        raise ValueError("the arrays are empty or not float32")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("the arrays hold NaN or infinity")
    return arrays
