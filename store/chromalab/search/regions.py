"""Regions of the embedding space: balls and half-spaces that hold together, as a filter or as a rank.

A region is a conjunction, as in a polytope: "within this distance of A, farther than that from B, closer to
these than to those". Membership is computed exactly, for every record that passes the other conditions, on
embeddings as they are stored: a learned transform does not move a region.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.arguments.values import check_embeddings, check_finite, check_number
from chromalab.engine import Positions, Reader, Vectors
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, NotFoundError, short
from chromalab.search.forms import Form, Forms
from chromalab.search.vectors import in_space

__all__ = ["Ball", "Closer", "Plane", "Region", "RegionPart", "read_region"]

_BLOCK = 8192  # records whose vectors are read at a time

Numbers = NDArray[np.float64]
_parts = Forms("A part of a region", "Ball('id', 0.5)")


class RegionPart(Form):
    """The base of the parts of a region: records with a margin of at least 0 are inside."""

    def margins(self, reader: Reader, positions: Positions) -> Numbers:
        """Measure how far inside records are: (n,) float64; negative outside."""
        raise NotImplementedError

    def __and__(self, other: RegionPart | Region) -> Region:
        return Region((self,)) & other


@_parts.add
@dataclass(frozen=True)
class Ball(RegionPart):
    """The records within a distance of an example, or beyond it.

    Attributes:
        center: An id, or a vector; of several, the mean.
        radius: The distance, as `query` returns them.
        inside: False for the records farther away than the radius.

    Example:
        >>> ~Ball("p1", 0.5)
        Ball(center=('p1',), radius=0.5, inside=False)
    """

    form: ClassVar[str] = "$ball"
    center: Any
    radius: float
    inside: bool = True

    def __post_init__(self) -> None:
        """Check the center and the radius."""
        object.__setattr__(self, "center", _examples(self.center, "center of Ball"))
        object.__setattr__(self, "radius", check_finite(self.radius, "radius of Ball"))
        if not isinstance(self.inside, bool):
            raise InvalidArgumentTypeError(
                f"inside of Ball must be a boolean; got {short(self.inside)}."
            )

    def __invert__(self) -> Ball:
        return replace(self, inside=not self.inside)

    def margins(self, reader: Reader, positions: Positions) -> Numbers:
        """Measure how much nearer than the radius records are."""
        center = _mean(self.center, reader)
        margins = self.radius - _distances(center, reader, positions)
        return margins if self.inside else -margins

    def __str__(self) -> str:
        where = "within" if self.inside else "farther than"
        return f"{where} {self.radius:.4g} of {_shown(self.center)}"


@_parts.add
@dataclass(frozen=True)
class Closer(RegionPart):
    """The records closer to some examples than to others: a half-space between the two means.

    Attributes:
        to: Ids or vectors.
        than: Ids or vectors.
        margin: By how much closer a record must be.

    Example:
        >>> str(Closer("tea", "coffee"))
        "closer to 'tea' than to 'coffee'"
    """

    form: ClassVar[str] = "$closer"
    to: Any
    than: Any
    margin: float = 0.0

    def __post_init__(self) -> None:
        """Check the examples and the margin."""
        object.__setattr__(self, "to", _examples(self.to, "to of Closer"))
        object.__setattr__(self, "than", _examples(self.than, "than of Closer"))
        object.__setattr__(self, "margin", check_finite(self.margin, "margin of Closer"))

    def __invert__(self) -> Closer:
        return Closer(self.than, self.to, -self.margin)

    def margins(self, reader: Reader, positions: Positions) -> Numbers:
        """Measure how much closer to the ones than to the others records are, beyond the margin."""
        to, than = (_mean(examples, reader) for examples in (self.to, self.than))
        nearer = _distances(than, reader, positions)
        return nearer - _distances(to, reader, positions) - self.margin

    def __str__(self) -> str:
        by = f" by {self.margin:.4g}" if self.margin else ""
        return f"closer to {_shown(self.to)} than to {_shown(self.than)}{by}"


@_parts.add
@dataclass(frozen=True)
class Plane(RegionPart):
    """The records on one side of a plane: those whose product with its normal is at least the offset.

    Attributes:
        normal: (dimension,) numbers. In a cosine space, records are scaled to length 1 first.
        offset: A number.
    """

    form: ClassVar[str] = "$plane"
    normal: Any
    offset: float

    def __post_init__(self) -> None:
        """Check the normal and the offset."""
        normal = _examples(self.normal, "normal of Plane")
        if not isinstance(normal[0], tuple) or len(normal) != 1:
            raise InvalidArgumentTypeError(
                f"normal of Plane must be one vector; got {short(self.normal)}."
            )
        object.__setattr__(self, "normal", normal[0])
        object.__setattr__(self, "offset", check_finite(self.offset, "offset of Plane"))

    def __invert__(self) -> Plane:
        return Plane([-number for number in self.normal], -self.offset)

    def margins(self, reader: Reader, positions: Positions) -> Numbers:
        """Measure the products with the normal, beyond the offset."""
        normal = np.asarray(self.normal, dtype=np.float64)
        found = np.empty(len(positions))
        for start in range(0, len(positions), _BLOCK):
            rows = in_space(reader.vectors(positions[start : start + _BLOCK]), reader.space)
            if rows.shape[1:] != normal.shape:
                raise InvalidArgumentError(
                    f"normal of Plane must have {rows.shape[1]} dimensions; got {len(normal)}."
                )
            found[start : start + len(rows)] = rows @ normal - self.offset
        return found

    def __str__(self) -> str:
        return f"beyond a plane at {self.offset:.4g}"


@dataclass(frozen=True)
class Region:
    """Records that are in all of some parts; `&` joins regions and parts.

    Attributes:
        parts: `Ball`, `Closer` and `Plane` objects.
        precision: Of a region made of a selection: the share of its records that were selected.
        recall: The share of the selected records that are in it.

    Example:
        >>> import chromalab
        >>> from chromalab import Ball, Closer
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0], [1], [5]])
        >>> region = Ball("a", 4) & Closer("b", "a")
        >>> points.search(chromalab.Search().within(region))["ids"]
        [['b']]
    """

    parts: tuple[RegionPart, ...]
    precision: float | None = None
    recall: float | None = None

    def __post_init__(self) -> None:
        """Check the parts."""
        object.__setattr__(
            self, "parts", tuple(_parts.read(part, RegionPart) for part in self.parts)
        )
        if not self.parts:
            raise InvalidArgumentError(
                "A region must have at least one part, such as Ball('id', 0.5)."
            )
        for name in ("precision", "recall"):
            if getattr(self, name) is not None:
                check_number(f"{name} of a region", getattr(self, name), 0, 1)

    def __and__(self, other: RegionPart | Region) -> Region:
        return Region((*self.parts, *(other.parts if isinstance(other, Region) else (other,))))

    def margins(self, reader: Reader, positions: Positions) -> Numbers:
        """Measure how far inside records are: the smallest margin of the parts, (n,) float64."""
        each = [part.margins(reader, positions) for part in self.parts]
        return np.asarray(np.min(each, axis=0)) if len(positions) else np.empty(0)

    def to_dict(self) -> dict[str, Any]:
        """Return the region as JSON."""
        numbers = {"precision": self.precision, "recall": self.recall}
        given = {name: value for name, value in numbers.items() if value is not None}
        return {"parts": [part.to_dict() for part in self.parts], **given}

    @staticmethod
    def from_dict(data: Any) -> Region:
        """Read a dict that `to_dict` returned.

        Raises:
            InvalidArgumentError: The dict has another form.
        """
        known = {field.name for field in fields(Region)}
        if not isinstance(data, Mapping) or not {"parts"} <= set(data) <= known:
            raise InvalidArgumentTypeError(
                f"Expected dict with parts for a region; got {short(data)}."
            )
        if not isinstance(data["parts"], list | tuple):
            raise InvalidArgumentTypeError(
                f"parts of a region must be a list; got {short(data['parts'])}."
            )
        return Region(tuple(data["parts"]), data.get("precision"), data.get("recall"))

    def __str__(self) -> str:
        return " and ".join(map(str, self.parts))


def read_region(value: Any) -> Region | str:
    """Read a region given as one, as a part, as a dict, or by the name it is stored under."""
    if isinstance(value, Region | str):
        return value
    if isinstance(value, RegionPart):
        return Region((value,))
    return Region.from_dict(value)


def _examples(value: Any, what: str) -> tuple[Any, ...]:
    """Read examples: a tuple of ids, or a tuple of vectors, which are tuples of numbers."""
    listed = [value] if isinstance(value, str) else value
    is_list = isinstance(listed, list | tuple) or getattr(listed, "ndim", 0) > 0
    if not is_list or not len(listed):
        raise InvalidArgumentTypeError(f"{what} must be ids or vectors; got {short(value)}.")
    if all(isinstance(item, str) for item in listed):
        return tuple(listed)
    return tuple(map(tuple, check_embeddings(listed, what).tolist()))


def _shown(examples: tuple[Any, ...]) -> str:
    if isinstance(examples[0], str):
        return ", ".join(map(short, examples[:3])) + (", ..." if len(examples) > 3 else "")
    return "a vector" if len(examples) == 1 else f"{len(examples):,} vectors"


def _mean(examples: Sequence[Any], reader: Reader) -> Vectors:
    """Return the mean of examples, (1, dimension) float32; in a cosine space, of their directions."""
    if isinstance(examples[0], str):
        positions = reader.locate(examples)
        missing = [id for id, position in zip(examples, positions, strict=True) if position < 0]
        if missing:
            raise NotFoundError(f"There is no record {short(missing[0])}, which a region names.")
        vectors = reader.vectors(positions)
    else:
        vectors = np.asarray(examples, dtype=np.float32)
    return np.asarray(in_space(vectors, reader.space).mean(axis=0, keepdims=True), dtype=np.float32)


def _distances(center: Vectors, reader: Reader, positions: Positions) -> Numbers:
    found = np.empty(len(positions))
    for start in range(0, len(positions), _BLOCK):
        block = positions[start : start + _BLOCK]
        found[start : start + len(block)] = reader.distances(center, block)
    return found
