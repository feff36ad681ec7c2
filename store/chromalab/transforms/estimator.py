"""`TransformEstimator`: a transform in scikit-learn's pipelines. Importing it imports scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from chromalab.errors import InvalidArgumentError, short
from chromalab.transforms.transform import Transform

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Side", "TransformEstimator"]

Side = Literal["documents", "queries"]


class TransformEstimator(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A learned transform as a scikit-learn transformer of embeddings.

    Args:
        learned: The transform, such as `collection.transforms["name"]`.
        side: What the rows are, "documents" or "queries"; `transform` can override it per call.

    Attributes:
        n_features_in_: The dimension of the embeddings.

    Example:
        >>> stretch = Transform(name="stretch", matrix=np.diag([2, 1]).astype(np.float32))
        >>> TransformEstimator(stretch).fit_transform([[3.0, 0.0], [0.0, 2.0]]).tolist()
        [[3.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, learned: Transform | None = None, *, side: Side = "documents") -> None:
        # scikit-learn requires attributes to be named after the arguments, and `transform` is a method.
        self.learned = learned
        self.side = side

    def fit(self, X: Any, y: None = None) -> Self:
        """Check that rows (n, d) have the dimension of the transform; nothing is learned from them.

        Raises:
            InvalidArgumentError: There is no transform, or the dimension differs.
        """
        if not isinstance(self.learned, Transform):
            raise InvalidArgumentError(
                f"learned must be a Transform; got {short(self.learned)}. Give one that tune() learned."
            )
        self.learned.documents(check_array(X, dtype=np.float32, estimator=self))
        self.n_features_in_ = self.learned.dimension
        return self

    def transform(self, X: Any, side: Side | None = None) -> NDArray[np.float32]:
        """Map rows.

        Args:
            X: (n, d) numbers.
            side: "documents" or "queries"; by default the side that the estimator was made with.

        Returns:
            (n, d) float32.

        Raises:
            InvalidArgumentError: There is no such side, or the dimension differs.
        """
        check_is_fitted(self)
        chosen = self.side if side is None else side
        if chosen not in get_args(Side):
            raise InvalidArgumentError(
                f"side must be {' or '.join(get_args(Side))}; got {short(chosen)}."
            )
        rows = check_array(X, dtype=np.float32, estimator=self)
        assert self.learned is not None
        map_rows = self.learned.queries if chosen == "queries" else self.learned.documents
        return map_rows(rows)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the output columns."""
        check_is_fitted(self)
        return np.asarray([f"transformed{n}" for n in range(self.n_features_in_)], dtype=object)
