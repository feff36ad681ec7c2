"""Transforms that are computed at once: a shrunk Mahalanobis metric, a ridge, and a memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.feedback.problem import Problem, unit

__all__ = ["mahalanobis", "memory", "ridge"]

_POWER = 0.25  # of the covariance; whitening in full, 0.5, trusts few differences too much
_RIDGE = 10.0
_STRENGTH = 0.5  # how far a memory moves a query that was judged itself

Matrix = NDArray[np.float32]


def mahalanobis(problem: Problem) -> Matrix:
    """Shrink the directions in which queries and their answers differ.

    Relevant component analysis (Bar-Hillel, Hertz, Shental, Weinshall: Learning Distance Functions
    using Equivalence Relations, ICML 2003), with the covariance of the differences shrunk to a
    multiple of the identity, as there are seldom more differences than dimensions.

    Returns:
        (d, d) float32, symmetric, to be applied to queries and records.
    """
    rows, d = problem.pairs[problem.relevant], problem.dimension
    difference = problem.queries[rows[:, 0]] - problem.documents[rows[:, 1]]
    weights = problem.gains[problem.relevant, np.newaxis]
    covariance = (difference * weights).T @ difference / weights.sum()
    mean = float(np.trace(covariance)) / d
    if mean <= 0:  # all answers are the queries themselves
        return np.eye(d, dtype=np.float32)
    known = len(rows) / (d + len(rows))
    values, vectors = np.linalg.eigh(
        known * covariance.astype(np.float64) / mean + (1 - known) * np.eye(d)
    )
    made: Matrix = ((vectors * values**-_POWER) @ vectors.T).astype(np.float32)
    return made


def ridge(problem: Problem) -> Matrix:
    """Map queries to where their answers are, shrunk to the identity (closed form).

    Minimises `sum |W q - t|^2 + 10 |W - I|^2` over judged queries, where t is the direction of a
    query's answers less half that of the records refused for it.

    Returns:
        (d, d) float32, for queries alone.
    """
    queries, targets = _targets(problem)
    gram = queries @ queries.T + _RIDGE * np.eye(len(queries), dtype=np.float32)
    change = np.linalg.solve(gram.astype(np.float64), (targets - queries).astype(np.float64))
    made: Matrix = (np.eye(problem.dimension) + change.T @ queries).astype(np.float32)
    return made


def memory(problem: Problem) -> tuple[Matrix, Matrix]:
    """Remember judged queries: a query that is near to one moves towards that one's answers.

    Rocchio's relevance feedback (in Salton: The SMART Retrieval System, 1971), applied to queries
    that resemble the judged ones.

    Returns:
        (m, d) float32 keys and (m, d) float32 shifts, for `Transform`.
    """
    queries, targets = _targets(problem)
    return queries, np.float32(_STRENGTH) * (targets - queries)


def _targets(problem: Problem) -> tuple[Matrix, Matrix]:
    """For each judged query the direction of its answers, less half of that of what was refused."""
    judged = problem.judged_queries
    place = np.full(len(problem.queries), -1)
    place[judged] = np.arange(len(judged))
    sums = np.zeros((2, len(judged), problem.dimension), dtype=np.float32)
    totals = np.zeros((2, len(judged), 1), dtype=np.float32)
    for side, sign in enumerate((1, -1)):
        rows = np.flatnonzero((sign * problem.gains > 0) & (place[problem.pairs[:, 0]] >= 0))
        at, weights = place[problem.pairs[rows, 0]], np.abs(problem.gains[rows])[:, np.newaxis]
        np.add.at(sums[side], at, weights * problem.documents[problem.pairs[rows, 1]])
        np.add.at(totals[side], at, weights)
    wanted, refused = sums / np.maximum(totals, 1e-12)
    queries = problem.queries[judged]
    return queries, unit(queries + wanted - np.float32(0.5) * refused)
