"""The nearest neighbours from pairs of vectors in cells near each other.

As in an inverted file (Jégou, Douze & Schmid 2011, doi:10.1109/TPAMI.2010.57), except that every
vector asks, so that a pair seen from one side serves both, and that how many cells each looks into
is computed beforehand, from rows whose true neighbours are known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.cells import Cells, centres
from chromalab.analytics.graph.pairs import FIRST, near_pairs
from chromalab.analytics.graph.recall import Held
from chromalab.analytics.graph.threads import one_thread_blas

__all__ = ["approximate_neighbors"]

_AIM = 0.965  # of recall@15; on rows that were not held it is up to 0.005 lower
_CELLS = 4.5  # times the root of n: 3.2 to 5.2 cost the same within the noise at 100,000
# Of all cells; where more are needed, all pairs are compared: 256 random numbers a vector cost 2.7 s
# of CPU at 15,000 this way and 1.5 exactly, 9.4 and 6.7 at 30,000. The work besides the pairs weighs
# the more the fewer vectors there are; this part of the rule is a guess that fits those runs.
_MOST_CELLS = 0.6
_REST = 6000


def approximate_neighbors(
    vectors: NDArray[np.float32],
    k: int,
    held: Held,
    *,
    random: np.random.Generator,
    tell: Callable[[int, int], Any] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
    """Find nearly all of the k nearest others of each vector.

    Args:
        vectors: (n, dimension) float32 of length one.
        k: How many; well below n.
        held: Rows with their true neighbours, which say how far to look.
        random: Draws the first centres.
        tell: Is told how many steps are done, and of how many.

    Returns:
        (n, k) int32 rows by increasing distance, and (n, k) float32 cosine distances; None where
        vectors do not gather in cells, so that comparing all pairs is as cheap.
    """
    n = len(vectors)
    count = max(FIRST, int(min(_CELLS * n**0.5, n / (2 * k))))
    with one_thread_blas():
        middle = centres(vectors, count, random)
        ranks = max(FIRST, _needed(vectors, middle, held))
        if ranks / count > _MOST_CELLS - _REST / n:
            return None
        cells = Cells.of(vectors, middle, ranks)
        places, similarity = near_pairs(cells, k, tell)
    neighbors = np.empty_like(places)
    distances = np.empty_like(similarity)
    neighbors[cells.order] = np.where(places >= 0, cells.order[places], -1)
    distances[cells.order] = np.maximum(1 - similarity, 0)
    return neighbors, distances


def _needed(vectors: NDArray[np.float32], middle: NDArray[np.float32], held: Held) -> int:
    """Compute how many cells each must look into for the recall aimed at.

    A pair is seen when either looks into the other's cell.
    """
    at = held.neighbors.shape[1]
    mine = vectors[held.rows] @ middle.T
    theirs = vectors[held.neighbors.reshape(-1)] @ middle.T
    asks = np.repeat(np.arange(len(mine)), at)
    pair = np.arange(len(theirs))
    limit = mine[asks, theirs.argmax(axis=1)]
    sees = np.concatenate(
        [
            (mine[row] > limit[row * at : row * at + at, None]).sum(axis=1)
            for row in range(len(mine))
        ]
    )
    limit = theirs[pair, mine.argmax(axis=1)[asks]]
    is_seen = (theirs > limit[:, None]).sum(axis=1)
    return int(np.quantile(np.minimum(sees, is_seen), _AIM, method="higher")) + 1
