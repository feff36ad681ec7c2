"""`link`: which record of one collection is which record of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.leaking import joined
from chromalab.analytics.dedupe.mutual import mutual_best
from chromalab.analytics.dedupe.texts import normalised
from chromalab.analytics.graph.distinct_vectors import unit
from chromalab.analytics.result import Result
from chromalab.display import html_table, text_table
from chromalab.errors import InvalidArgumentError, short
from chromalab.frames import data_frame
from chromalab.progress import bar
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["Links", "link"]

_COLUMNS = ("left", "right", "score", "cosine", "lexical", "left_text", "right_text")
_SHOWN = 10

# Of the mean of cosine and lexical similarity, measured on Abt-Buy and Walmart-Amazon together, and
# of the cosine alone where there are no texts: docs/analytics.md.
_THRESHOLD, _BY_VECTOR = 0.4, 0.6


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Links(Result):
    """Pairs of records, one of each side, that are each other's best match.

    All mutual best matches are held, so `at` can move the threshold. No record is in two links.

    Attributes:
        snapshot: The records of the left side, then those of the right.
        lefts: How many are of the left side.
        left: (l,) int64, rows of the left side, ascending.
        right: (l,) int64, rows of the right side.
        score: (l,) float32, the mean of `cosine` and `lexical`; the cosine where no texts are.
        cosine: (l,) float32, of the vectors.
        lexical: (l,) float32, of the texts; NaN where there are none.
    """

    lefts: int
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float32]
    cosine: NDArray[np.float32]
    lexical: NDArray[np.float32]

    @property
    def threshold(self) -> float:
        """The score from which on a match is a link."""
        return float(self.parameters["threshold"])

    @property
    def held(self) -> NDArray[np.int64]:
        """(h,) the matches above the threshold, as places in `left`, `right` and the others."""
        return np.flatnonzero(self.score >= np.float32(self.threshold))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The linked ids, left and right, in the order of the left side."""
        ids = self.snapshot.ids
        return [(ids[self.left[at]], ids[self.lefts + self.right[at]]) for at in self.held]

    def __len__(self) -> int:
        return len(self.held)

    def at(self, threshold: float) -> Links:
        """Move the threshold; nothing is compared anew."""
        parameters = {**self.parameters, "threshold": _checked(threshold), "suggested": False}
        return replace(self, parameters=parameters)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a link, the surest first."""
        return data_frame(self._rows(len(self)), _COLUMNS)

    def __repr__(self) -> str:
        lines = [self._summary()]
        if len(self):
            lines.append(text_table(_COLUMNS, self._rows(_SHOWN), width=40))
        return "\n".join([*lines, self._made()])

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._rows(_SHOWN), caption=self._summary(), note=self._made())

    def _summary(self) -> str:
        rights = len(self.snapshot) - self.lefts
        cut = f"; {_SHOWN} shown" if len(self) > _SHOWN else ""
        return (
            f"{len(self):,} links between {self.lefts:,} and {rights:,} records, from a score of "
            f"{self.threshold:g} on{cut}"
        )

    def _rows(self, count: int) -> list[list[Any]]:
        held = self.held
        order = held[np.argsort(-self.score[held], kind="stable")][:count]
        ids, text = self.snapshot.ids, self.snapshot.document
        return [
            [
                ids[self.left[at]],
                ids[self.lefts + self.right[at]],
                round(float(self.score[at]), 4),
                round(float(self.cosine[at]), 4),
                round(float(self.lexical[at]), 4),
                text(int(self.left[at])),
                text(self.lefts + int(self.right[at])),
            ]
            for at in order
        ]


def link(
    left: Any,
    right: Any,
    *,
    threshold: float | None = None,
    random_state: int = 0,
    progress: bool = False,
) -> Links:
    """Find which record of one collection is which record of another.

    A link is a pair whose records are each other's best match: a record that merely resembles many
    is linked to one at most, which is worth more than any threshold. The score is the mean of the
    cosine of the vectors and of the tf-idf cosine of the texts' runs of 3 to 5 characters, as names
    and product codes are in the texts rather than in the vectors. Every record is compared with
    every other: the time grows with the product of the two sizes.

    Args:
        left: A collection, a snapshot, or (n, dimension) numbers.
        right: The same, embedded by the same model.
        threshold: The least score; None for .4, and .6 where one side has no texts.
        random_state: Plays no part; taken as by every analysis.
        progress: Whether to show a bar, after a second.

    Raises:
        InvalidArgumentError: the two have vectors of different dimensions, or the threshold is no
            score.

    Example:
        >>> found = link([[1.0, 0.0], [0.0, 1.0]], [[0.1, 1.0], [0.2, 1.0]])
        >>> found.pairs
        [('1', '0')]
    """
    asked = None if threshold is None else _checked(threshold)
    one, other = Snapshot.of(left), Snapshot.of(right)
    both = joined(one, other)
    texts = [[normalised(side.document(row)) for row in range(len(side))] for side in (one, other)]
    worded = any(texts[0]) and any(texts[1])
    with bar("link", "rec", progress) as tell:
        rows, matches, cosine, lexical = mutual_best(
            _unit(one), _unit(other), *(texts if worded else (None, None)), tell=tell
        )
    if asked is None:
        asked = _THRESHOLD if worded else _BY_VECTOR
    return Links(
        snapshot=both,
        parameters={
            "threshold": asked,
            "suggested": threshold is None,
            "random_state": random_state,
        },
        lefts=len(one),
        left=rows,
        right=matches,
        score=(cosine + lexical) / np.float32(2) if worded else cosine,
        cosine=cosine,
        lexical=lexical,
    )


def _unit(snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the vectors with length 1; zero vectors stay, and are near to none."""
    return unit(snapshot.vectors)[0]


def _checked(threshold: Any) -> float:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.number):
        raise InvalidArgumentError(f"threshold is a score from -1 to 1; found {short(threshold)}.")
    if not -1 <= threshold <= 1:
        raise InvalidArgumentError(f"threshold is a score from -1 to 1; found {short(threshold)}.")
    return float(threshold)
