"""Distinct vectors: records with equal vectors become one node. And vectors scaled to unit length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["distinct", "unit"]

_BLOCK = 4096  # rows per block


def distinct(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Group records with equal vectors into nodes, numbered by their first record.

    The hash of a row is the sum of its words times odd random numbers, modulo 2**64 (Dietzfelbinger,
    Hagerup, Katajainen & Penttonen 1997, doi:10.1006/jagm.1997.0873). Rows with equal hashes are
    compared.

    Args:
        vectors: (n, dimension) float32, without NaN. -0.0 equals 0.0.

    Returns:
        (n,) int32, the node of each record, and (m,) int64, the first record of each node, ascending.

    Example:
        >>> distinct(np.array([[1, 0], [0, 1], [1, -0.0]], dtype=np.float32))
        (array([0, 1, 0], dtype=int32), array([0, 1]))
    """
    hashes = _hashes(vectors)
    _, first, node = np.unique(hashes, return_index=True, return_inverse=True)
    node = node.reshape(-1)
    later = np.flatnonzero(first[node] != np.arange(len(vectors)))
    for start in range(0, len(later), _BLOCK):
        rows = later[start : start + _BLOCK]
        if not np.array_equal(vectors[rows], vectors[first[node[rows]]]):
            return _distinct_bytes(vectors)
    return _renumbered(node, first)


def unit(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scale vectors to unit length, very large and very small ones too.

    Returns:
        (n, dimension) float32, and (n,) bool, whether each vector has a direction; a zero vector does
        not.
    """
    scaled = np.empty(vectors.shape, dtype=np.float32)
    has_direction = np.zeros(len(vectors), dtype=np.bool_)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float64)  # float32 squares could overflow
        length = np.sqrt(np.einsum("ij,ij->i", block, block))
        has_direction[start : start + _BLOCK] = length > 0
        scaled[start : start + _BLOCK] = block / np.where(length > 0, length, 1)[:, None]
    return scaled, has_direction


def _hashes(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    random = np.random.default_rng(0)
    factors = random.integers(0, 2**64, vectors.shape[1], dtype=np.uint64) | np.uint64(1)
    hashes = np.zeros(len(vectors), dtype=np.uint64)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float32) + np.float32(0)  # -0.0 to 0.0
        hashes[start : start + _BLOCK] = block.view(np.uint32).astype(np.uint64) @ factors
    return hashes


def _distinct_bytes(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Do the same with a dict, in case different vectors have the same hash."""
    seen: dict[bytes, int] = {}
    node = np.empty(len(vectors), dtype=np.int64)
    first: list[int] = []
    for row, vector in enumerate(vectors):
        key = (vector.astype(np.float32) + np.float32(0)).tobytes()
        node[row] = seen.setdefault(key, len(first))
        if node[row] == len(first):
            first.append(row)
    return node.astype(np.int32), np.array(first, dtype=np.int64)


def _renumbered(
    node: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the nodes by their first record."""
    order = np.argsort(first)
    number = np.empty(len(first), dtype=np.int32)
    number[order] = np.arange(len(first), dtype=np.int32)
    return number[node], first[order].astype(np.int64)
