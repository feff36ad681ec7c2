"""A transform as a scikit-learn transformer, for its pipelines. Importing this imports scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from chromalab.errors import InvalidArgumentError, short
from chromalab.feedback.transform import Transform

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["TransformEstimator"]

_SIDES = ("documents", "queries")


class TransformEstimator(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A learned transform as a transformer of embeddings.

    Args:
        learned: The transform: `collection.transforms["name"]`, say.
        side: What rows are, unless a call says so: "documents" or "queries".

    Attributes:
        n_features_in_: Numbers of an embedding.

    Example:
        >>> stretch = Transform(name="stretch", matrix=np.diag([2, 1]).astype(np.float32))
        >>> TransformEstimator(stretch).fit_transform([[3.0, 0.0], [0.0, 2.0]]).tolist()
        [[3.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, learned: Transform | None = None, *, side: str = "documents") -> None:
        self.learned = (
            learned  # scikit-learn wants the name of the argument, and `transform` is taken
        )
        self.side = side

    def fit(self, X: Any, y: None = None) -> Self:
        """Check that rows (n, d) are as wide as the transform; nothing is learned from them.

        Raises:
            InvalidArgumentError: there is no transform, or the rows are not as wide.
        """
        if not isinstance(self.learned, Transform):
            raise InvalidArgumentError(
                f"learned is {short(self.learned)}; give the Transform that tune() has learned."
            )
        self.learned.documents(check_array(X, dtype=np.float32, estimator=self))
        self.n_features_in_ = self.learned.dimension
        return self

    def transform(self, X: Any, side: str | None = None) -> NDArray[np.float32]:
        """Map rows.

        Args:
            X: (n, d) numbers.
            side: "documents" or "queries"; as the estimator was made, unless given.

        Returns:
            (n, d) float32.

        Raises:
            InvalidArgumentError: there is no such side, or the rows are not as wide as the transform.
        """
        check_is_fitted(self)
        chosen = self.side if side is None else side
        if chosen not in _SIDES:
            raise InvalidArgumentError(f"side is {short(chosen)}; it is {' or '.join(_SIDES)}.")
        rows = check_array(X, dtype=np.float32, estimator=self)
        assert self.learned is not None
        map_rows = self.learned.queries if chosen == "queries" else self.learned.documents
        return map_rows(rows)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Name the columns that come out."""
        check_is_fitted(self)
        return np.asarray([f"transformed{n}" for n in range(self.n_features_in_)], dtype=object)
