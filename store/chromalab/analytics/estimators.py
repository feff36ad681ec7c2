"""The analyses as scikit-learn estimators, for its pipelines and its manner of saying things.

Importing this module imports scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClusterMixin,
    OutlierMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y

from chromalab.analytics.classify.methods import FITS, METHODS
from chromalab.analytics.classify.model_selection import choose_method
from chromalab.analytics.classify.points import Points
from chromalab.analytics.cluster import cluster
from chromalab.analytics.graph.copies import unit
from chromalab.analytics.outliers import outliers
from chromalab.analytics.project import project
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ClassifyEstimator", "ClusterEstimator", "OutlierEstimator", "ProjectEstimator"]


class ClassifyEstimator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.classify` as an estimator, by the methods that need no unlabelled records.

    Args:
        method: "auto" (by cross-validation), "logistic", "logistic-soft", "centroid", "knn" or "svm".
        random_state: The seed.

    Attributes:
        classes_: (c,) the labels.
        method_: The method that was taken.
        chosen_: Why, with the scores of the others.

    Example:
        >>> import numpy as np
        >>> rows = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
        >>> model = ClassifyEstimator().fit(rows, ["tea"] * 30 + ["chalk"] * 30)
        >>> model.predict([[1.0, 0.2], [0.1, 0.9]]).tolist()
        ['tea', 'chalk']
    """

    def __init__(self, method: str = "auto", *, random_state: int = 0) -> None:
        self.method = method
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from the rows of X, (n, dimension) numbers, and their labels."""
        if self.method not in ("auto", *FITS):
            hint = near(str(self.method), ["auto", *FITS], what="Methods")
            raise InvalidArgumentError(f"No method {short(self.method)}. {hint}")
        rows, labels = check_X_y(X, y, dtype=np.float32, estimator=self)
        check_classification_targets(labels)
        self.n_features_in_ = rows.shape[1]
        self.classes_, codes = np.unique(labels, return_inverse=True)
        truth = np.eye(len(self.classes_), dtype=bool)[codes]
        points = Points(Snapshot.of(rows), rows[:0], random_state=self.random_state)
        self.chosen_ = choose_method(
            points,
            np.arange(len(rows)),
            truth,
            requested=self.method,
            multilabel=False,
            among={name: METHODS[name] for name in FITS},
        )
        self.method_ = self.chosen_.method
        self._score = FITS[self.method_](points.vectors, truth, False)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Say how probable each class is: (m, c) float32, calibrated where there were enough labels."""
        check_is_fitted(self)
        rows = unit(_checked(self, X, fitted=True))[0]
        return self.chosen_.calibration.probabilities(self._score(rows), False)

    def predict(self, X: Any) -> NDArray[Any]:
        """Say the likeliest class of new rows: (m,)."""
        check_is_fitted(self)
        found: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found


class ClusterEstimator(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.cluster` as an estimator.

    Args:
        method: "auto", "leiden", "hdbscan" or "kmeans".
        n_clusters: How many, where that is known.
        resolution: As there.
        min_cluster_size: As there.
        random_state: The seed.

    Attributes:
        clusters_: The `Clusters`.
        labels_: (n,) int32, -1 for noise.
        probabilities_: (n,) float32.

    Example:
        >>> import numpy as np
        >>> rows = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
        >>> labels = ClusterEstimator(n_clusters=2).fit_predict(rows)
        >>> sorted(np.bincount(labels).tolist())
        [30, 30]
    """

    def __init__(
        self,
        method: str = "auto",
        *,
        n_clusters: int | None = None,
        resolution: float | None = None,
        min_cluster_size: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.n_clusters = n_clusters
        self.resolution = resolution
        self.min_cluster_size = min_cluster_size
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:
        """Cluster the rows of X, (n, dimension) numbers."""
        self.clusters_ = cluster(_checked(self, X), **self.get_params())
        self.labels_ = self.clusters_.labels
        self.probabilities_ = self.clusters_.probabilities
        return self

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Say in which cluster new rows would be; (m,) int32, -1 for none."""
        check_is_fitted(self)
        return self.clusters_.predict(_checked(self, X, fitted=True)).labels


class OutlierEstimator(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.outliers` as an estimator.

    Args:
        method: As there.
        k: Neighbours that are looked at.
        share: Which share of the rows are outliers; by default those far beyond the median.
        random_state: The seed.

    Attributes:
        outliers_: The `Outliers`.
        negative_outlier_factor_: (n,) float32, the lower the more of an outlier.

    Example:
        >>> import numpy as np
        >>> rows = np.vstack([np.random.default_rng(0).normal([9, 0, 0], 1, (50, 3)), [[-9, 0, 0]]])
        >>> int(np.flatnonzero(OutlierEstimator(share=0.01).fit_predict(rows) == -1)[0])
        50
    """

    def __init__(
        self,
        method: str = "distance",
        *,
        k: int = 10,
        share: float | None = None,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.k = k
        self.share = share
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:
        """Score the rows of X, (n, dimension) numbers."""
        self.outliers_ = outliers(_checked(self, X), **self.get_params())
        self.negative_outlier_factor_ = -self.outliers_.scores
        return self

    def fit_predict(self, X: Any, y: None = None) -> NDArray[np.int64]:
        """Score the rows; -1 for an outlier, 1 for all others, (n,) int64."""
        return np.where(self.fit(X).outliers_.is_outlier, -1, 1)


class ProjectEstimator(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.project` as an estimator.

    Args:
        method: "umap", "tsne", "pca" or "pacmap".
        dims: 2 or 3.
        random_state: The seed.

    Attributes:
        projection_: The `Projection`.
        embedding_: (n, dims) float32.

    Example:
        >>> import numpy as np
        >>> ProjectEstimator("pca").fit_transform(np.eye(4)).shape
        (4, 2)
    """

    def __init__(self, method: str = "umap", *, dims: int = 2, random_state: int = 0) -> None:
        self.method = method
        self.dims = dims
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:
        """Lay the rows of X out, (n, dimension) numbers."""
        self.projection_ = project(_checked(self, X), **self.get_params())
        self.embedding_ = self.projection_.coordinates
        return self

    def fit_transform(self, X: Any, y: None = None) -> NDArray[np.float32]:
        """Lay the rows out: (n, dims) float32."""
        return self.fit(X).embedding_

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Place new rows on the map: (m, dims) float32."""
        check_is_fitted(self)
        return self.projection_.transform(_checked(self, X, fitted=True))


def _checked(estimator: BaseEstimator, X: Any, *, fitted: bool = False) -> NDArray[np.float32]:
    """Check rows as scikit-learn's own estimators do: (n, dimension) float32, finite.

    They refuse what the functions answer: no rows at all.
    """
    rows: NDArray[np.float32] = check_array(X, dtype=np.float32, estimator=estimator)
    if not fitted:
        estimator.n_features_in_ = rows.shape[1]
    elif rows.shape[1] != estimator.n_features_in_:
        raise InvalidArgumentError(
            f"X has {rows.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"  # scikit-learn's own words
        )
    return rows
