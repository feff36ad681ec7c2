"""`Topics`: the clusters of texts, named by their words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.result import Result
from chromalab.analytics.topics.description import (
    centers_of,
    distinct_names,
    diverse,
    representatives,
    topic_words,
    typical_members,
)
from chromalab.analytics.topics.matrix import token_matrix_of
from chromalab.arguments.values import check_integer, is_integer
from chromalab.errors import InvalidArgumentError, near, printable, short
from chromalab.results.picture import picture
from chromalab.results.tables import count, cut, data_frame, one_line
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["Labeled", "Topic", "Topics", "check_documents", "topics_of"]

_MAX_NGRAM = 5  # words
_NAME_CANDIDATES = 15  # words that a name may be made of


class Labeled(Protocol):
    """The part of a clustering that topics need."""

    @property
    def snapshot(self) -> Snapshot:
        """The records."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """(n,) the cluster of each record, -1 for noise."""

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(n,) how certainly each record belongs to its cluster."""


@dataclass(frozen=True)
class Topic:
    """One topic.

    Attributes:
        label: The label of its cluster.
        size: The number of its records.
        name: Its name.
        words: (word, weight), the heaviest first.
        documents: The documents nearest to its center.
        ids: The ids of these documents.
    """

    label: int
    size: int
    name: str
    words: tuple[tuple[str, float], ...]
    documents: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Topics(Result):
    """The topics of a clustering: a sequence of `Topic` by ascending label, without noise.

    Attributes:
        labels: (n,) int32, the topic of each record, -1 for noise.
        topic_labels: (topics,) int32, ascending.
        sizes: (topics,) int64.
        topic_names: (topics,) strings.
        topic_words: (topics,) lists of [word, weight], the heaviest first.
        topic_rows: (topics,) lists of rows: the documents nearest to the center.

    Example:
        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> from chromalab.snapshot import Snapshot
        >>> texts = ["green tea", "black tea", "my cat", "a cat"]
        >>> drinks = Snapshot.of(np.eye(4), documents=texts)
        >>> sure = np.ones(4, dtype=np.float32)
        >>> clusters = SimpleNamespace(
        ...     snapshot=drinks, labels=np.array([0, 0, 1, 1], dtype=np.int32), probabilities=sure
        ... )
        >>> found = topics_of(clusters)
        >>> [topic.name for topic in found], found.name_of("3")
        (['tea, black, green', 'cat'], 'cat')
    """

    reads_records: ClassVar[bool] = True
    _columns: ClassVar = ("label", "size", "name", "words", "document")
    _width: ClassVar = 48

    labels: NDArray[np.int32]
    topic_labels: NDArray[np.int32]
    sizes: NDArray[np.int64]
    topic_names: Sequence[str]
    topic_words: Sequence[Sequence[Sequence[Any]]]
    topic_rows: Sequence[Sequence[int]]

    def __len__(self) -> int:
        return len(self.topic_labels)

    def __iter__(self) -> Iterator[Topic]:
        return map(self._at, range(len(self)))

    def __getitem__(self, label: int) -> Topic:
        """Return the topic of a label.

        Raises:
            InvalidArgumentError: There is no topic of that label.
        """
        return self._at(self._place(label))

    @property
    def names(self) -> list[str | None]:
        """(n,) the topic name of each record, None for noise."""
        name: dict[int, str | None] = dict(
            zip(self.topic_labels.tolist(), self.topic_names, strict=True)
        )
        return [name.get(label) for label in self.labels.tolist()]

    @property
    def noise(self) -> float:
        """The share of records without a topic."""
        return float((self.labels < 0).mean()) if len(self.labels) else 0.0

    def name_of(self, id: str) -> str | None:
        """Return the topic name of a record, None if it is noise.

        Raises:
            InvalidArgumentError: There is no such record.
        """
        label = int(self.labels[self.snapshot.row_of(id)])
        return None if label < 0 else self.topic_names[self._place(label)]

    def words(self, label: int) -> list[tuple[str, float]]:
        """Return the words of a topic with their weights, the heaviest first."""
        return list(self[label].words)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame: one row per topic, with lists of words, weights and documents."""
        rows = [
            [
                t.label,
                t.size,
                t.name,
                [w for w, _ in t.words],
                [s for _, s in t.words],
                list(t.documents),
            ]
            for t in self
        ]
        return data_frame(rows, ["label", "size", "name", "words", "weights", "documents"])

    def columns(self, field: str) -> dict[str, list[Any]]:
        """Return what `into` writes: the topic names, and None for noise, which removes the field."""
        return {field: list(self.names)}

    def check(self) -> None:
        """Raise ValueError if the fields are inconsistent."""
        parts = (self.sizes, self.topic_names, self.topic_words, self.topic_rows)
        rows = [row for rows in self.topic_rows for row in rows]
        if (
            self.labels.shape != (len(self.snapshot),)
            or any(len(part) != len(self) for part in parts)
            or not np.isin(self.labels[self.labels >= 0], self.topic_labels).all()
            or not all(0 <= row < len(self.snapshot) for row in rows)
        ):
            raise ValueError("the fields of the topics are inconsistent")

    def _at(self, place: int) -> Topic:
        rows = [int(row) for row in self.topic_rows[place]]
        return Topic(
            label=int(self.topic_labels[place]),
            size=int(self.sizes[place]),
            name=self.topic_names[place],
            words=tuple((str(word), float(weight)) for word, weight in self.topic_words[place]),
            documents=tuple(self.snapshot.document(row) for row in rows),
            ids=tuple(self.snapshot.ids[row] for row in rows),
        )

    def _place(self, label: int) -> int:
        places = (
            np.flatnonzero(self.topic_labels == label)
            if isinstance(label, int | np.integer)
            else ()
        )
        if not len(places):
            what = "Noise is not a topic" if label == -1 else f"No topic {short(label)}"
            known = near(str(label), map(str, self.topic_labels.tolist()), what="Topics")
            raise InvalidArgumentError(f"{what}. {known}")
        return int(places[0])

    def _largest(self) -> NDArray[np.int64]:
        return np.argsort(-self.sizes, kind="stable")

    def _rows(self) -> list[list[Any]]:
        return [
            [t.label, t.size, t.name, ", ".join(w for w, _ in t.words), (t.documents or ("",))[0]]
            for t in map(self._at, self._largest().tolist())
        ]

    def _summary(self) -> str:
        shown = cut(self._limit, len(self), "topics")
        noise = int((self.labels < 0).sum())
        are = "is" if noise == 1 else "are"
        rest = f"{count(noise, 'record')} {are} noise ({self.noise:.1%}), in no topic"
        return ", ".join(filter(None, [shown, rest if noise else ""])) or (
            "" if len(self) else "no topics"
        )

    def _chart(self) -> str:
        largest = self._largest()[: self._limit]
        names = [one_line(self.topic_names[place], 40) for place in largest][::-1]
        if not names:
            return ""
        return picture(
            lambda axes: _draw(axes, names, self.sizes[largest][::-1]),
            alt=f"Sizes of the {len(names)} largest topics",
            height=0.6 + 0.2 * len(names),
        )


def topics_of(
    clusters: Labeled,
    *,
    name: Callable[[list[str], list[str]], str] | None = None,
    n_words: int = 10,
    ngrams: tuple[int, int] = (1, 3),
    n_documents: int = 3,
    stop_words: Collection[str] | None = None,
) -> Topics:
    """Name the clusters; see `chromalab.analytics.topics.topics`.

    Raises:
        InvalidArgumentError: There are no documents, or an argument is invalid.
    """
    _check(name, n_words, ngrams, n_documents, stop_words)
    snapshot = clusters.snapshot
    check_documents(snapshot)
    labels = np.asarray(clusters.labels, dtype=np.int32)
    known, sizes, topic = _numbered(labels)
    matrix = token_matrix_of(snapshot, (int(ngrams[0]), int(ngrams[1])))
    members = typical_members(
        snapshot.vectors, topic, len(known), np.asarray(clusters.probabilities)
    )
    found = topic_words(
        matrix,
        topic,
        len(known),
        n_words=max(n_words, _NAME_CANDIDATES),
        centers=centers_of(snapshot.vectors, members),
        stop_words=() if stop_words is None else stop_words,
    )
    rows = representatives(snapshot.vectors, members, snapshot.document, n_documents=n_documents)
    words: list[list[tuple[str, float]]] = [
        [(matrix.text(term), weight) for term, weight in own[:n_words]] for own in found
    ]
    if name is None:
        candidates = [diverse(matrix, own) for own in found]
        names = distinct_names(candidates, known.tolist())
    else:
        names = [
            _named(
                name, [word for word, _ in own], [snapshot.document(row) for row in at], int(label)
            )
            for own, at, label in zip(words, rows, known, strict=True)
        ]
    return Topics(
        snapshot=snapshot,
        parameters={
            "n_words": n_words,
            "ngrams": [int(size) for size in ngrams],
            "n_documents": n_documents,
            "stop_words": None if stop_words is None else sorted(stop_words) or None,
        },
        recall=float(getattr(clusters, "recall", 1.0)),
        labels=labels,
        topic_labels=known,
        sizes=sizes,
        topic_names=names,
        topic_words=words,
        topic_rows=rows,
    )


def check_documents(snapshot: Snapshot) -> None:
    """Raise InvalidArgumentError if no record has a document."""
    if len(snapshot) and all(text is None for text in snapshot.documents or ()):
        raise InvalidArgumentError(
            f"Topics need documents, and none of the {len(snapshot):,} records has one. Add them with "
            "update(ids=..., documents=...), or for an array with Snapshot.of(array, documents=...)."
        )


def _numbered(
    labels: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Number the labels in use from 0; return them, their sizes, and the number of each record."""
    counts = np.bincount(labels[labels >= 0])
    known = np.flatnonzero(counts).astype(np.int32)
    number = np.full(len(counts) + 1, -1, dtype=np.int32)
    number[known] = np.arange(len(known))
    return known, counts[known], number[np.maximum(labels, -1)]


