"""The dataset that `load` returns: documents with ids and metadata, and queries with answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from chromalab.results.tables import Table, count, data_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "Metadata", "Query"]

Metadata = dict[str, str | int]
"""The metadata of a document; keys that do not apply are omitted."""

_CHARACTERS_SHOWN = 160


@dataclass(frozen=True)
class Query:
    """A question and the ids of the documents that answer it.

    Attributes:
        text: The question or search phrase.
        relevant: The ids of the documents that answer it, in no particular order.

    Example:
        >>> from chromalab import datasets
        >>> datasets.load("facts").queries[0]
        Query(text='Which world near us is baked by a runaway greenhouse effect?',
              relevant=('astronomy-02',))
    """

    text: str
    relevant: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Dataset(Table):
    """Documents ready to be added to a collection, with queries for evaluating retrieval.

    Attributes:
        name: The name that `load` takes.
        description: A sentence about the content.
        license: An SPDX id, or the words "public domain".
        source: The author and date.
        ids: One readable id per document.
        documents: The texts, in the order of `ids`.
        metadatas: One dictionary per document, in the order of `ids`.
        queries: Questions with the ids of their answers; empty if there are none.

    Example:
        >>> from chromalab import datasets
        >>> facts = datasets.load("facts")
        >>> facts.ids[1], facts.documents[1]
        ('astronomy-02', 'Venus is the hottest planet in the solar system because its thick
        carbon dioxide air traps heat.')
        >>> facts.metadatas[2]
        {'topic': 'astronomy', 'year': 1610}
    """

    name: str
    description: str
    license: str
    source: str
    ids: tuple[str, ...]
    documents: tuple[str, ...]
    metadatas: tuple[Metadata, ...]
    queries: tuple[Query, ...] = ()

    _limit: ClassVar[int] = 5

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        documents = count(len(self), "document")
        queries = count(len(self.queries), "query", "queries")
        return f"Dataset({self.name!r}: {documents}, {queries}, {self.license})"

    def df(self) -> pd.DataFrame:
        """Return one row per document: its id, its text and one column per metadata key.

        Integer columns with missing values use pandas' nullable `Int64`, so that years stay integers.

        Raises:
            MissingDependencyError: pandas is not installed.

        Example:
            >>> from chromalab import datasets
            >>> frame = datasets.load("facts").df()
            >>> frame.shape
            (96, 4)
            >>> list(frame.columns)
            ['id', 'document', 'topic', 'year']
            >>> int(frame["year"].min())
            1610
        """
        parts = zip(self.ids, self.documents, self.metadatas, strict=True)
        frame = data_frame([{"id": id, "document": text, **meta} for id, text, meta in parts])
        for key in self._keys():
            values = [metadata[key] for metadata in self.metadatas if key in metadata]
            if len(values) < len(self) and all(type(value) is int for value in values):
                frame[key] = frame[key].astype(
                    "Int64"
                )  # integers with missing values stay integers
        return frame

    def _keys(self) -> list[str]:
        """Return each metadata key once, in order of first use."""
        return list(dict.fromkeys(key for metadata in self.metadatas for key in metadata))

    def _header(self) -> list[str]:
        return ["id", "document", *self._keys()]

    def _rows(self) -> list[list[str]]:
        keys = self._keys()
        return [
            [id, _cut(text), *(_cut(str(metadata.get(key, ""))) for key in keys)]
            for id, text, metadata in zip(self.ids, self.documents, self.metadatas, strict=True)
        ]

    def _heading(self) -> str:
        queries = count(len(self.queries), "query", "queries")
        return f"{self.name}: {self.description} {self.source} License: {self.license}. {queries}."

    def _note(self) -> str:
        return f"{min(self._limit, len(self)):,} of {len(self):,} shown"


def _cut(text: str) -> str:
    """Shorten a long text and mark the cut with an ellipsis."""
    return text if len(text) <= _CHARACTERS_SHOWN else text[:_CHARACTERS_SHOWN].rstrip() + "…"
