"""`Transform`: a learned map of embeddings: plain arrays, and what they were learned from."""

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

__all__ = ["Transform", "pack_arrays", "mapped", "unpack_arrays"]

_ARRAYS = ("matrix", "keys", "shifts")
# numpy reads headers with `ast`, which in Python 3.11 fails in two threads at once (python/cpython#106905).
_READING = threading.Lock()
_SHARPNESS = 10.0  # of the memory: a query at cosine 0.9 to a key counts e**-1 of one at 1.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Transform:
    """A map of queries, or of queries and records, that makes judged answers nearer.

    Directions change and lengths stay, so that the identity matrix changes nothing in any space.

    Attributes:
        name: Unique among those of a collection.
        method: How it was learned: "infonce", "mahalanobis", "ridge", "memory" or "identity".
        both: Whether records go through it, too; else the index stays as it is.
        matrix: (d, d) float32, applied as `matrix @ x`.
        keys: (m, d) float32, unit length: judged queries of a memory; m may be 0.
        shifts: (m, d) float32, where each of them moves a query that is near it.
        model: The embedding function that it belongs to, as `fingerprint` names it.
        space: The distance of the collection it was learned for.
        judgements: The digest of the judgements it saw.
        evaluation: Plain JSON: the evaluation that admitted it, or did not.
        parameters: How it was asked for, with the seed.
        at: When it was made, in UTC.

    Raises:
        InvalidArgumentError: the arrays do not fit together.

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
    judgements: str = ""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""

    def __post_init__(self) -> None:
        try:
            with np.errstate(over="ignore"):
                arrays = {n: np.asarray(getattr(self, n), dtype=np.float32) for n in _ARRAYS}
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"The arrays of a transform are numbers: {error}."
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
                "The arrays of a transform do not fit together: matrix is (d, d), keys and shifts are "
                f"(m, d); found {matrix.shape}, {keys.shape} and {shifts.shape}."
            )

    @property
    def dimension(self) -> int:
        """Numbers of an embedding."""
        return int(self.matrix.shape[1])

    @cached_property
    def digest(self) -> str:
        """Names the map itself: two of the same arrays have the same."""
        return _digest(*(getattr(self, name) for name in _ARRAYS), np.array(self.both))

    @cached_property
    def lens(self) -> RecordTransform | None:
        """What records are compared after; None where they stay as they are."""
        return RecordTransform(_digest(self.matrix), self.matrix) if self.both else None

    def queries(self, vectors: Any) -> NDArray[np.float32]:
        """Map queries: (n, d) numbers to (n, d) float32.

        Raises:
            InvalidDimensionException: the vectors have another dimension.
        """
        rows = self._checked(vectors)
        if len(self.keys):
            rows = _remembering(rows, self.keys, self.shifts)
        return mapped(rows, self.matrix)

    def documents(self, vectors: Any) -> NDArray[np.float32]:
        """Map records: (n, d) numbers to (n, d) float32; as they are where `both` is False."""
        rows = self._checked(vectors)
        return mapped(rows, self.matrix) if self.both else rows

    def __repr__(self) -> str:
        sides = "queries and records" if self.both else "queries"
        return f"Transform({self.name!r}, {self.method}, of {sides}, {self.dimension} dimensions)"

    def _checked(self, vectors: Any) -> NDArray[np.float32]:
        rows = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise InvalidDimensionException(
                f"The transform {self.name!r} is for embeddings of {self.dimension} dimensions, found "
                f"{rows.shape[-1]}. Use the model that it was learned with."
            )
        return rows


def _digest(*arrays: NDArray[Any]) -> str:
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


def _remembering(
    rows: NDArray[np.float32], keys: NDArray[np.float32], shifts: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Move queries as the judged queries beside them were moved; see `methods.memory`."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = lengths_of(rows)
        unit = rows / np.where(lengths > 0, lengths, 1)
        weights = np.exp(_SHARPNESS * (unit @ keys.T - 1)).astype(np.float32)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
        moved = unit + weights @ shifts
        after = lengths_of(moved)
        moved *= lengths / np.where(after > 0, after, 1)
    kept = (after > 0) & np.isfinite(moved).all(axis=1, keepdims=True)
    return np.where(kept, moved, rows)


def pack_arrays(transform: Transform) -> bytes:
    """Write the arrays of a transform as an npz archive, float32."""
    held = io.BytesIO()
    np.savez(held, **{name: getattr(transform, name) for name in _ARRAYS})
    return held.getvalue()


def unpack_arrays(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Read such an archive; nothing of it is believed.

    Raises:
        ValueError: it is damaged, or holds something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:  # members are stored, not packed
            if sum(member.file_size for member in packed.infolist()) > len(data):
                raise ValueError("it is larger than it can be")
        with _READING, np.load(io.BytesIO(data), allow_pickle=False) as found:
            arrays = {name: found[name] for name in _ARRAYS}
    except Exception as error:  # what damage raises has no end
        raise ValueError("the arrays cannot be read") from error
    if not arrays["matrix"].size or not all(a.dtype == np.float32 for a in arrays.values()):
        raise ValueError("the arrays are empty, or not float32")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("the arrays hold NaN or infinity")
    return arrays
