"""What calls about a whole collection return: counts, descriptions, plans, index and file checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chromalab.engine import Counts, Profile, Range
from chromalab.engine.values import CheckResult, Damage, QueryPlan, Recall
from chromalab.errors import printable
from chromalab.results.tables import (
    Table,
    count,
    cut,
    data_frame,
    html_table,
    one_line,
    text_table,
)
from chromalab.sparse import with_sparse_vectors

if TYPE_CHECKING:
    import pandas

__all__ = [
    "CheckReport",
    "CompactResult",
    "Description",
    "Distinct",
    "Explanation",
    "IndexingStatus",
    "RecallEstimate",
    "ReembedResult",
]


@dataclass(frozen=True, repr=False)
class Distinct(Table, Sequence[tuple[Any, int]]):
    """The values of a metadata key, most frequent first: a sequence of (value, count).

    1, 1.0 and True are three different values. A list counts as its elements, each once per record.

    Attributes:
        field: The metadata key.
        values: The values; among equally frequent ones numbers come first, then texts, then booleans.
        counts: The number of records that have each value.
        missing: The number of records without the key.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> kinds = [{"kind": kind} for kind in ("tea", "chalk", "tea")]
        >>> points.add(ids=["a", "b", "c"], embeddings=[[0], [1], [2]], metadatas=kinds)
        >>> points.distinct("kind")
        kind   count
        tea    2
        chalk  1
        >>> list(points.distinct("kind"))
        [('tea', 2), ('chalk', 1)]
    """

    field: str
    values: tuple[Any, ...]
    counts: tuple[int, ...]
    missing: int

    @classmethod
    def of(cls, field: str, found: Counts) -> Distinct:
        """Make one from the counts of the engine."""
        return cls(field, tuple(_with_sparse(found.values)), found.counts, found.missing)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, at: Any) -> Any:
        pairs = list(zip(self.values, self.counts, strict=True)) if isinstance(at, slice) else None
        return (self.values[at], self.counts[at]) if pairs is None else pairs[at]

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per value and the columns value and count."""
        return data_frame(list(self), ["value", "count"])

    def _header(self) -> Sequence[str]:
        return [one_line(self.field), "count"]

    def _rows(self) -> list[list[Any]]:
        return [[_in_full(value), number] for value, number in self]

    def _note(self) -> str:
        without = f"{self.missing:,} without it" if self.missing else ""
        note = ", ".join(filter(None, [cut(self._limit, len(self)), without]))
        return note or ("" if self.values else "no values")


