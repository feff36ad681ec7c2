"""`Topics`: the clusters of texts, named by their words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.picture import picture
from chromalab.analytics.result import Result
from chromalab.analytics.topics.matrix import token_matrix_of
from chromalab.analytics.topics.naming import distinct_names, diverse, topic_words
from chromalab.analytics.topics.representatives import representatives
from chromalab.display import html_table, one_line, text_table
from chromalab.errors import InvalidArgumentError, near, printable, short
from chromalab.frames import data_frame
from chromalab.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas

__all__ = ["Labeled", "Topic", "Topics", "topics_of"]

_SHOWN = 20
_MOST_WORDS = 5  # of an n-gram
_CONSIDERED = 15  # words that a name may be made of
_COLUMNS = ("label", "size", "name", "words", "document")


class Labeled(Protocol):
    """What topics need of a clustering."""

    @property
    def snapshot(self) -> Snapshot:
        """The records."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """(n,) the cluster of each record, -1 for noise."""

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(n,) how surely each record belongs to its cluster."""


@dataclass(frozen=True)
class Topic:
    """One topic.

    Attributes:
        label: The label of its cluster.
        size: How many records it has.
        name: Its name.
        words: (word, weight), the heaviest first.
        documents: Those nearest to its centre.
        ids: The ids of these.
    """

    label: int
    size: int
    name: str
    words: tuple[tuple[str, float], ...]
    documents: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Topics(Result):
    """The topics of a clustering, a sequence of `Topic` by ascending label; noise is none of them.

    Attributes:
        labels: (n,) int32, the topic of each record, -1 for noise.
        topic_labels: (topics,) int32, ascending.
        sizes: (topics,) int64.
        topic_names: (topics,) texts.
        topic_words: (topics,) lists of [word, weight], the heaviest first.
        topic_rows: (topics,) lists of rows, of the documents nearest to the centre.

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
        (['tea, green, black', 'cat, my'], 'cat, my')
    """

    reads_records: ClassVar[bool] = True

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
            InvalidArgumentError: there is no topic of that label.
        """
        return self._at(self._place(label))

    @property
    def names(self) -> list[str | None]:
        """(n,) the name of each record's topic, None for noise."""
        name: dict[int, str | None] = dict(
            zip(self.topic_labels.tolist(), self.topic_names, strict=True)
        )
        return [name.get(label) for label in self.labels.tolist()]

    @property
    def noise(self) -> float:
        """The share of records in no topic."""
        return float((self.labels < 0).mean()) if len(self.labels) else 0.0

    def name_of(self, id: str) -> str | None:
        """Return the name of a record's topic, None where it is noise.

        Raises:
            InvalidArgumentError: there is no such record.
        """
        label = int(self.labels[self.snapshot.row_of(id)])
        return None if label < 0 else self.topic_names[self._place(label)]

    def words(self, label: int) -> list[tuple[str, float]]:
        """Return the words of a topic with their weights, the heaviest first."""
        return list(self[label].words)

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a topic; words, weights and documents are lists."""
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

    def columns(self, key: str) -> dict[str, list[Any]]:
        """Return the name of each record's topic, None for noise, which takes the key away."""
        return {key: list(self.names)}

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        parts = (self.sizes, self.topic_names, self.topic_words, self.topic_rows)
        rows = [row for rows in self.topic_rows for row in rows]
        if (
            self.labels.shape != (len(self.snapshot),)
            or any(len(part) != len(self) for part in parts)
            or not np.isin(self.labels[self.labels >= 0], self.topic_labels).all()
            or not all(0 <= row < len(self.snapshot) for row in rows)
        ):
            raise ValueError("the parts of the topics do not fit together")

    def __repr__(self) -> str:
        table = text_table(_COLUMNS, self._rows(), width=48)
        return "\n".join([table, *filter(None, [self._note()]), self._made()])

    def _repr_html_(self) -> str:
        largest = self._largest()
        names = [one_line(self.topic_names[place], 40) for place in largest][::-1]
        drawn = ""
        if names:
            drawn = picture(
                lambda axes: _draw(axes, names, self.sizes[largest][::-1]),
                alt=f"Sizes of the {len(names)} largest topics",
                height=0.6 + 0.2 * len(names),
            )
        note = "; ".join(filter(None, [self._note(), self._made()]))
        return html_table(_COLUMNS, self._rows(), note=note) + drawn

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
            what = "noise is no topic" if label == -1 else f"no topic {short(label)}"
            known = near(str(label), map(str, self.topic_labels.tolist()), what="Topics")
            raise InvalidArgumentError(f"{what[0].upper()}{what[1:]}. {known}.")
        return int(places[0])

    def _largest(self) -> NDArray[np.int64]:
        return np.argsort(-self.sizes, kind="stable")[:_SHOWN]

    def _rows(self) -> list[list[Any]]:
        return [
            [t.label, t.size, t.name, ", ".join(w for w, _ in t.words), (t.documents or ("",))[0]]
            for t in map(self._at, self._largest().tolist())
        ]

    def _note(self) -> str:
        cut = f"{_SHOWN} of {len(self):,} topics shown" if len(self) > _SHOWN else ""
        noise = int((self.labels < 0).sum())
        without = f"{noise:,} records are noise ({self.noise:.1%}), in no topic" if noise else ""
        return ", ".join(filter(None, [cut, without])) or ("" if len(self) else "no topics")


