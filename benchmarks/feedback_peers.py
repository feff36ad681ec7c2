"""Two published methods for learning from judgments, re-implemented in numpy from their descriptions.

Neither is the original: the matrix is narrower and trained for fewer epochs, and both use the last state
instead of the one that does best on the test set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SETTINGS", "adapter", "cookbook"]

SETTINGS = ((10, 10.0), (100, 100.0), (1000, 1000.0))
"""The batch sizes and learning rates of the cookbook's matrix."""

_WIDTH = 512  # 2,048 in the cookbook, which takes four times as long
_EPOCHS = 10
_DROPOUT = 0.2
_TRIPLET_EPOCHS = 30
_TRIPLET_BATCH = 32
_RATE, _MARGIN, _CLIP, _WARM, _DECAY = 3e-3, 1.0, 1.0, 100, 0.01

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


def cookbook(
    queries: Vectors,
    documents: Vectors,
    pairs: Rows,
    grades: Vectors,
    *,
    batch: int,
    rate: float,
    seed: int,
) -> Vectors:
    """Learn one matrix for both sides, from a random one, like "Customizing embeddings" by OpenAI.

    The loss is the squared difference of the cosine from 1 or -1, with dropout, minimized by plain gradient
    steps.

    Returns:
        (d, 512) float32, applied as `x @ matrix`.
    """
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(queries.shape[1], _WIDTH)).astype(np.float32)
    for _ in range(_EPOCHS):
        order = random.permutation(len(pairs))
        for at in range(0, len(order), batch):
            some = order[at : at + batch]
            left, right = (
                _dropped(rows[pairs[some, side]], random)
                for side, rows in enumerate((queries, documents))
            )
            (u, long), (v, wide) = _mapped(left, matrix), _mapped(right, matrix)
            cosine = np.einsum("ij,ij->i", u, v)[:, np.newaxis]
            pull = 2 * (cosine - grades[some, np.newaxis]) / len(some)
            gradient = left.T @ (pull * (v - cosine * u) / long)
            gradient += right.T @ (pull * (u - cosine * v) / wide)
            matrix -= np.float32(rate) * gradient
    return matrix


def adapter(
    queries: Vectors, documents: Vectors, pairs: Rows, grades: Vectors, *, seed: int
) -> Vectors:
    """Learn a matrix for queries only, from the identity, like Chroma's "Embedding Adapters".

    It uses triplets of a query, an answer and a random document without judgments; AdamW at 3e-3 after
    100 steps of warm-up; gradients clipped to a length of 1. Negative judgments are not used.

    Returns:
        (d, d) float32, applied as `query @ matrix.T`.
    """
    random = np.random.default_rng(seed)
    relevant = pairs[grades > 0]
    free = np.setdiff1d(np.arange(len(documents)), pairs[:, 1])
    matrix = np.eye(queries.shape[1], dtype=np.float32)
    mean, square = np.zeros_like(matrix), np.zeros_like(matrix)
    total = _TRIPLET_EPOCHS * -(-len(relevant) // _TRIPLET_BATCH)
    step = 0
    for _ in range(_TRIPLET_EPOCHS):
        order = random.permutation(len(relevant))
        for at in range(0, len(order), _TRIPLET_BATCH):
            asked, answers = relevant[order[at : at + _TRIPLET_BATCH]].T
            others = documents[random.choice(free, len(asked))]
            step += 1
            gradient = _triplets(matrix, queries[asked], documents[answers], others)
            gradient *= min(1.0, _CLIP / max(float(np.linalg.norm(gradient)), 1e-12))
            mean += np.float32(0.1) * (gradient - mean)
            square += np.float32(0.001) * (gradient * gradient - square)
            rate = _RATE * min(step / _WARM, (total - step) / max(total - _WARM, 1), 1.0)
            if total <= _WARM:
                rate = _RATE * step / _WARM
            change = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            matrix -= np.float32(rate) * (change + np.float32(_DECAY) * matrix).astype(np.float32)
    return matrix


def _triplets(matrix: Vectors, asked: Vectors, answers: Vectors, others: Vectors) -> Vectors:
    moved = asked @ matrix.T
    near, far = moved - answers, moved - others
    lengths = [
        np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6) for rows in (near, far)
    ]
    active = lengths[0] - lengths[1] + _MARGIN > 0
    pull = active * (near / lengths[0] - far / lengths[1]) / len(asked)
    return pull.astype(np.float32).T @ asked


def _dropped(rows: Vectors, random: np.random.Generator) -> Vectors:
    mask = random.random(rows.shape) >= _DROPOUT
    return (rows * mask / (1 - _DROPOUT)).astype(np.float32)


def _mapped(rows: Vectors, matrix: Vectors) -> tuple[Vectors, Vectors]:
    made = rows @ matrix
    lengths = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), np.float32(1e-12))
    return made / lengths, lengths