@dataclass(frozen=True, repr=False)
class Description(Profile, Table):
    """A summary of a collection: its records, its model and its index.

    Attributes:
        collection: Its name.
        model: The name of its embedding function.
        space: The distance: l2, cosine or ip.
        index: The state of its index, in words.
        truncated_documents: The number of documents that are longer than the model reads; None if the
            model does not tell, or is not available.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]], metadatas=[{"n": 1}, {"n": 2}])
        >>> points.describe().zero_vectors
        1
        >>> points.describe().df()["distinct"].tolist()
        [2]
    """

    _columns = ("key", "types", "missing", "distinct", "min", "max", "examples")

    collection: str
    model: str
    space: str
    index: str
    truncated_documents: int | None

    def __repr__(self) -> str:
        summary = text_table(["collection", printable(self.collection)], self._summary(), width=110)
        keys = text_table(self._columns, self._rows(), width=32) if self.keys else "no metadata"
        return f"{summary}\n\n{keys}"

    def _repr_html_(self) -> str:
        summary = html_table(["collection", printable(self.collection)], self._summary())
        note = "" if self.keys else "no metadata"
        return summary + html_table(self._columns, self._rows(), note=note)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per metadata key."""
        rows = [
            [k.key, list(k.types), k.missing, k.distinct, k.min, k.max, _with_sparse(k.examples)]
            for k in self.keys
        ]
        return data_frame(rows, self._columns)

    def _summary(self) -> list[list[str]]:
        vectors = f"{self.dimension} dimensions, {self.space}, model: {self.model}"
        if self.norms:
            vectors += (
                f"; norms {_range(self.norms)}; {self.zero_vectors:,} zero, "
                f"{self.duplicate_vectors:,} duplicate"
            )
        documents = f"{self.records - self.documents:,} missing"
        if self.lengths:
            documents += (
                f"; {_range(self.lengths)} characters; {self.duplicate_documents:,} duplicate"
            )
        if self.blank_documents:
            documents += f", {self.blank_documents:,} blank"
        if self.truncated_documents:
            documents += f", {self.truncated_documents:,} longer than the model reads"
        return [
            ["records", f"{self.records:,}"],
            ["embeddings", "none yet" if self.dimension is None else vectors],
            ["documents", documents],
            ["vector file", f"{self.bytes / 1e6:,.1f} MB, {self.dead_rows:,} dead rows"],
            ["index", self.index],
        ]

    def _rows(self) -> list[list[Any]]:
        return [
            [
                one_line(k.key),
                ", ".join(k.types),
                k.missing,
                k.distinct,
                _in_full(k.min),
                _in_full(k.max),
                ", ".join(one_line(_in_full(value), 24) for value in _with_sparse(k.examples)),
            ]
            for k in self.keys
        ]


@dataclass(frozen=True, repr=False)
class Explanation(Table):
    """How a query is answered, and why.

    Attributes:
        plan: The plan; its fields are the rows of the table.
        transform: The name of the transform that the query goes through, if any.
        both: Whether the records go through it as well.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.explain(query_embeddings=[[0, 1]]).plan.method
        'exact scan'
    """

    _columns = ("step", "details")

    plan: QueryPlan
    transform: str | None = None
    both: bool = False

    def __repr__(self) -> str:
        return text_table(self._columns, self._rows(), width=160)

    def _rows(self) -> list[list[Any]]:
        plan = self.plan
        queries = count(plan.queries, "query", "queries")
        rows = [["method", f"{plan.method} for {queries}, k={plan.k}"], ["why", plan.reason]]
        if self.transform is not None:
            sides = "the query and the records are" if self.both else "the query is"
            rows.insert(0, ["transform", f"{self.transform!r}: {sides} mapped by it first"])
        if plan.method == "index":
            fetched = f"{plan.fetched:,} per query, from a walk that holds ef={plan.ef:,}"
            rows.append(["candidates", fetched])
            if plan.tail:
                tail = f"{plan.tail:,} records that are not in the index yet are compared as well"
                rows.append(["tail", tail])
        rows.append(["index", plan.index])
        costs = ", ".join(f"{way} {max(ms, 0.01):.2g} ms" for way, ms in plan.estimates.items())
        return [*rows, ["estimates", costs]]


@dataclass(frozen=True, repr=False)
class RecallEstimate(Recall):
    """The share of the true nearest neighbors that queries find; `float(...)` is that share.

    Attributes:
        value: The mean over the sample; 1.0 means that all were found.
        sample: The number of records whose neighbors were looked up.
        k: The number of neighbors per record.
        random_state: The seed of the sample.
        method: "exact scan" or "index".
        ef: Candidates that the index held during its walk; None for an exact scan.
    """

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        how = self.method if self.ef is None else f"{self.method}, ef={self.ef}"
        sample = count(self.sample, "record")
        return f"recall@{self.k} {self.value:.3f} ({how}, sample of {sample})"

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row."""
        return data_frame([asdict(self)])


@dataclass(frozen=True, repr=False)
class IndexingStatus(Table):
    """How many records the index covers. The others are scanned, so every query finds them too.

    Attributes:
        num_indexed_ops: Records in the index; all, in a collection too small to need one.
        num_unindexed_ops: Records that have yet to be added to it.
        total_ops: All records.
        op_indexing_progress: The share that is indexed, 0.0 to 1.0; 1.0 for an empty collection.

    Example:
        >>> IndexingStatus(750, 250, 1000, 0.75)
        750 of 1,000 records indexed (75%); the others are scanned
    """

    num_indexed_ops: int
    num_unindexed_ops: int
    total_ops: int
    op_indexing_progress: float

    def __repr__(self) -> str:
        share = f"{self.op_indexing_progress:.0%}"
        indexed = f"{self.num_indexed_ops:,} of {self.total_ops:,} records indexed ({share})"
        return f"{indexed}; the others are scanned" if self.num_unindexed_ops else indexed

    def _header(self) -> Sequence[str]:
        return list(asdict(self))

    def _rows(self) -> list[list[Any]]:
        return [list(asdict(self).values())]

    def _note(self) -> str:
        return repr(self)


