"""The methods that learn a transform: InfoNCE, a shrunk Mahalanobis metric, a ridge and a memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chromalab.transforms.transform import Transform
from chromalab.tuning.training_set import TrainingSet, unit

__all__ = ["Learn", "Method", "candidates", "infonce", "mahalanobis", "memory", "ridge"]

Method = Literal["auto", "infonce", "mahalanobis", "ridge", "memory"]
"""The methods that `tune` accepts; "auto" is InfoNCE started from a shrunk Mahalanobis metric."""

Learn = Callable[[TrainingSet], Transform]
Matrix = NDArray[np.float32]

_BOLD, _CAUTIOUS = 5.0, 60.0  # The shrinkages of InfoNCE that cross-validation compares.

# InfoNCE
_TEMPERATURES = (0.05, 0.1)  # One fit for each; their mean is more stable than either.
_STEPS = 40
_RATE = 0.002
_BATCH = 96  # The answers per step, and the largest number of records judged irrelevant per step.
_RANDOM = 128  # The unjudged records per step.

# Closed form
_POWER = 0.25  # Of the covariance; full whitening (0.5) relies too much on few differences.
_RIDGE = 10.0
_STRENGTH = 0.5  # How far a memory moves a query that was itself judged.


def candidates(method: Method, *, both: bool, random_state: int) -> list[Learn]:
    """Return the learners that cross-validation chooses among, the boldest first.

    Args:
        method: The method.
        both: Whether records are mapped too, if the method leaves that open.
        random_state: The seed.

    Returns:
        Functions that learn a transform from a training set.
    """
    if method in ("auto", "infonce"):
        from_metric = method == "auto" and both
        # A map of queries alone is not held in place by the records, so only the cautious one is tried.
        tried = (_BOLD, _CAUTIOUS) if both else (_CAUTIOUS,)
        return [_contrastive(from_metric, both, weight, random_state) for weight in tried]
    return [{"mahalanobis": _metric, "ridge": _ridge, "memory": _memory}[method]]


def _contrastive(from_metric: bool, both: bool, shrinkage: float, random_state: int) -> Learn:
    def learn(seen: TrainingSet) -> Transform:
        start = mahalanobis(seen) if from_metric else np.eye(seen.dimension, dtype=np.float32)
        matrix = infonce(seen, start, both=both, shrinkage=shrinkage, random_state=random_state)
        method = "mahalanobis, infonce" if from_metric else "infonce"
        return Transform(name="", matrix=matrix, method=method, both=both)

    return learn


def _metric(seen: TrainingSet) -> Transform:
    return Transform(name="", matrix=mahalanobis(seen), method="mahalanobis", both=True)


def _ridge(seen: TrainingSet) -> Transform:
    return Transform(name="", matrix=ridge(seen), method="ridge", both=False)


def _memory(seen: TrainingSet) -> Transform:
    keys, shifts = memory(seen)
    eye = np.eye(seen.dimension, dtype=np.float32)
    return Transform(name="", matrix=eye, method="memory", both=False, keys=keys, shifts=shifts)


def infonce(
    seen: TrainingSet, start: Matrix, *, both: bool, shrinkage: float, random_state: int
) -> Matrix:
    """Learn a matrix by the contrastive loss of van den Oord, Li, Vinyals (arXiv 1807.03748).

    For each answer, the loss is the cross-entropy of a softmax over cosines: the answer competes with
    the records judged not to be answers, with the answers of other queries, and with random records.
    Unjudged records near the query are left out, because they may be unmarked answers. The change from
    the start is shrunk, more strongly the fewer queries were judged. The optimizer is 40 steps of Adam
    (Kingma, Ba; arXiv 1412.6980).

    Args:
        seen: The judgments.
        start: (d, d) float32, where learning starts and what the result is shrunk to.
        both: Whether records are mapped too.
        shrinkage: The weight of the squared change, before division by the number of judged queries.
        random_state: The seed of the batches and the random records.

    Returns:
        (d, d) float32.
    """
    weight = shrinkage / len(seen.judged_queries)
    fits = [_fit(seen, start, both, t, weight, random_state) for t in _TEMPERATURES]
    mean: Matrix = np.mean(fits, axis=0, dtype=np.float32)
    return mean


def _fit(
    seen: TrainingSet, start: Matrix, both: bool, temperature: float, weight: float, seed: int
) -> Matrix:
    random = np.random.default_rng(seed)
    relevant, matrix = seen.relevant, start.copy()
    pull_back = np.float32(2 * weight)
    others = np.flatnonzero(seen.gains <= 0)
    adam, order, at = _Adam(matrix.shape), random.permutation(relevant), 0
    for _ in range(_STEPS):
        batch = order[at : at + _BATCH]
        at += _BATCH
        if at >= len(order):
            order, at = random.permutation(relevant), 0
        queries, answers = seen.pairs[batch].T
        irrelevant = seen.pairs[others[np.isin(seen.pairs[others, 0], queries)], 1]
        if len(irrelevant) > _BATCH:
            irrelevant = random.choice(irrelevant, _BATCH, replace=False)
        unjudged = random.integers(0, len(seen.documents), _RANDOM)
        records = np.concatenate([answers, irrelevant, unjudged])
        gradient = _gradient(seen, matrix, batch, records, both, temperature)
        matrix -= adam.step(gradient + pull_back * (matrix - start))
    return matrix


def _gradient(
    seen: TrainingSet,
    matrix: Matrix,
    batch: NDArray[np.intp],
    records: NDArray[np.int64],
    both: bool,
    temperature: float,
) -> Matrix:
    """Return the gradient of the loss; the records begin with the answers of the batch."""
    rows, own = seen.pairs[batch, 0], np.arange(len(batch))
    counted = seen.others[np.ix_(rows, records)].astype(np.float32)
    counted[own, own] = 1
    queries, documents = seen.queries[rows], seen.documents[records]
    mapped, lengths = _mapped(queries, matrix)
    compared, their = _mapped(documents, matrix) if both else (documents, None)
    scores = mapped @ compared.T / np.float32(temperature)
    with np.errstate(divide="ignore"):
        scores += np.log(counted)
    scores -= scores.max(axis=1, keepdims=True)
    pull = np.exp(scores)
    pull /= pull.sum(axis=1, keepdims=True)
    pull[own, own] -= 1
    weights = seen.gains[batch]
    pull *= (weights / (weights.sum() * temperature)).astype(np.float32)[:, np.newaxis]
    gradient = _through_normalization(pull @ compared, mapped, lengths).T @ queries
    if their is not None:
        gradient += _through_normalization(pull.T @ mapped, compared, their).T @ documents
    made: Matrix = gradient
    return made


def _mapped(rows: Matrix, matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Map rows and scale them to unit length; return them and the lengths they had."""
    made = rows @ matrix.T
    lengths = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), np.float32(1e-12))
    return made / lengths, lengths


