"""`propagate`: labels of a few records spread to all others along the neighbour graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.graph import graph_of
from chromalab.analytics.graph.graph import Graph
from chromalab.analytics.result import Result
from chromalab.display import html_table, one_line, text_table
from chromalab.errors import InvalidArgumentError, short
from chromalab.frames import data_frame
from chromalab.snapshot import Snapshot
from chromalab.types import Where

if TYPE_CHECKING:
    import pandas

__all__ = ["Propagation", "propagate", "spread"]

_NEIGHBORS = 15
_STEPS = 10  # the next ones change hardly any label
_MOST = 1000  # labels; a million records with more of them do not fit into memory
_SHOWN = 15


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Propagation(Result):
    """A label for every record that the labelled ones reach.

    Attributes:
        snapshot: The records.
        parameters: `field`, `alpha`, `random_state`.
        recall: Of the neighbour graph.
        classes: The labels, in the order in which they first stand.
        codes: (n,) int32, what its neighbours say, as a place in `classes`; -1 where none reaches it.
        probabilities: (n,) float32, the share of that label among all that reach it.
        given_codes: (n,) int32, the label that a record had; -1 for none.
    """

    reads_records = True

    classes: Sequence[str | int | float | bool]
    codes: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    given_codes: NDArray[np.int32]

    @property
    def labels(self) -> list[Any]:
        """The label of each record: its own, else that of its neighbours; None where none reaches it."""
        codes = np.where(self.given, self.given_codes, self.codes)
        return [self.classes[code] if code >= 0 else None for code in codes.tolist()]

    @property
    def given(self) -> NDArray[np.bool_]:
        """(n,) whether the record had a label of its own."""
        return self.given_codes >= 0

    @property
    def doubtful_ids(self) -> list[str]:
        """Records whose own label is not that of their neighbourhood, the surest first."""
        return [self.snapshot.ids[row] for row in self._doubtful().tolist()]

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a record, with id, label, probability, given, document."""
        snapshot = self.snapshot
        rows = zip(
            snapshot.ids,
            self.labels,
            self.probabilities.tolist(),
            self.given.tolist(),
            map(snapshot.document, range(len(snapshot))),
            strict=True,
        )
        return data_frame(list(rows), ["id", "label", "probability", "given", "document"])

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the labels; nothing where none reaches a record."""
        return {key: self.labels}

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        n = len(self.snapshot)
        for codes in (self.codes, self.given_codes):
            if codes.shape != (n,) or (n and not -1 <= codes.min() <= codes.max() < self._count):
                raise ValueError("codes")
        if self.probabilities.shape != (n,):
            raise ValueError("probabilities")

    def __repr__(self) -> str:
        return f"{text_table(_COLUMNS, self._rows())}\n{self._note()}"

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._rows(), note=self._note())

    @property
    def _count(self) -> int:
        return len(self.classes)

    def _doubtful(self) -> NDArray[np.intp]:
        other = np.flatnonzero(self.given & (self.codes >= 0) & (self.codes != self.given_codes))
        return other[np.argsort(-self.probabilities[other], kind="stable")]

    def _rows(self) -> list[list[Any]]:
        given = np.bincount(self.given_codes[self.given], minlength=self._count)
        found = np.bincount(self.codes[self.codes >= 0], minlength=self._count)
        order = np.argsort(-found, kind="stable")[:_SHOWN].tolist()
        return [[one_line(self.classes[at]), int(given[at]), int(found[at])] for at in order]

    def _note(self) -> str:
        cut = f"the {_SHOWN} largest of {self._count:,} labels; " if self._count > _SHOWN else ""
        doubtful, without = len(self._doubtful()), int((self.codes < 0).sum())
        return (
            f"{cut}{without:,} records reached by none; {doubtful:,} whose neighbours have another "
            f"label\n{self._made()}"
        )


_COLUMNS = ("label", "given", "now")


@analysis(Propagation)
def propagate(
    data: Any,
    field: str | Sequence[Any],
    *,
    alpha: float = 0.9,
    where: Where | None = None,
    into: str | None = None,
    random_state: int = 0,
    progress: bool = True,
) -> Propagation:
    """Label every record from the few that have a label, along the neighbor graph.

    Each record takes on the labels of its neighbors, step by step. A record that had a label keeps it.
    If its neighbors suggest another label, its own may be wrong (`doubtful_ids`).
    Zhou, Bousquet, Lal, Weston, Schölkopf: Learning with Local and Global Consistency, NeurIPS 2003.

    Args:
        data: A collection, a snapshot, or (n, dimension) numbers.
        field: Metadata field of the labels, or (n,) labels with None for a record without one.
        alpha: Weight of the neighbors' labels, from 0 to below 1.
        where: Analyze only the records that match this filter.
        into: Write the labels to this metadata field.
        random_state: Seed of the neighbor graph.
        progress: Show a progress bar after one second.

    Raises:
        InvalidArgumentError: no record has a label, or a label is not a string, number or boolean.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> kinds = [{"kind": "tea"}, None, {"kind": "chalk"}]
        >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.1], [0, 1]], metadatas=kinds)
        >>> points.propagate("kind").labels
        ['tea', 'tea', 'chalk']
    """
    if not isinstance(alpha, int | float) or not 0 <= alpha < 1:
        raise InvalidArgumentError(f"alpha is a number from 0 to below 1; found {short(alpha)}.")
    snapshot: Snapshot = data
    values = snapshot.known_column(field) if isinstance(field, str) else list(field)
    classes, given = _coded(snapshot, values)
    graph = graph_of(snapshot, _NEIGHBORS, random_state=random_state, progress=progress)
    votes = np.zeros((len(graph), max(len(classes), 1)), dtype=np.float32)
    there = given >= 0
    np.add.at(votes, (graph.node[there], given[there]), 1)
    shares = spread(graph, votes, alpha)
    codes = np.where(shares.any(axis=1), shares.argmax(axis=1), -1).astype(np.int32)
    return Propagation(
        snapshot=snapshot,
        parameters={
            "field": field if isinstance(field, str) else "given",
            "alpha": alpha,
            "random_state": random_state,
        },
        recall=graph.recall,
        classes=tuple(classes),
        codes=codes[graph.node],
        probabilities=shares.max(axis=1)[graph.node],
        given_codes=given,
    )


def spread(graph: Graph, votes: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """Spread votes over the nodes of a graph.

    Args:
        graph: The neighbours.
        votes: (m, c), how many records of a node have each label.
        alpha: How much comes from the neighbours at each step.

    Returns:
        (m, c) float32, the share of each label among a node's neighbours, or at a node without any;
        all 0 where none reaches it.
    """
    from scipy.sparse import csr_matrix

    count = len(graph)
    kept = (graph.neighbors >= 0) & (graph.distances < 1)
    ends = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    one_way = csr_matrix(
        (1 - graph.distances[kept], graph.neighbors[kept], ends), shape=(count, count)
    )
    both = (one_way + one_way.T).tocsr()
    root = np.sqrt(np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1e-12)).astype(np.float32)
    both.data /= root[both.indices] * np.repeat(root, np.diff(both.indptr))
    start = found = _shares(votes)
    for _ in range(_STEPS):
        found = np.float32(alpha) * (both @ found) + np.float32(1 - alpha) * start
    around = both @ found
    return _shares(np.where(around.any(axis=1, keepdims=True), around, start))


def _shares(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    total = votes.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0)
    return shares


def _coded(snapshot: Snapshot, values: Sequence[Any]) -> tuple[list[Any], NDArray[np.int32]]:
    """Number the labels; 1, 1.0 and True are three of them."""
    if len(values) != len(snapshot):
        raise InvalidArgumentError(f"{len(snapshot):,} records and {len(values):,} labels.")
    places: dict[tuple[type, Any], int] = {}
    codes = np.full(len(values), -1, dtype=np.int32)
    for row, value in enumerate(values):
        if value is None:
            continue
        if not isinstance(value, str | int | float | bool | np.generic):
            raise InvalidArgumentError(
                f"A label is a text, a number or a boolean; found {short(value)}."
            )
        plain = value.item() if isinstance(value, np.generic) else value
        codes[row] = places.setdefault((type(plain), plain), len(places))
    if len(snapshot) and not places:
        raise InvalidArgumentError("No record has a label: all are None.")
    if len(places) > _MOST:
        raise InvalidArgumentError(
            f"{len(places):,} different labels; at most {_MOST:,} can be propagated."
        )
    return [value for _, value in places], codes