@dataclass(frozen=True, repr=False)
class _Rewrite(Table):
    """Rows and bytes of a vector file before and after it was rewritten."""

    _columns = ("when", "rows", "bytes")

    collection: str
    rows_before: int
    rows_after: int
    bytes_before: int
    bytes_after: int
    operations: int = 0

    def _rows(self) -> list[list[Any]]:
        return [
            ["before", self.rows_before, self.bytes_before],
            ["after", self.rows_after, self.bytes_after],
        ]

    def _sizes(self) -> str:
        sizes = f"{self.bytes_before / 1e6:,.1f} -> {self.bytes_after / 1e6:,.1f} MB"
        emptied = f"; {count(self.operations, 'operation')} can no longer be undone"
        return sizes + (emptied if self.operations else "")


@dataclass(frozen=True, repr=False)
class CompactResult(_Rewrite):
    """What `compact` did.

    Attributes:
        collection: The name of the collection.
        rows_before: Rows of its vector file before.
        rows_after: Rows after.
        bytes_before: Bytes of these rows before.
        bytes_after: Bytes after.
        operations: How many operations left the history, as what they deleted is gone.
    """

    def __repr__(self) -> str:
        removed = count(self.rows_before - self.rows_after, "dead row")
        return f"{printable(self.collection)}: {removed} removed, {self._sizes()}"


@dataclass(frozen=True, repr=False)
class ReembedResult(_Rewrite):
    """What `reembed` did.

    Attributes:
        collection: The name of the collection.
        rows_before: Rows of its vector file before.
        rows_after: Rows after.
        bytes_before: Bytes of these rows before.
        bytes_after: Bytes after.
        operations: How many operations left the history, as what they deleted is gone.
        model: The name of the new embedding function.
    """

    model: str = ""

    def __repr__(self) -> str:
        records, model = count(self.rows_after, "record"), printable(self.model)
        return f"{printable(self.collection)}: {records} embedded with {model}, {self._sizes()}"


@dataclass(frozen=True, repr=False)
class CheckReport(Table):
    """What `client.check()` found: a sequence of problems, empty when all is well.

    Like a list, it is False when it is empty: `if client.check(): ...` runs when something is wrong.

    Attributes:
        found: The problems, and what was read to find them.
    """

    _columns = ("collection", "file", "what", "do")

    found: CheckResult

    @property
    def problems(self) -> tuple[Damage, ...]:
        """The problems: each has `collection`, `file`, `what`, `do`, and the `ids` of its records."""
        return self.found.problems

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Files that a crash left behind and that nothing refers to.

        They are harmless, and the next `compact` or `delete_collection` removes them.
        """
        return self.found.leftovers

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Damage]:
        return iter(self.problems)

    def __getitem__(self, at: int) -> Damage:
        return self.problems[at]

    def __repr__(self) -> str:
        lines = [f"{p.collection or 'store'}: {p.file}: {p.what}. {p.do}" for p in self.problems]
        return "\n".join([*lines, self._note()])

    def _repr_html_(self) -> str:
        return html_table(self._columns, self._rows(), note=self._note())

    def _rows(self) -> list[list[str]]:
        return [[p.collection, p.file, p.what, p.do] for p in self.problems]

    def _note(self) -> str:
        found = self.found
        parts = [
            f"{count(len(self), 'problem')} in " if self.problems else "All is well: ",
            f"{count(found.collections, 'collection')}, {count(found.records, 'record')}, ",
            f"{found.bytes / 1e6:,.1f} MB of vectors read.",
        ]
        if found.unverified:
            unverified = count(found.unverified, "record")
            parts.append(f" {unverified} of an earlier release without checksums.")
        if found.leftovers:
            parts.append(f" {count(len(found.leftovers), 'file')} left by a crash, harmless.")
        return "".join(parts)


def _with_sparse(values: Sequence[Any]) -> list[Any]:
    """Return the values, with sparse vectors in place of their stored form."""
    return [
        (with_sparse_vectors({"": value}) or {})[""] if isinstance(value, dict) else value
        for value in values
    ]


def _in_full(value: Any) -> Any:
    """Show a float in full, so that different values never look the same in a table of values."""
    return repr(value) if isinstance(value, float) else value


def _range(spread: Range) -> str:
    least, most, median = (
        f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        for value in (spread.min, spread.max, spread.median)
    )
    return least if least == most else f"{least} to {most} (median {median})"
