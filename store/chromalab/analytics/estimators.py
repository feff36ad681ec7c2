"""The analyses as scikit-learn estimators, for its pipelines.

The parameters of an estimator are the options of the function of the same name in
`chromalab.analytics`, with the same defaults; see there. Importing this module imports scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, TypeVar

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

from chromalab.analytics.classify import classify
from chromalab.analytics.classify.methods import FITS, METHODS
from chromalab.analytics.classify.model_selection import choose_method
from chromalab.analytics.classify.points import Points
from chromalab.analytics.cluster import cluster
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.outliers import outliers
from chromalab.analytics.project import project
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ClassifyEstimator", "ClusterEstimator", "OutlierEstimator", "ProjectEstimator"]

E = TypeVar("E", bound=type[Any])

_OF_COLLECTIONS = ("where", "into", "progress")


def _options_of(function: Callable[..., Any], *, without: tuple[str, ...] = ()) -> Callable[[E], E]:
    """Give an estimator class a constructor whose parameters are the options of a function.

    scikit-learn reads the names and defaults of the parameters from the signature of `__init__`, and
    their values from attributes of the same names.

    Args:
        function: The function. Its first argument is the data, and not an option.
        without: Options that make no sense for an estimator.
    """
    options = [
        parameter
        for name, parameter in list(signature(function).parameters.items())[1:]
        if name not in (*_OF_COLLECTIONS, *without)
    ]

    def decorate(estimator: E) -> E:
        first = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
        parameters = Signature([first, *options])

        def __init__(*args: Any, **kwargs: Any) -> None:
            bound = parameters.bind(*args, **kwargs)
            bound.apply_defaults()
            itself = bound.arguments.pop("self")
            for name, value in bound.arguments.items():
                setattr(itself, name, value)

        __init__.__signature__ = parameters  # type: ignore[attr-defined]
        estimator.__init__ = __init__
        return estimator

    return decorate


@_options_of(classify, without=("field", "labels", "examples", "threshold"))
class ClassifyEstimator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.classify` as an estimator.

    It has the methods that do not need unlabeled records: "auto" (by cross-validation), "logistic",
    "logistic-soft", "centroid", "knn" and "svm".

    Attributes:
        classes_: (c,) the labels.
        method_: The chosen method.
        chosen_: The reason for the choice, with the scores of the other methods.

    Example:
        >>> import numpy as np
        >>> rows = np.repeat(np.eye(2), 30, axis=0) + np.random.default_rng(0).normal(0, 0.1, (60, 2))
        >>> model = ClassifyEstimator().fit(rows, ["tea"] * 30 + ["chalk"] * 30)
        >>> model.predict([[1.0, 0.2], [0.1, 0.9]]).tolist()
        ['tea', 'chalk']
    """

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
        """Predict class probabilities: (m, c) float32, calibrated if there were enough labels."""
        check_is_fitted(self)
        rows = unit(_checked(self, X, fitted=True))[0]
        return self.chosen_.calibration.probabilities(self._score(rows), False)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the most probable class of new rows: (m,)."""
        check_is_fitted(self)
        found: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found


@_options_of(cluster, without=("previous",))
class ClusterEstimator(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.cluster` as an estimator.

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

    def fit(self, X: Any, y: None = None) -> Self:
        """Cluster the rows of X, (n, dimension) numbers."""
        self.clusters_ = cluster(_checked(self, X), **self.get_params(deep=False), progress=False)
        self.labels_ = self.clusters_.labels
        self.probabilities_ = self.clusters_.probabilities
        return self

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Predict the clusters of new rows: (m,) int32, -1 for noise."""
        check_is_fitted(self)
        return self.clusters_.predict(_checked(self, X, fitted=True)).labels


@_options_of(outliers)
class OutlierEstimator(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.outliers` as an estimator.

    Attributes:
        outliers_: The `Outliers`.
        negative_outlier_factor_: (n,) float32; lower for outliers.

    Example:
        >>> import numpy as np
        >>> rows = np.vstack([np.random.default_rng(0).normal([9, 0, 0], 1, (50, 3)), [[-9, 0, 0]]])
        >>> int(np.flatnonzero(OutlierEstimator(share=0.01).fit_predict(rows) == -1)[0])
        50
    """

    def fit(self, X: Any, y: None = None) -> Self:
        """Score the rows of X, (n, dimension) numbers."""
        self.outliers_ = outliers(_checked(self, X), **self.get_params(), progress=False)
        self.negative_outlier_factor_ = -self.outliers_.scores
        return self

    def fit_predict(self, X: Any, y: None = None) -> NDArray[np.int64]:
        """Score the rows; return (n,) int64, -1 for an outlier and 1 for all others."""
        return np.where(self.fit(X).outliers_.is_outlier, -1, 1)


@_options_of(project, without=("align_to", "on_frame"))
class ProjectEstimator(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """`chromalab.analytics.project` as an estimator.

    Attributes:
        projection_: The `Projection`.
        embedding_: (n, dims) float32.

    Example:
        >>> import numpy as np
        >>> ProjectEstimator("pca").fit_transform(np.eye(4)).shape
        (4, 2)
    """

    def fit(self, X: Any, y: None = None) -> Self:
        """Project the rows of X, (n, dimension) numbers."""
        self.projection_ = project(_checked(self, X), **self.get_params(), progress=False)
        self.embedding_ = self.projection_.coordinates
        return self

    def fit_transform(self, X: Any, y: None = None) -> NDArray[np.float32]:
        """Project the rows: (n, dims) float32."""
        return self.fit(X).embedding_

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Place new rows on the map: (m, dims) float32."""
        check_is_fitted(self)
        return self.projection_.transform(_checked(self, X, fitted=True))


def _checked(estimator: BaseEstimator, X: Any, *, fitted: bool = False) -> NDArray[np.float32]:
    """Check rows as scikit-learn's own estimators do: (n, dimension) float32, finite.

    Unlike the functions, they do not accept an array without rows.
    """
    rows: NDArray[np.float32] = check_array(X, dtype=np.float32, estimator=estimator)
    if not fitted:
        estimator.n_features_in_ = rows.shape[1]
    elif rows.shape[1] != estimator.n_features_in_:
        raise InvalidArgumentError(
            f"X has {rows.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"  # the words that scikit-learn checks for
        )
    return rows
