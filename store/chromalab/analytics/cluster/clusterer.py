"""Clusters by any estimator with `fit_predict`, as scikit-learn's clusterers have it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError, short

__all__ = ["Clusterer", "labels_by", "parameters_of"]


class Clusterer(Protocol):
    """An estimator that labels rows, such as `sklearn.cluster.AgglomerativeClustering()`."""

    def fit_predict(self, X: Any, /) -> Any:
        """Return one integer for each row of X, (n, dimension); -1 for noise."""


def labels_by(clusterer: Clusterer, vectors: NDArray[np.float32]) -> NDArray[np.int32]:
    """Fit an estimator to unit vectors, and check the labels that it returns.

    Args:
        clusterer: The estimator. It is fitted itself, not a copy of it.
        vectors: (n, dimension) float32, of unit length.

    Returns:
        (n,) int32 labels 0, 1, ..., and -1 for noise.

    Raises:
        InvalidArgumentError: The labels are not one integer for each row.

    Example:
        >>> from sklearn.cluster import DBSCAN
        >>> labels_by(DBSCAN(eps=0.1, min_samples=2), np.eye(3, dtype=np.float32)[[2, 2, 0, 1, 1]])
        array([ 0,  0, -1,  1,  1], dtype=int32)
    """
    found = np.asarray(clusterer.fit_predict(vectors))
    if found.shape != (len(vectors),) or found.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"{type(clusterer).__name__}.fit_predict must return {len(vectors):,} integers, one for each "
            f"record and -1 for noise; got {found.dtype} of shape {found.shape}."
        )
    labels = np.full(len(found), -1, dtype=np.int32)
    labels[found >= 0] = np.unique(found[found >= 0], return_inverse=True)[1].ravel()
    return labels


def parameters_of(clusterer: Clusterer) -> dict[str, Any]:
    """Return the parameters of an estimator as plain data; {} if it has no `get_params`.

    Example:
        >>> from sklearn.cluster import DBSCAN
        >>> parameters_of(DBSCAN(eps=0.1))["eps"]
        0.1
    """
    found = clusterer.get_params() if hasattr(clusterer, "get_params") else {}
    return {
        str(name): value if value is None or isinstance(value, str | int | float) else short(value)
        for name, value in found.items()
    }
