"""`SparseVector`: a metadata value with a few weighted dimensions, as BM25 and SPLADE produce."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chromalab.errors import InternalError, InvalidArgumentError, short

__all__ = ["SparseVector", "to_stored", "with_sparse_vectors"]

_KEY = "#type"
_TYPE = "sparse_vector"
_SHOWN = 6
_LAST = 2**63


@dataclass(frozen=True, repr=False)
class SparseVector:
    """The nonzero weights of a high-dimensional vector, for storing in a record's metadata.

    Attributes:
        indices: The dimensions, non-negative integers in strictly ascending order.
        values: One finite number per index.
        labels: One text per index, such as the word it represents; None for no labels.

    Example:
        >>> import chromalab
        >>> notes = chromalab.EphemeralClient().create_collection("notes", embedding_function=None)
        >>> words = chromalab.SparseVector([3, 17], [0.5, 1.25])
        >>> notes.add(ids=["a"], embeddings=[[1, 0]], metadatas=[{"words": words}])
        >>> notes.get()["metadatas"]
        [{'words': SparseVector(indices=[3, 17], values=[0.5, 1.25])}]
    """

    indices: Sequence[int]
    values: Sequence[float]
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Check the parts and convert them to lists.

        Raises:
            InvalidArgumentError: The lengths differ, or a part is invalid.
        """
        for name in ("indices", "values", "labels"):
            part = getattr(self, name)
            if part is not None or name != "labels":
                object.__setattr__(self, name, _list(part, name))
        count = len(self.indices)
        for name in ("values", "labels"):
            part = getattr(self, name)
            if part is not None and len(part) != count:
                raise InvalidArgumentError(
                    f"A sparse vector must have as many {name} as indices; "
                    f"got {len(part):,} and {count:,}."
                )
        before = -1
        for at, index in enumerate(self.indices):
            if type(index) is not int or not before < index < _LAST:
                raise InvalidArgumentError(
                    f"indices[{at}] of a sparse vector must be an integer of at least 0, below 2**63 "
                    f"and greater than the index before it; got {short(index)}."
                )
            before = index
        for at, value in enumerate(self.values):
            if type(value) not in (int, float) or not math.isfinite(value):
                raise InvalidArgumentError(
                    f"values[{at}] of a sparse vector must be a finite number; got {short(value)}."
                )
        for at, label in enumerate(self.labels or ()):
            if not isinstance(label, str):
                raise InvalidArgumentError(
                    f"labels[{at}] of a sparse vector must be a string; got {short(label)}."
                )

    def __hash__(self) -> int:
        return hash((tuple(self.indices), tuple(self.values)))

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that is stored and sent, where labels are called tokens, as in Chroma."""
        plain: dict[str, Any] = {_KEY: _TYPE, "indices": self.indices, "values": self.values}
        return plain if self.labels is None else {**plain, "tokens": self.labels}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> SparseVector:
        """Create a sparse vector from a dict that `to_dict` returned.

        Raises:
            InvalidArgumentError: The dict has another form.
        """
        if plain.get(_KEY) != _TYPE:
            raise InvalidArgumentError(
                f"The dict of a sparse vector must have {_KEY!r}: {_TYPE!r}; got {short(plain)}."
            )
        return cls(plain.get("indices", ()), plain.get("values", ()), plain.get("tokens"))

    def __repr__(self) -> str:
        if len(self.indices) > _SHOWN:
            return (
                f"SparseVector({len(self.indices):,} values, "
                f"indices {self.indices[0]} to {self.indices[-1]})"
            )
        labels = "" if self.labels is None else f", labels={self.labels!r}"
        return f"SparseVector(indices={self.indices!r}, values={self.values!r}{labels})"

    def __str__(self) -> str:
        return f"sparse vector of {len(self.indices):,}"


def to_stored(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    """Convert metadata to the form that is stored, where each sparse vector is a dict.

    Nothing else in stored metadata is a dict.
    """
    if metadata is None or SparseVector not in map(type, metadata.values()):
        return metadata
    return {
        key: value.to_dict() if isinstance(value, SparseVector) else value
        for key, value in metadata.items()
    }


def with_sparse_vectors(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    """Convert stored metadata back, where each dict is a sparse vector.

    Raises:
        InternalError: The stored metadata is damaged.
    """
    if metadata is None or dict not in map(type, metadata.values()):
        return metadata
    try:
        return {
            key: SparseVector.from_dict(value) if isinstance(value, dict) else value
            for key, value in metadata.items()
        }
    except InvalidArgumentError as error:
        raise InternalError(
            "The metadata of a record is damaged. Restore the folder from a copy."
        ) from error


def _list(part: Any, name: str) -> list[Any]:
    if hasattr(part, "tolist"):  # a numpy array, such as the indices and data of a scipy matrix
        part = part.tolist()
    if not isinstance(part, list | tuple):
        raise InvalidArgumentError(
            f"{name} of a sparse vector must be a list; got {short(part)}, of type {type(part).__name__}."
        )
    return [item.item() if hasattr(item, "item") else item for item in part]
