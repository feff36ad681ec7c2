"""Principal components: the coordinates that every map starts from, and a map of their own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.graph.distinct_vectors import unit

__all__ = ["Components", "first_coordinates", "principal_components", "unit_vectors"]

_BLOCK = 4096  # rows multiplied at a time in float32, and summed in float64
_LARGEST = 2.0**60  # entries above it could overflow the squares of coordinates in float32
_DENSE = 64  # dimensions up to which all eigenvectors are computed at once
_SAMPLE = 5_000  # rows whose components are found at first
_EXTRA, _ROUNDS = (
    8,
    4,
)  # further dimensions and power iterations, which make the first two exact enough


@dataclass(frozen=True, eq=False)
class Components:
    """The directions of largest variance: coordinates are `vectors @ axes.T + offset`.

    Attributes:
        axes: (dims, dimension) float32, of unit length; shorter, by one power of two, if the entries
            of the vectors exceed 2**60, so that coordinates stay far inside of the range of float32.
        offset: (dims,) float32.
        explained: The share of the variance along each axis.
    """

    axes: NDArray[np.float32]
    offset: NDArray[np.float32]
    explained: tuple[float, ...]

    def project(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, dims) float32 coordinates of (n, dimension) vectors."""
        return vectors @ self.axes.T + self.offset


def principal_components(vectors: NDArray[np.float32], dims: int) -> Components:
    """Find the first principal components of (n, dimension) vectors from their covariance.

    The sign of each axis makes its largest entry positive, so that the same vectors give the same map. An
    axis is zero if no variance is left for it.

    Example:
        >>> line = np.array([[0, 0], [1, 1], [2, 2]], dtype=np.float32)
        >>> principal_components(line, 2).project(line).round(2) + 0
        array([[-1.41,  0.  ],
               [ 0.  ,  0.  ],
               [ 1.41,  0.  ]], dtype=float32)
    """
    n, dimension = vectors.shape
    axes = np.zeros((dims, dimension))
    if n < 2 or dimension == 0:
        return Components(axes.astype(np.float32), np.zeros(dims, dtype=np.float32), (0.0,) * dims)
    mean = vectors.mean(axis=0, dtype=np.float64)
    # Dividing by a power of two is exact, and keeps squares from overflowing or vanishing.
    size = max(-float(vectors.min()), float(vectors.max()))
    power = np.float32(2.0 ** np.floor(np.log2(size))) if size > 0 else np.float32(1)
    middle = (mean / power).astype(np.float32)
    covariance = np.zeros((dimension, dimension))
    for start in range(0, n, _BLOCK):
        block = vectors[start : start + _BLOCK] / power - middle
        covariance += block.T @ block
    covariance /= n
    found = min(dims, dimension)
    values, directions = _largest(covariance, found)
    total = float(np.trace(covariance))
    shares = [max(float(value), 0.0) / total if total > 0 else 0.0 for value in values]
    for at, (share, direction) in enumerate(zip(shares, directions.T, strict=True)):
        if share > 1e-12:  # a smaller share is rounding error, and its direction is noise
            axes[at] = direction * np.sign(direction[np.abs(direction).argmax()])
    if size > _LARGEST:
        axes /= float(power)
    explained = tuple(shares) + (0.0,) * (dims - found)
    return Components(axes.astype(np.float32), (-axes @ mean).astype(np.float32), explained)


def first_coordinates(vectors: NDArray[np.float32], dims: int = 2) -> NDArray[np.float32]:
    """Place vectors by the principal components of a sample of them, in a fraction of a second.

    This is what a map shows while its layout is computed, so it imports nothing but numpy. The components
    are found by a randomized range finder (Halko, Martinsson & Tropp 2011, doi:10.1137/090771806), and have
    the same signs as those of `principal_components`.

    Args:
        vectors: (n, dimension); each is scaled to unit length, as all layouts take them.
        dims: The number of components.

    Returns:
        (n, dims) float32.

    Example:
        >>> first_coordinates(np.float32([[1, 0], [4, 3], [2, 0]])).round(1) + 0
        array([[-0.2,  0. ],
               [ 0.4,  0. ],
               [-0.2,  0. ]], dtype=float32)
    """
    n, dimension = vectors.shape
    at = np.zeros((n, dims), dtype=np.float32)
    if n < 2 or dimension == 0:
        return at
    sample = unit_vectors(vectors[:: -(-n // _SAMPLE)])
    mean = sample.mean(axis=0)
    sample = sample - mean
    count = min(dims + _EXTRA, dimension)
    basis = np.random.RandomState(0).normal(size=(dimension, count)).astype(np.float32)
    for _ in range(_ROUNDS):
        basis, _ = np.linalg.qr(sample.T @ (sample @ basis))
    _, sizes, turns = np.linalg.svd(sample @ basis, full_matrices=False)
    axes = (turns @ basis.T)[:dims]
    axes[sizes[:dims] <= 1e-6 * sizes[0]] = 0  # rounding errors
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        at[rows, : len(axes)] = (unit_vectors(vectors[rows]) - mean) @ axes.T
    return at


def unit_vectors(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors of unit length; zero vectors stay zero."""
    return unit(vectors)[0]


def _largest(
    matrix: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalues of a symmetric matrix, and their eigenvectors as columns."""
    from scipy.sparse.linalg import ArpackError, eigsh

    values, vectors = None, None
    if len(matrix) > max(_DENSE, 4 * count) and matrix.any():
        first = np.random.RandomState(0).uniform(-1, 1, len(matrix))  # eigsh would draw its own
        with suppress(ArpackError):  # it did not converge
            values, vectors = eigsh(matrix, k=count, v0=first)
    if values is None or vectors is None:
        values, vectors = np.linalg.eigh(matrix)
    order = np.argsort(-values, kind="stable")[:count]
    return values[order], vectors[:, order]
