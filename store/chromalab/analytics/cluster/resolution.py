"""Choice of the resolution: the finest partition that half of the edges find as well as the other.

Which clusters are there is judged by what comes back in other data (Ben-Hur, Elisseeff and Guyon
2002; Lange et al. 2004). Runs with other seeds on the same edges agree however fine the partition
is; two halves of the edges agree most at the size of what is there, and less beyond.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.cluster.communities import communities, halves

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["RESOLUTIONS", "Choice", "agreement", "choose"]

RESOLUTIONS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0)
"""What is tried, from coarse to fine, until the agreement falls."""

_WITHIN = 0.0075  # two splits of the same edges differ by .001-.008 in agreement
_FALLEN = 0.015  # two in a row so far below the best end the search
_PLENTY = (
    30_000  # nodes in all the splits together: fewer nodes are split more often, up to 3 times
)
_FEWEST = 30  # nodes; below, half of the edges say nothing


@dataclass(frozen=True)
class Choice:
    """A resolution, and what it was chosen by.

    Attributes:
        resolution: The one chosen.
        tried: Resolutions, ascending.
        stability: How well partitions of two halves of the edges agree at each: mean AMI.
        n_clusters: How many communities the halves have at each, on average.
    """

    resolution: float
    tried: tuple[float, ...] = ()
    stability: tuple[float, ...] = ()
    n_clusters: tuple[float, ...] = ()


def choose(
    weights: csr_matrix,
    *,
    random_state: int = 0,
    resolutions: tuple[float, ...] = RESOLUTIONS,
    tell: Callable[[int, int], None] | None = None,
) -> Choice:
    """Choose the finest resolution whose stability is within .0075 of the best.

    The stability is smoothed over the next lower and higher resolution before: a quarter of each.

    Args:
        weights: (m, m), symmetric.
        random_state: The seed.
        resolutions: What to try, ascending.
        tell: Is told how many were tried, and of how many at most.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> choose(csr_matrix((4, 4))).resolution
        1.0
    """
    count = weights.shape[0]
    if count < _FEWEST or weights.nnz == 0:
        return Choice(1.0)
    splits = max(1, min(3, round(_PLENTY / count)))
    seeds = [random_state + split for split in range(splits)]
    stability: list[float] = []
    sizes: list[float] = []
    with ThreadPoolExecutor(2) as pool:  # Leiden lets go of the GIL
        parts = [half for seed in seeds for half in halves(weights, seed)]
        for tried, resolution in enumerate(resolutions, start=1):
            find = partial(communities, resolution=resolution, random_state=random_state)
            found = list(pool.map(find, parts))
            pairs = zip(found[::2], found[1::2], strict=True)
            stability.append(float(np.mean([agreement(one, other) for one, other in pairs])))
            sizes.append(float(np.mean([labels.max() + 1 for labels in found])))
            if tell is not None:
                tell(tried, len(resolutions))
            if len(stability) > 2 and max(stability[-2:]) < max(stability) - _FALLEN:
                break
    ends = np.array([stability[0], *stability, stability[-1]])
    smooth = ends[:-2] / 4 + ends[1:-1] / 2 + ends[2:] / 4
    near = np.flatnonzero(smooth >= smooth.max() - _WITHIN)
    return Choice(
        resolutions[int(near[-1])], resolutions[: len(stability)], tuple(stability), tuple(sizes)
    )


def agreement(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """Return the adjusted mutual information of two partitions: 1 if equal, about 0 by chance.

    Vinh, Epps and Bailey 2010, https://jmlr.org/papers/v11/vinh10a.html, by scikit-learn.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(one, other))
