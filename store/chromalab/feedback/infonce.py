"""InfoNCE: a square matrix that brings answers nearer to their queries than other records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.feedback.problem import Problem

__all__ = ["infonce"]

_TEMPERATURES = (0.05, 0.1)  # of two fits, whose mean is steadier than either
_STEPS = 40
_RATE = 0.002
_BATCH = 96  # answers of a step, and at most so many records that were refused for their queries
_RANDOM = 128  # records of a step that nobody has judged

Matrix = NDArray[np.float32]


def infonce(
    problem: Problem, start: Matrix, *, both: bool, shrinkage: float, random_state: int
) -> Matrix:
    """Learn a matrix by the contrastive loss of van den Oord, Li, Vinyals (arXiv 1807.03748).

    For each answer the loss is the cross-entropy of a softmax over cosines: the answer against the
    records that were judged not to be one, the answers of other queries and random records. Unjudged
    records that are near to the query are left out, as they may be answers that nobody has marked.
    The change from the start is shrunk, the more the fewer queries were judged. 40 steps of Adam
    (Kingma, Ba; arXiv 1412.6980).

    Args:
        problem: The judgements.
        start: (d, d) float32, where learning starts and what the result is shrunk to.
        both: Whether records are mapped, too.
        shrinkage: Over the number of judged queries: the weight of the squared change.
        random_state: Chooses the batches and the random records.

    Returns:
        (d, d) float32.
    """
    weight = shrinkage / len(problem.judged_queries)
    fits = [_fit(problem, start, both, t, weight, random_state) for t in _TEMPERATURES]
    mean: Matrix = np.mean(fits, axis=0, dtype=np.float32)
    return mean


def _fit(
    problem: Problem, start: Matrix, both: bool, temperature: float, weight: float, seed: int
) -> Matrix:
    random = np.random.default_rng(seed)
    relevant, matrix = problem.relevant, start.copy()
    pull_back = np.float32(2 * weight)
    others = np.flatnonzero(problem.gains <= 0)
    adam, order, at = _Adam(matrix.shape), random.permutation(relevant), 0
    for _ in range(_STEPS):
        batch = order[at : at + _BATCH]
        at += _BATCH
        if at >= len(order):
            order, at = random.permutation(relevant), 0
        asked, answers = problem.pairs[batch].T
        refused = problem.pairs[others[np.isin(problem.pairs[others, 0], asked)], 1]
        if len(refused) > _BATCH:
            refused = random.choice(refused, _BATCH, replace=False)
        unjudged = random.integers(0, len(problem.documents), _RANDOM)
        records = np.concatenate([answers, refused, unjudged])
        gradient = _gradient(problem, matrix, batch, records, both, temperature)
        matrix -= adam.step(gradient + pull_back * (matrix - start))
    return matrix


def _gradient(
    problem: Problem,
    matrix: Matrix,
    batch: NDArray[np.intp],
    records: NDArray[np.int64],
    both: bool,
    temperature: float,
) -> Matrix:
    """The gradient of the loss; the first of the records are the answers of the batch."""
    asked, own = problem.pairs[batch, 0], np.arange(len(batch))
    counted = problem.others[np.ix_(asked, records)].astype(np.float32)
    counted[own, own] = 1
    queries, documents = problem.queries[asked], problem.documents[records]
    turned, lengths = _turned(queries, matrix)
    compared, their = _turned(documents, matrix) if both else (documents, None)
    scores = turned @ compared.T / np.float32(temperature)
    with np.errstate(divide="ignore"):
        scores += np.log(counted)
    scores -= scores.max(axis=1, keepdims=True)
    pull = np.exp(scores)
    pull /= pull.sum(axis=1, keepdims=True)
    pull[own, own] -= 1
    weights = problem.gains[batch]
    pull *= (weights / (weights.sum() * temperature)).astype(np.float32)[:, np.newaxis]
    gradient = _through(pull @ compared, turned, lengths).T @ queries
    if their is not None:
        gradient += _through(pull.T @ turned, compared, their).T @ documents
    made: Matrix = gradient
    return made


def _turned(rows: Matrix, matrix: Matrix) -> tuple[Matrix, Matrix]:
    made = rows @ matrix.T
    lengths = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), np.float32(1e-12))
    return made / lengths, lengths


def _through(gradient: Matrix, turned: Matrix, lengths: Matrix) -> Matrix:
    """Take a gradient back through the division by the length."""
    along = np.einsum("ij,ij->i", gradient, turned)[:, np.newaxis]
    made: Matrix = (gradient - turned * along) / lengths
    return made


class _Adam:
    """Steps of Adam, with its usual constants."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._mean = np.zeros(shape, dtype=np.float32)
        self._square = np.zeros(shape, dtype=np.float32)
        self._count = 0

    def step(self, gradient: Matrix) -> Matrix:
        self._count += 1
        self._mean += np.float32(0.1) * (gradient - self._mean)
        self._square += np.float32(0.001) * (gradient * gradient - self._square)
        mean = self._mean / np.float32(1 - 0.9**self._count)
        square = self._square / np.float32(1 - 0.999**self._count)
        made: Matrix = np.float32(_RATE) * mean / (np.sqrt(square) + np.float32(1e-8))
        return made