def _through_normalization(gradient: Matrix, mapped: Matrix, lengths: Matrix) -> Matrix:
    """Backpropagate a gradient through the division by the length."""
    along = np.einsum("ij,ij->i", gradient, mapped)[:, np.newaxis]
    made: Matrix = (gradient - mapped * along) / lengths
    return made


class _Adam:
    """The Adam optimizer with its default constants."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._mean = np.zeros(shape, dtype=np.float32)
        self._square = np.zeros(shape, dtype=np.float32)
        self._count = 0

    def step(self, gradient: Matrix) -> Matrix:
        """Return what to subtract from the parameters."""
        self._count += 1
        self._mean += np.float32(0.1) * (gradient - self._mean)
        self._square += np.float32(0.001) * (gradient * gradient - self._square)
        mean = self._mean / np.float32(1 - 0.9**self._count)
        square = self._square / np.float32(1 - 0.999**self._count)
        made: Matrix = np.float32(_RATE) * mean / (np.sqrt(square) + np.float32(1e-8))
        return made


def mahalanobis(seen: TrainingSet) -> Matrix:
    """Shrink the directions in which queries and their answers differ.

    This is relevant component analysis (Bar-Hillel, Hertz, Shental, Weinshall: Learning Distance
    Functions using Equivalence Relations, ICML 2003). The covariance of the differences is itself shrunk
    to a multiple of the identity, because there are seldom more differences than dimensions.

    Returns:
        (d, d) float32, symmetric, to be applied to queries and records.
    """
    rows, d = seen.pairs[seen.relevant], seen.dimension
    difference = seen.queries[rows[:, 0]] - seen.documents[rows[:, 1]]
    weights = seen.gains[seen.relevant, np.newaxis]
    covariance = (difference * weights).T @ difference / weights.sum()
    mean = float(np.trace(covariance)) / d
    if mean <= 0:  # All answers are the queries themselves.
        return np.eye(d, dtype=np.float32)
    known = len(rows) / (d + len(rows))
    values, vectors = np.linalg.eigh(
        known * covariance.astype(np.float64) / mean + (1 - known) * np.eye(d)
    )
    made: Matrix = ((vectors * values**-_POWER) @ vectors.T).astype(np.float32)
    return made


def ridge(seen: TrainingSet) -> Matrix:
    """Map queries to their answers by a ridge regression that is shrunk to the identity.

    Minimizes `sum |W q - t|^2 + 10 |W - I|^2` over judged queries in closed form, where t is the
    direction of a query's answers minus half that of the records judged irrelevant to it.

    Returns:
        (d, d) float32, to be applied to queries only.
    """
    queries, targets = _targets(seen)
    gram = queries @ queries.T + _RIDGE * np.eye(len(queries), dtype=np.float32)
    change = np.linalg.solve(gram.astype(np.float64), (targets - queries).astype(np.float64))
    made: Matrix = (np.eye(seen.dimension) + change.T @ queries).astype(np.float32)
    return made


def memory(seen: TrainingSet) -> tuple[Matrix, Matrix]:
    """Remember judged queries: a query near one of them moves toward that one's answers.

    This is Rocchio's relevance feedback (in Salton: The SMART Retrieval System, 1971), applied to
    queries that resemble the judged ones.

    Returns:
        (m, d) float32 keys and (m, d) float32 shifts, for `Transform`.
    """
    queries, targets = _targets(seen)
    return queries, np.float32(_STRENGTH) * (targets - queries)


def _targets(seen: TrainingSet) -> tuple[Matrix, Matrix]:
    """Return each judged query, and the direction of its answers minus half that of its non-answers."""
    judged = seen.judged_queries
    place = np.full(len(seen.queries), -1)
    place[judged] = np.arange(len(judged))
    sums = np.zeros((2, len(judged), seen.dimension), dtype=np.float32)
    totals = np.zeros((2, len(judged), 1), dtype=np.float32)
    for side, sign in enumerate((1, -1)):
        rows = np.flatnonzero((sign * seen.gains > 0) & (place[seen.pairs[:, 0]] >= 0))
        at, weights = place[seen.pairs[rows, 0]], np.abs(seen.gains[rows])[:, np.newaxis]
        np.add.at(sums[side], at, weights * seen.documents[seen.pairs[rows, 1]])
        np.add.at(totals[side], at, weights)
    answers, irrelevant = sums / np.maximum(totals, 1e-12)
    queries = seen.queries[judged]
    return queries, unit(queries + answers - np.float32(0.5) * irrelevant)
