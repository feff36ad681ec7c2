"""`link`: record linkage, which finds the records of two collections that describe the same thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.leakage import concatenate
from chromalab.analytics.dedupe.texts import normalized
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.result import Result
from chromalab.arguments.values import is_number
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.progress import bar
from chromalab.results.tables import count
from chromalab.snapshot import Snapshot

__all__ = ["Links", "link", "mutual_best_matches"]

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

# The first is for the mean of cosine and lexical similarity, measured on Abt-Buy and Walmart-Amazon
# together; the second is for the cosine alone, where there are no texts. See docs/analytics.md.
_THRESHOLD, _VECTOR_THRESHOLD = 0.4, 0.6

_CELLS = 4_000_000  # scores in memory at a time


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Links(Result):
    """Pairs of records, one of each side, that are each other's best match.

    All mutual best matches are included, so that `at` can move the threshold. No record is in two links.

    Attributes:
        snapshot: The records of the left side, then those of the right side.
        n_left: The number of records of the left side.
        left: (l,) int64, rows of the left side, ascending.
        right: (l,) int64, rows of the right side.
        score: (l,) float32, the mean of `cosine` and `lexical`; the cosine if there are no texts.
        cosine: (l,) float32, of the vectors.
        lexical: (l,) float32, of the texts; NaN if there are none.
    """

    _columns = ("left", "right", "score", "cosine", "lexical", "left_text", "right_text")
    _limit = 10
    _width = 40

    n_left: int
    left: Rows
    right: Rows
    score: Scores
    cosine: Scores
    lexical: Scores

    @property
    def threshold(self) -> float:
        """The lowest score of a link."""
        return float(self.parameters["threshold"])

    @property
    def linked(self) -> Rows:
        """(h,) the matches above the threshold, as indices into `left`, `right` and the others."""
        return np.flatnonzero(self.score >= np.float32(self.threshold))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The linked ids, left and right, in the order of the left side."""
        ids = self.snapshot.ids
        return [(ids[self.left[at]], ids[self.n_left + self.right[at]]) for at in self.linked]

    def __len__(self) -> int:
        return len(self.linked)

    def at(self, threshold: float) -> Links:
        """Return the links at another threshold, without comparing the records again."""
        parameters = {
            **self.parameters,
            "threshold": _check_threshold(threshold),
            "suggested": False,
        }
        return replace(self, parameters=parameters)

    def _heading(self) -> str:
        rights = len(self.snapshot) - self.n_left
        return (
            f"{count(len(self), 'link')} between {self.n_left:,} and {count(rights, 'record')} with a "
            f"score of at least {self.threshold:g}"
        )

    def _rows(self) -> list[list[Any]]:
        """One row per link, the highest score first."""
        order = self.linked[np.argsort(-self.score[self.linked], kind="stable")]
        ids, text = self.snapshot.ids, self.snapshot.document
        return [
            [
                ids[self.left[at]],
                ids[self.n_left + self.right[at]],
                round(float(self.score[at]), 4),
                round(float(self.cosine[at]), 4),
                round(float(self.lexical[at]), 4),
                text(int(self.left[at])),
                text(self.n_left + int(self.right[at])),
            ]
            for at in order
        ]


