"""`leakage`: records of a test set that are in the training set too, or nearly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.detection import METHODS, dedupe
from chromalab.analytics.dedupe.duplicates import Duplicates, reason_names
from chromalab.analytics.dedupe.groups import EXACT, NEAR, SEMANTIC, scores_of
from chromalab.analytics.result import Result
from chromalab.display import html_table, text_table
from chromalab.errors import InvalidArgumentError
from chromalab.frames import data_frame
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["Leakage", "leakage"]

_COLUMNS = ("test", "train", "reason", "score", "test_text", "train_text")
_SHOWN = 5

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Leakage(Result):
    """The test records that have a duplicate among the training records.

    Attributes:
        snapshot: The training records, then the test records.
        train: How many are training records.
        test_row: (l,) int64, rows of `snapshot`: the test records that leaked, in their order.
        train_row: (l,) int64, the training record each is most like.
        reason: (l,) uint8, 1 exact, 2 near, 4 semantic, added up.
        score: (l,) float32, how alike they are.
    """

    train: int
    test_row: Rows
    train_row: Rows
    reason: NDArray[np.uint8]
    score: NDArray[np.float32]

    @property
    def count(self) -> int:
        """How many test records leaked."""
        return len(self.test_row)

    @property
    def share(self) -> float:
        """Of the test records; 0.0 where there are none."""
        return self.count / max(len(self.snapshot) - self.train, 1)

    @property
    def leaked_ids(self) -> list[str]:
        """The ids of the test records that leaked, in their order."""
        return [self.snapshot.ids[row] for row in self.test_row]

    @property
    def clean_ids(self) -> list[str]:
        """The ids of the other test records."""
        leaked = set(self.test_row.tolist())
        rows = range(self.train, len(self.snapshot))
        return [self.snapshot.ids[row] for row in rows if row not in leaked]

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a test record that leaked, the surest first."""
        return data_frame(self._rows(self.count), _COLUMNS)

    def __repr__(self) -> str:
        lines = [self._summary()]
        if self.count:
            lines.append(text_table(_COLUMNS, self._rows(_SHOWN), width=40))
        return "\n".join([*lines, self._made()])

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._rows(_SHOWN), caption=self._summary(), note=self._made())

    def _summary(self) -> str:
        total = len(self.snapshot) - self.train
        kinds = ((EXACT, "exact"), (NEAR, "near"), (SEMANTIC, "semantic"))
        told = ", ".join(f"{int((self.reason & bit > 0).sum()):,} {name}" for bit, name in kinds)
        cut = f"; {_SHOWN} shown" if self.count > _SHOWN else ""
        found = (
            f"{self.count:,} of {total:,} test records ({self.share:.1%}) are in the training set"
        )
        return f"{found}: {told}{cut}" if self.count else found

    def _rows(self, count: int) -> list[list[Any]]:
        order = np.argsort(-self.score, kind="stable")[:count]
        ids, text = self.snapshot.ids, self.snapshot.document
        return [
            [
                ids[self.test_row[at]],
                ids[self.train_row[at]],
                reason_names(int(self.reason[at])),
                round(float(self.score[at]), 4),
                text(int(self.test_row[at])),
                text(int(self.train_row[at])),
            ]
            for at in order
        ]


def leakage(
    train: Any,
    test: Any,
    *,
    threshold: float | None = None,
    random_state: int = 0,
    progress: bool = False,
) -> Leakage:
    """Find the test records that a model has seen, or nearly, in its training set.

    Args:
        train: A collection, a snapshot, or (n, dimension) numbers.
        test: The same, embedded by the same model.
        threshold: The least cosine; None for what the similarities suggest.
        random_state: The seed.
        progress: Whether to show a bar, after a second.

    Raises:
        InvalidArgumentError: the two have vectors of different dimensions.

    Example:
        >>> found = leakage([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.02], [-1.0, 0.0]])
        >>> found.count, found.share, found.leaked_ids
        (1, 0.5, ['0'])
    """
    one, other = Snapshot.of(train), Snapshot.of(test)
    both = joined(one, other)
    found = dedupe(
        both, methods=METHODS, threshold=threshold, random_state=random_state, progress=progress
    )
    test_row, train_row, reason, score = _across(found, len(one))
    kept = {k: found.parameters[k] for k in ("threshold", "jaccard", "suggested", "random_state")}
    return Leakage(
        snapshot=both,
        parameters=kept,
        recall=found.recall,
        train=len(one),
        test_row=test_row,
        train_row=train_row,
        reason=reason,
        score=score,
    )


def joined(one: Snapshot, other: Snapshot) -> Snapshot:
    """Put the records of two snapshots one after the other; the ids stay, and may repeat.

    Raises:
        InvalidArgumentError: the two have vectors of different dimensions.
    """
    parts = [part for part in (one, other) if len(part)]
    if len({part.dimension for part in parts}) > 1:
        raise InvalidArgumentError(
            f"The vectors have {one.dimension} and {other.dimension} dimensions: both sides need "
            "the same model."
        )
    if not parts:
        return Snapshot.of([])
    vectors = np.concatenate([part.vectors for part in parts])
    vectors.flags.writeable = False
    documents = [part.document(row) for part in (one, other) for row in range(len(part))]
    return Snapshot(
        [*one.ids, *other.ids],
        vectors,
        documents,
        name=" + ".join(filter(None, [one.name, other.name])),
        rows=np.arange(len(vectors)),
    )


def _across(found: Duplicates, train: int) -> tuple[Rows, Rows, NDArray[Any], NDArray[Any]]:
    """Find for each test record the training record it is most like, of those that are duplicates.

    Copies stand for each other: a pair of first copies is one of all their copies.
    """
    pairs = found.pairs
    score = scores_of(found.reasons, found.cosine, found.jaccard)[pairs]
    left, right, reason = found.left[pairs], found.right[pairs], found.reasons[pairs]
    # Training records come first, so a first copy is one of these wherever any copy is.
    between = found.first[left] != found.first[right]
    one = np.concatenate([left[between], right[between], left[~between]])
    other = np.concatenate([right[between], left[between], right[~between]])
    reason = np.concatenate([reason[between], reason[between], reason[~between]])
    score = np.concatenate([score[between], score[between], score[~between]])
    of_train = one < train
    one, other, reason, score = one[of_train], other[of_train], reason[of_train], score[of_train]

    order = np.lexsort((one, -score, other))
    target, at = np.unique(other[order], return_index=True)
    best = np.full(len(found.snapshot), -1, dtype=np.int64)
    best[target] = order[at]
    rows = np.arange(train, len(found.snapshot))
    own = best[rows]
    first = found.first[rows]
    by_copy = (own < 0) & (first >= train)
    own[by_copy] = best[first[by_copy]]
    leaked = np.flatnonzero(own >= 0)
    own = own[leaked]
    return rows[leaked], one[own], reason[own], score[own]
