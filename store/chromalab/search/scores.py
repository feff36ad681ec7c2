"""The score of every record by a rank, from what its sources found.

A source scores the records that it found, and all others if it has a default. Two ranks are combined where
both have a score, as in Chroma: a record that one of them leaves out is left out of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine import Positions
from chromalab.search.ranks import (
    Abs,
    Div,
    Exp,
    Log,
    Max,
    Min,
    Mul,
    Rank,
    Source,
    Sub,
    Sum,
    Val,
)

__all__ = ["Scored", "scored"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Scores of records.

    Attributes:
        positions: (n,) int64, ascending.
        scores: (n,) float64.
        default: The score of all other records; None where they have none.
    """

    positions: Positions
    scores: Numbers
    default: float | None

    def at(self, positions: Positions) -> Numbers:
        """Return the scores of records, each of which has one."""
        if not len(self.positions):
            return np.full(len(positions), self.default, dtype=np.float64)
        where = np.minimum(np.searchsorted(self.positions, positions), len(self.positions) - 1)
        found = self.positions[where] == positions
        return np.where(found, self.scores[where], 0.0 if self.default is None else self.default)


def scored(rank: Rank, found: Iterator[tuple[Positions, Numbers]]) -> Scored:
    """Score records by a rank.

    Args:
        rank: The rank.
        found: What its sources found, from left to right: positions, best first, and their scores.

    Returns:
        The scores of all records that some source found, unless another left them out.
    """
    with np.errstate(all="ignore"):  # a division by zero gives infinity, which sorts last
        return _scored(rank, found)


def _scored(rank: Rank, found: Iterator[tuple[Positions, Numbers]]) -> Scored:
    if isinstance(rank, Source):
        positions, scores = next(found)
        if rank.return_rank:
            scores = np.arange(len(positions), dtype=np.float64)
        order = np.argsort(positions)
        return Scored(positions[order], scores[order], rank.default)
    if isinstance(rank, Val):
        nothing = np.empty(0, dtype=np.int64)
        return Scored(nothing, np.empty(0), float(rank.value))
    parts = [_scored(part, found) for part in rank.inputs()]
    if len(parts) == 1:
        part, op = parts[0], _ONE.get(type(rank), np.positive)
        default = None if part.default is None else float(op(np.float64(part.default)))
        return Scored(part.positions, op(part.scores), default)
    result = parts[0]
    for part in parts[1:]:
        result = _combined(result, part, _TWO[type(rank)])
    return result


def _combined(left: Scored, right: Scored, op: Callable[..., Any]) -> Scored:
    if left.default is None and right.default is None:
        positions = np.intersect1d(left.positions, right.positions, assume_unique=True)
    elif left.default is None or right.default is None:
        positions = left.positions if left.default is None else right.positions
    else:
        positions = np.union1d(left.positions, right.positions)
    default = None
    if left.default is not None and right.default is not None:
        default = float(op(np.float64(left.default), np.float64(right.default)))
    return Scored(positions, op(left.at(positions), right.at(positions)), default)


_ONE: dict[type[Rank], Callable[..., Any]] = {Abs: np.abs, Exp: np.exp, Log: np.log}
_TWO: dict[type[Rank], Callable[..., Any]] = {
    Sum: np.add, Mul: np.multiply, Sub: np.subtract, Div: np.divide, Max: np.maximum, Min: np.minimum
}  # fmt: skip