def link(
    data: Any,
    other: Any,
    *,
    threshold: float | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Links:
    """Find the records of two collections that describe the same thing.

    A link is a pair of records that are each other's best match, so a record that merely resembles many
    others is linked to at most one of them. This matters more than any threshold. The score is the mean
    of the cosine of the vectors and of the tf-idf cosine of the 3- to 5-character substrings of the
    texts, because names and product codes show in the texts rather than in the vectors. Every record is
    compared with every other one, so the time grows with the product of the two sizes.

    Args:
        data: The left side: a collection, a snapshot, or (n, dimension) numbers.
        other: The other collection, the right side, in the same form and embedded by the same model.
        threshold: Lowest score of a link; by default .4, and .6 if one side has no texts.
        random_state: Not used; every analysis takes a seed.
        progress: Show a progress bar after one second.

    Returns:
        The links with their scores.

    Raises:
        InvalidArgumentError: The vectors of the two sides have different dimensions, or the threshold is
            not a score.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> ours, theirs = client.create_collection("ours"), client.create_collection("theirs")
        >>> ours.add(ids=["a", "b"], documents=["Sony WH-1000 headphones", "LG dishwasher white"])
        >>> theirs.add(ids=["x", "y"], documents=["dishwasher LG, white", "headphones Sony WH-1000"])
        >>> ours.link(theirs).pairs
        [('a', 'y'), ('b', 'x')]
    """
    level = None if threshold is None else _check_threshold(threshold)
    left, right = Snapshot.of(data), Snapshot.of(other)
    both = concatenate(left, right)
    texts = [[normalized(side.document(row)) for row in range(len(side))] for side in (left, right)]
    has_texts = any(texts[0]) and any(texts[1])
    with bar("link", "rec", progress) as on_progress:
        rows, matches, cosine, lexical = mutual_best_matches(
            unit(left.vectors)[0],  # zero vectors stay zero, and are similar to nothing
            unit(right.vectors)[0],
            *(texts if has_texts else (None, None)),
            on_progress=on_progress,
        )
    if level is None:
        level = _THRESHOLD if has_texts else _VECTOR_THRESHOLD
    return Links(
        snapshot=both,
        parameters={
            "threshold": level,
            "suggested": threshold is None,
            "random_state": random_state,
        },
        n_left=len(left),
        left=rows,
        right=matches,
        score=(cosine + lexical) / np.float32(2) if has_texts else cosine,
        cosine=cosine,
        lexical=lexical,
    )


def mutual_best_matches(
    left: Scores,
    right: Scores,
    left_texts: Sequence[str] | None = None,
    right_texts: Sequence[str] | None = None,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Rows, Rows, Scores, Scores]:
    """Find the pairs of records that are each other's best match; the first one wins a tie.

    Args:
        left: (n, dimension) float32 of length 1, or zero.
        right: (m, dimension) float32 of length 1, or zero.
        left_texts: Normalized texts; None to compare only vectors. An empty text resembles no other.
        right_texts: Normalized texts, or None.
        on_progress: Called with the number of records done and the total.

    Returns:
        The rows of each pair, two (l,) int64 of which the left ones ascend; the cosine of their vectors
        and of their texts, two (l,) float32 of which the second is NaN if texts are not compared. The
        best match is the one with the highest sum of both.

    Example:
        >>> one, other = np.float32([[1, 0], [0, 1]]), np.float32([[0, 1], [0.8, 0.6]])
        >>> [part.tolist() for part in mutual_best_matches(one, other)[:2]]
        [[0, 1], [1, 0]]
    """
    if not (len(left) and len(right)):
        none = np.empty(0, dtype=np.int64)
        return none, none, none.astype(np.float32), none.astype(np.float32)
    weights = None
    if left_texts is not None and right_texts is not None:
        weights = _tf_idf(left_texts, right_texts)
    best = np.full(len(left), -np.inf, dtype=np.float32)
    match = np.zeros(len(left), dtype=np.int64)
    best_right = np.full(len(right), -np.inf, dtype=np.float32)
    match_right = np.full(len(right), -1, dtype=np.int64)
    step = max(1, _CELLS // len(right))
    for start in range(0, len(left), step):
        block = slice(start, start + step)
        score = left[block] @ right.T
        if weights is not None:
            score += (weights[0][block] @ weights[1].T).toarray()
        rows = np.arange(len(score))
        match[block] = score.argmax(axis=1)
        best[block] = score[rows, match[block]]
        top = score.argmax(axis=0)
        top_score = score[top, np.arange(len(right))]
        better = top_score > best_right
        best_right[better] = top_score[better]
        match_right[better] = start + top[better]
        if on_progress is not None:
            on_progress(min(start + step, len(left)), len(left))
    one = np.flatnonzero(match_right[match] == np.arange(len(left)))
    other = match[one]
    cosine = np.einsum("ij,ij->i", left[one], right[other]).astype(np.float32)
    if weights is None:
        return one, other, cosine, np.full(len(one), np.nan, dtype=np.float32)
    lexical = weights[0][one].multiply(weights[1][other]).sum(axis=1)
    return one, other, cosine, np.asarray(lexical, dtype=np.float32).ravel()


def _tf_idf(left: Sequence[str], right: Sequence[str]) -> tuple[Any, Any]:
    """Return the tf-idf of the 3- to 5-character substrings within words: sparse rows of length 1."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32, lowercase=False
    )
    weights = sparse.csr_array(model.fit_transform([*left, *right]))
    return weights[: len(left)], weights[len(left) :]


def _check_threshold(threshold: Any) -> float:
    if not is_number(threshold) or not -1 <= threshold <= 1:
        raise InvalidArgumentError(
            f"threshold must be a score from -1 to 1; got {short(threshold)}."
        )
    return float(threshold)