def topics_of(
    clusters: Labeled,
    *,
    name: Callable[[list[str], list[str]], str] | None = None,
    n_words: int = 10,
    ngrams: tuple[int, int] = (1, 2),
    n_documents: int = 3,
    stop_words: Collection[str] | None = None,
) -> Topics:
    """Name the clusters; see `chromalab.analytics.topics.topics`.

    Raises:
        InvalidArgumentError: there are no documents, or an argument is invalid.
    """
    _check(name, n_words, ngrams, n_documents, stop_words)
    snapshot = clusters.snapshot
    if len(snapshot) and all(text is None for text in snapshot.documents or ()):
        raise InvalidArgumentError(
            f"Topics need documents, and none of the {len(snapshot):,} records has one. Add them by "
            "update(ids=..., documents=...); for an array, Snapshot.of(array, documents=...)."
        )
    labels = np.asarray(clusters.labels, dtype=np.int32)
    known, sizes, topic = _numbered(labels)
    matrix = token_matrix_of(snapshot, (int(ngrams[0]), int(ngrams[1])))
    found = topic_words(
        matrix, topic, len(known), n_words=max(n_words, _CONSIDERED), stop_words=stop_words or ()
    )
    rows = representatives(
        snapshot.vectors,
        topic,
        len(known),
        np.asarray(clusters.probabilities),
        snapshot.document,
        n_documents=n_documents,
    )
    words: list[list[tuple[str, float]]] = [
        [(matrix.text(term), weight) for term, weight in own[:n_words]] for own in found
    ]
    if name is None:
        telling = [diverse(matrix, own) for own in found]
        names = distinct_names(telling, known.tolist())
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
            "stop_words": sorted(stop_words) if stop_words else None,
        },
        recall=float(getattr(clusters, "recall", 1.0)),
        labels=labels,
        topic_labels=known,
        sizes=sizes,
        topic_names=names,
        topic_words=words,
        topic_rows=rows,
    )


def _numbered(
    labels: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Number the labels from 0: those there are, their sizes, and the number of each record."""
    counts = np.bincount(labels[labels >= 0])
    known = np.flatnonzero(counts).astype(np.int32)
    number = np.full(len(counts) + 1, -1, dtype=np.int32)
    number[known] = np.arange(len(known))
    return known, counts[known], number[np.maximum(labels, -1)]


def _named(name: Callable[..., str], words: list[str], documents: list[str], label: int) -> str:
    made = name(words, documents)
    if not isinstance(made, str):
        raise InvalidArgumentError(f"name returned {short(made)} for topic {label}; return a text.")
    return " ".join(printable(made).split()) or f"topic {label}"


def _check(name: Any, n_words: Any, ngrams: Any, n_documents: Any, stop_words: Any) -> None:
    if name is not None and not callable(name):
        raise InvalidArgumentError(f"name is called with words and documents; found {short(name)}.")
    for what, value, least in (("n_words", n_words, 1), ("n_documents", n_documents, 0)):
        if not _whole(value) or value < least:
            raise InvalidArgumentError(
                f"{what} is a whole number from {least} on; found {short(value)}."
            )
    good = isinstance(ngrams, Sequence) and len(ngrams) == 2 and all(map(_whole, ngrams))
    if not good or not 1 <= ngrams[0] <= ngrams[1] <= _MOST_WORDS:
        raise InvalidArgumentError(
            f"ngrams is the fewest and the most words side by side, from 1 to {_MOST_WORDS}, as "
            f"(1, 2); found {short(ngrams)}."
        )
    listed = isinstance(stop_words, Collection) and not isinstance(stop_words, str)
    if stop_words is not None and not (
        listed and all(isinstance(word, str) for word in stop_words)
    ):
        raise InvalidArgumentError(f"stop_words is a list of words; found {short(stop_words)}.")


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _draw(axes: Any, names: list[str], sizes: NDArray[np.int64]) -> None:
    axes.barh(range(len(names)), sizes)
    axes.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
    axes.set_xlabel("records")
