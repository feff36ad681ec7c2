"""The methods that learn a transform, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chromalab.feedback.closed_form import mahalanobis, memory, ridge
from chromalab.feedback.infonce import infonce
from chromalab.feedback.problem import Problem
from chromalab.feedback.transform import Transform

__all__ = ["METHODS", "Learn", "candidates"]

METHODS = ("auto", "infonce", "mahalanobis", "ridge", "memory")
"""What `tune` may be asked for: "auto" is InfoNCE from a shrunk Mahalanobis metric."""

_BOLD, _CAUTIOUS = 5.0, 60.0  # the shrinkages that are tried

Learn = Callable[[Problem], Transform]


def candidates(method: str, *, both: bool, random_state: int) -> list[Learn]:
    """Give the ways to learn among which cross-validation chooses, the boldest first.

    Args:
        method: One of `METHODS`.
        both: Whether records are mapped, too, where the method leaves that open.
        random_state: The seed.

    Returns:
        Functions that learn a transform of some judgements.
    """
    if method in ("auto", "infonce"):
        started = method == "auto" and both
        # Queries alone have no such hold as queries and records have in each other.
        tried = (_BOLD, _CAUTIOUS) if both else (_CAUTIOUS,)
        return [_contrastive(started, both, weight, random_state) for weight in tried]
    return [{"mahalanobis": _metric, "ridge": _ridge, "memory": _memory}[method]]


def _contrastive(started: bool, both: bool, shrinkage: float, random_state: int) -> Learn:
    def learn(seen: Problem) -> Transform:
        start = mahalanobis(seen) if started else np.eye(seen.dimension, dtype=np.float32)
        matrix = infonce(seen, start, both=both, shrinkage=shrinkage, random_state=random_state)
        method = "mahalanobis, infonce" if started else "infonce"
        return Transform(name="", matrix=matrix, method=method, both=both)

    return learn


def _metric(seen: Problem) -> Transform:
    return Transform(name="", matrix=mahalanobis(seen), method="mahalanobis", both=True)


def _ridge(seen: Problem) -> Transform:
    return Transform(name="", matrix=ridge(seen), method="ridge", both=False)


def _memory(seen: Problem) -> Transform:
    keys, shifts = memory(seen)
    eye = np.eye(seen.dimension, dtype=np.float32)
    return Transform(name="", matrix=eye, method="memory", both=False, keys=keys, shifts=shifts)
