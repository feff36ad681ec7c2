"""`propagate`: labels of a few records, spread to all others along the neighbor graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.analysis import analysis
from chromalab.analytics.graph import NeighborGraph, graph_of
from chromalab.analytics.label_values import plain_label
from chromalab.analytics.result import Result
from chromalab.conversion import values_by_record
from chromalab.errors import InvalidArgumentError, short
from chromalab.results.tables import count, data_frame, one_line
from chromalab.snapshot import Snapshot
from chromalab.types import Where

if TYPE_CHECKING:
    import pandas

__all__ = ["Propagation", "propagate", "spread"]

_NEIGHBORS = 15
_STEPS = 10  # further steps change hardly any label
_MAX_LABELS = 1000  # with more of them, a million records do not fit into memory


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Propagation(Result):
    """A label for every record that the labeled ones reach.

    Attributes:
        snapshot: The records.
        parameters: `field`, `alpha`, `random_state`.
        recall: The recall of the neighbor graph.
        classes: The labels, by first appearance.
        codes: (n,) int32, the label that the neighbors suggest, as an index into `classes`; -1 if no
            label reaches the record.
        probabilities: (n,) float32, the share of that label among all that reach the record.
        given_codes: (n,) int32, the label that a record had; -1 for none.
    """

    reads_records = True
    _columns: ClassVar = ("label", "given", "now")
    _limit: ClassVar = 15

    classes: Sequence[str | int | float | bool]
    codes: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    given_codes: NDArray[np.int32]

    @property
    def labels(self) -> list[Any]:
        """The label of each record: its own, or that of its neighbors; None if no label reaches it."""
        codes = np.where(self.given, self.given_codes, self.codes)
        return [self.classes[code] if code >= 0 else None for code in codes.tolist()]

    @property
    def given(self) -> NDArray[np.bool_]:
        """(n,) bool, whether the record had a label."""
        return self.given_codes >= 0

    @property
    def doubtful_ids(self) -> list[str]:
        """Records whose own label differs from that of their neighborhood, the most certain first."""
        return [self.snapshot.ids[row] for row in self._doubtful().tolist()]

    def df(self) -> pandas.DataFrame:
        """Return a DataFrame: one row per record, with id, label, probability, given, document."""
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

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the labels, and None for records that no label reaches."""
        return {field: self.labels}

    def check(self) -> None:
        """Raise ValueError if the fields are inconsistent."""
        n = len(self.snapshot)
        for codes in (self.codes, self.given_codes):
            if codes.shape != (n,) or (n and not -1 <= codes.min() <= codes.max() < self._count):
                raise ValueError("codes")
        if self.probabilities.shape != (n,):
            raise ValueError("probabilities")

    @property
    def _count(self) -> int:
        return len(self.classes)

    def _doubtful(self) -> NDArray[np.intp]:
        other = np.flatnonzero(self.given & (self.codes >= 0) & (self.codes != self.given_codes))
        return other[np.argsort(-self.probabilities[other], kind="stable")]

    def _rows(self) -> list[list[Any]]:
        given = np.bincount(self.given_codes[self.given], minlength=self._count)
        now = np.bincount(self.codes[self.codes >= 0], minlength=self._count)
        order = np.argsort(-now, kind="stable").tolist()
        return [[one_line(self.classes[at]), int(given[at]), int(now[at])] for at in order]

    def _summary(self) -> str:
        cut = f"the {self._limit} largest of {self._count:,} labels; "
        without = count(int((self.codes < 0).sum()), "record")
        doubtful = count(len(self._doubtful()), "record")
        return (
            f"{cut if self._count > self._limit else ''}{without} without a label; {doubtful} whose "
            "neighbors have another label"
        )


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
        InvalidArgumentError: No record has a label, or a label is not a string, number or boolean.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> kinds = [{"kind": "tea"}, None, {"kind": "chalk"}]
        >>> points.add(ids=["a", "b", "c"], embeddings=[[1, 0], [1, 0.1], [0, 1]], metadatas=kinds)
        >>> points.propagate("kind").labels
        ['tea', 'tea', 'chalk']
    """
    if not isinstance(alpha, int | float) or not 0 <= alpha < 1:
        raise InvalidArgumentError(f"alpha must be a number from 0 to below 1; got {short(alpha)}.")
    snapshot: Snapshot = data
    values = (
        snapshot.known_column(field)
        if isinstance(field, str)
        else values_by_record(field, snapshot.ids, "field")
    )
    classes, given = _coded(snapshot, values)
    graph = graph_of(snapshot, _NEIGHBORS, random_state=random_state, progress=progress)
    votes = np.zeros((len(graph), max(len(classes), 1)), dtype=np.float32)
    labeled = given >= 0
    np.add.at(votes, (graph.node[labeled], given[labeled]), 1)
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


def spread(graph: NeighborGraph, votes: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """Spread votes over the nodes of a graph.

    Args:
        graph: The neighbor graph.
        votes: (m, c) float32, the number of records per node and label.
        alpha: Weight of the neighbors at each step.

    Returns:
        (m, c) float32, the share of each label among a node's neighbors, or at the node itself if it
        has none; all 0 if no label reaches it.
    """
    from scipy.sparse import csr_matrix

    nodes = len(graph)
    edges = (graph.neighbors >= 0) & (graph.distances < 1)
    ends = np.concatenate([[0], np.cumsum(edges.sum(axis=1))])
    one_way = csr_matrix(
        (1 - graph.distances[edges], graph.neighbors[edges], ends), shape=(nodes, nodes)
    )
    both = (one_way + one_way.T).tocsr()
    root = np.sqrt(np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1e-12)).astype(np.float32)
    both.data /= root[both.indices] * np.repeat(root, np.diff(both.indptr))
    start = current = _shares(votes)
    for _ in range(_STEPS):
        current = np.float32(alpha) * (both @ current) + np.float32(1 - alpha) * start
    around = both @ current
    return _shares(np.where(around.any(axis=1, keepdims=True), around, start))


def _shares(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    total = votes.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0)
    return shares


def _coded(snapshot: Snapshot, values: Sequence[Any]) -> tuple[list[Any], NDArray[np.int32]]:
    """Number the labels; 1, 1.0 and True are three different ones."""
    known: dict[tuple[type, Any], int] = {}
    codes = np.full(len(values), -1, dtype=np.int32)
    for row, value in enumerate(values):
        plain = plain_label(value)
        if plain is None:
            continue
        codes[row] = known.setdefault((type(plain), plain), len(known))
    if len(snapshot) and not known:
        raise InvalidArgumentError(
            "No record has a label: all are None, NaN or blank. Label a few records first."
        )
    if len(known) > _MAX_LABELS:
        raise InvalidArgumentError(
            f"At most {_MAX_LABELS:,} different labels can be propagated; got {len(known):,}."
        )
    return [value for _, value in known], codes