def _named(name: Callable[..., str], words: list[str], documents: list[str], label: int) -> str:
    made = name(words, documents)
    if not isinstance(made, str):
        raise InvalidArgumentError(
            f"name must return a string; got {short(made)} for topic {label}."
        )
    return " ".join(printable(made).split()) or f"topic {label}"


def _check(name: Any, n_words: Any, ngrams: Any, n_documents: Any, stop_words: Any) -> None:
    if name is not None and not callable(name):
        raise InvalidArgumentError(
            f"name must be a function of words and documents; got {short(name)}."
        )
    for what, value, least in (("n_words", n_words, 1), ("n_documents", n_documents, 0)):
        check_integer(what, value, least)
    good = isinstance(ngrams, Sequence) and len(ngrams) == 2 and all(map(is_integer, ngrams))
    if not good or not 1 <= ngrams[0] <= ngrams[1] <= _MAX_NGRAM:
        raise InvalidArgumentError(
            "ngrams must be the smallest and the largest number of adjacent words, 1 to "
            f"{_MAX_NGRAM}, such as (1, 2); got {short(ngrams)}."
        )
    listed = isinstance(stop_words, Collection) and not isinstance(stop_words, str)
    if stop_words is not None and not (
        listed and all(isinstance(word, str) for word in stop_words)
    ):
        raise InvalidArgumentError(f"stop_words must be a list of words; got {short(stop_words)}.")


def _draw(axes: Any, names: list[str], sizes: NDArray[np.int64]) -> None:
    axes.barh(range(len(names)), sizes)
    axes.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
    axes.set_xlabel("records")
