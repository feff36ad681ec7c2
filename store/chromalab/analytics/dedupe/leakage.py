"""`leakage`: test records that are also in the training set, or nearly so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.dedupe.detection import METHODS, dedupe
from chromalab.analytics.dedupe.duplicates import Duplicates
from chromalab.analytics.dedupe.groups import EXACT, NEAR, SEMANTIC, reason_names, scores_of
from chromalab.analytics.result import Result
from chromalab.errors import InvalidArgumentError
from chromalab.results.tables import count
from chromalab.snapshot import Snapshot

__all__ = ["Leakage", "concatenate", "leakage"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Leakage(Result):
    """The test records that have a duplicate among the training records.

    Attributes:
        snapshot: The training records, then the test records.
        n_train: The number of training records.
        test_row: (l,) int64, rows of `snapshot`: the leaked test records, in insertion order.
        train_row: (l,) int64, the most similar training record of each.
        reason: (l,) uint8, the sum of 1 exact, 2 near, 4 semantic.
        score: (l,) float32, the similarity of the two records.
    """

    _columns = ("test", "train", "reason", "score", "test_text", "train_text")
    _limit = 5
    _width = 40

    n_train: int
    test_row: Rows
    train_row: Rows
    reason: NDArray[np.uint8]
    score: NDArray[np.float32]

    @property
    def count(self) -> int:
        """The number of leaked test records."""
        return len(self.test_row)

    @property
    def share(self) -> float:
        """The share of the test records that leaked; 0.0 if there are no test records."""
        return self.count / max(len(self.snapshot) - self.n_train, 1)

    @property
    def leaked_ids(self) -> list[str]:
        """The ids of the leaked test records, in insertion order."""
        return [self.snapshot.ids[row] for row in self.test_row]

    @property
    def clean_ids(self) -> list[str]:
        """The ids of the other test records."""
        leaked = set(self.test_row.tolist())
        rows = range(self.n_train, len(self.snapshot))
        return [self.snapshot.ids[row] for row in rows if row not in leaked]

    def _heading(self) -> str:
        total = len(self.snapshot) - self.n_train
        leaked = (
            f"{self.count:,} of {count(total, 'test record')} ({self.share:.1%}) "
            f"{'is' if self.count == 1 else 'are'} in the training set"
        )
        if not self.count:
            return leaked
        kinds = ((EXACT, "exact"), (NEAR, "near"), (SEMANTIC, "semantic"))
        counts = [f"{int((self.reason & bit > 0).sum()):,} {name}" for bit, name in kinds]
        return f"{leaked}: {', '.join(counts)}"

    def _rows(self) -> list[list[Any]]:
        """One row per leaked test record, the most similar first."""
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
            for at in np.argsort(-self.score, kind="stable")
        ]


def leakage(
    train: Any,
    test: Any,
    *,
    threshold: float | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Leakage:
    """Find the records of a test set that are also in the training set, or nearly so.

    Args:
        train: The training records: a collection, a snapshot, or (n, dimension) numbers.
        test: The test records, in the same form and embedded by the same model.
        threshold: Lowest cosine of a semantic duplicate. By default it is chosen from the similarities
            of the data.
        random_state: Seed of MinHash and of the neighbor graph.
        progress: Show a progress bar after one second.

    Returns:
        The leaked test records, each with its most similar training record.

    Raises:
        InvalidArgumentError: The vectors of the two sides have different dimensions.

    Example:
        >>> import chromalab
        >>> client = chromalab.EphemeralClient()
        >>> train, test = client.create_collection("train"), client.create_collection("test")
        >>> train.add(ids=["a", "b"], documents=["Tea is hot.", "Chalk is soft."])
        >>> test.add(ids=["x", "y"], documents=["tea is  hot", "Lead is heavy."])
        >>> train.leakage(test).leaked_ids
        ['x']
    """
    one, other = Snapshot.of(train), Snapshot.of(test)
    both = concatenate(one, other)
    found = dedupe(
        both, methods=METHODS, threshold=threshold, random_state=random_state, progress=progress
    )
    test_row, train_row, reason, score = _across(found, len(one))
    names = ("threshold", "jaccard", "suggested", "random_state")
    return Leakage(
        snapshot=both,
        parameters={name: found.parameters[name] for name in names},
        recall=found.recall,
        n_train=len(one),
        test_row=test_row,
        train_row=train_row,
        reason=reason,
        score=score,
    )


def concatenate(one: Snapshot, other: Snapshot) -> Snapshot:
    """Concatenate the records of two snapshots. The ids stay as they are, so they may repeat.

    Raises:
        InvalidArgumentError: The vectors of the two sides have different dimensions.
    """
    parts = [part for part in (one, other) if len(part)]
    if len({part.dimension for part in parts}) > 1:
        raise InvalidArgumentError(
            "The vectors of both sides must have the same dimension; got "
            f"{one.dimension} and {other.dimension}. Embed both with the same model."
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


def _across(found: Duplicates, n_train: int) -> tuple[Rows, Rows, NDArray[Any], NDArray[Any]]:
    """Find for each test record the training record that is its most similar duplicate.

    Equal records share their duplicates: a pair of first occurrences is one of all records that equal
    them.
    """
    pairs = found.pairs
    score = scores_of(found.reasons, found.cosine, found.jaccard)[pairs]
    left, right, reason = found.left[pairs], found.right[pairs], found.reasons[pairs]
    # Training records come first, so a first occurrence is one of them if any equal record is.
    between = found.first_occurrence[left] != found.first_occurrence[right]
    one = np.concatenate([left[between], right[between], left[~between]])
    other = np.concatenate([right[between], left[between], right[~between]])
    reason = np.concatenate([reason[between], reason[between], reason[~between]])
    score = np.concatenate([score[between], score[between], score[~between]])
    of_train = one < n_train
    one, other, reason, score = one[of_train], other[of_train], reason[of_train], score[of_train]

    order = np.lexsort((one, -score, other))
    target, at = np.unique(other[order], return_index=True)
    best = np.full(len(found.snapshot), -1, dtype=np.int64)
    best[target] = order[at]
    rows = np.arange(n_train, len(found.snapshot))
    own = best[rows]
    first = found.first_occurrence[rows]
    through_first = (own < 0) & (first >= n_train)
    own[through_first] = best[first[through_first]]
    leaked = np.flatnonzero(own >= 0)
    own = own[leaked]
    return rows[leaked], one[own], reason[own], score[own]
