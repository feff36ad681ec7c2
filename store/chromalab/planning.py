"""The index of a collection, as its user sees it: how a query is answered, how well, how far it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chromalab.arguments.records import read_filter, read_texts, reject_images
from chromalab.arguments.values import check_embeddings, check_n_results
from chromalab.embed import embed_queries
from chromalab.engine import Filter
from chromalab.engine.interface import Vectors
from chromalab.engine.plan import Plan, Recall
from chromalab.errors import InvalidArgumentError
from chromalab.feedback.transform import Transform
from chromalab.results.progress import bar
from chromalab.results.tables import data_frame, html_table, text_table
from chromalab.transforming import Transformed
from chromalab.types import Documents, Embeddings, IDs, Where, WhereDocument

if TYPE_CHECKING:
    import pandas

__all__ = ["Explanation", "Planned", "RecallEstimate"]


@dataclass(frozen=True)
class Explanation:
    """How a query is answered, and why so.

    Attributes:
        plan: The plan; its fields are those of the table.
        transform: The name of the transform that the query goes through, if any.
        both: Whether the records go through it, too.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.explain(query_embeddings=[[0, 1]]).plan.method
        'exact scan'
    """

    plan: Plan
    transform: str | None = None
    both: bool = False

    def __repr__(self) -> str:
        return text_table(["step", "what"], self._rows(), width=160)

    def _repr_html_(self) -> str:
        return html_table(["step", "what"], self._rows())

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame: a row a step of the plan."""
        return data_frame(self._rows(), ["step", "what"])

    def _rows(self) -> list[list[Any]]:
        plan = self.plan
        each = f"{plan.queries:,} queries" if plan.queries > 1 else "1 query"
        rows = [["method", f"{plan.method} for {each}, k={plan.k}"], ["why", plan.reason]]
        if self.transform is not None:
            sides = "the query and the records are" if self.both else "the query is"
            rows.insert(0, ["transform", f"{self.transform!r}: {sides} mapped by it first"])
        if plan.method == "index":
            rows.append(
                ["candidates", f"{plan.fetched:,} a query, of a walk that holds ef={plan.ef:,}"]
            )
            if plan.tail:
                rows.append(
                    ["tail", f"{plan.tail:,} records that the index lacks are compared too"]
                )
        rows.append(["index", plan.index])
        costs = ", ".join(f"{way} {max(ms, 0.01):.2g} ms" for way, ms in plan.estimates.items())
        return [*rows, ["estimates", costs]]


@dataclass(frozen=True, repr=False)
class RecallEstimate(Recall):
    """The share of the true nearest neighbours that queries find; `float(...)` is that share.

    Attributes:
        value: The mean over the sample; 1.0 is all of them.
        sample: How many records were asked for their neighbours.
        k: How many neighbours.
        random_state: The seed that chose the records.
        method: "exact scan" or "index".
        ef: Candidates the index held on its walk; None for an exact scan.
    """

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        how = self.method if self.ef is None else f"{self.method}, ef={self.ef}"
        return f"recall@{self.k} {self.value:.3f} ({how}; {self.sample:,} records asked)"

    def df(self) -> pandas.DataFrame:
        """Make a pandas DataFrame of one row."""
        names = ["value", "sample", "k", "random_state", "method", "ef"]
        return data_frame([[getattr(self, name) for name in names]], names)


class Planned(Transformed):
    """The part of `Collection` about its index."""

    def explain(
        self,
        query_embeddings: Embeddings | None = None,
        query_texts: Documents | str | None = None,
        ids: IDs | str | None = None,
        n_results: int = 10,
        where: Where | None = None,
        where_document: WhereDocument | None = None,
        *,
        transform: Transform | str | bool | None = "live",
    ) -> Explanation:
        """Say how `query` with these arguments would be answered, and why; nothing is searched.

        Args:
            query_embeddings: As in `query`.
            query_texts: As in `query`.
            ids: As in `query`.
            n_results: As in `query`.
            where: As in `query`.
            where_document: As in `query`.
            transform: As in `query`.

        Raises:
            InvalidArgumentError: as `query` would.
        """
        queries, _ = self._queries(query_embeddings, query_texts)
        filter = self._filter(ids, where, where_document)
        chosen = self._chosen.of(transform)
        name, both, lens = None, False, None
        if chosen is not None:
            queries = chosen.queries(queries)
            name, both, lens = chosen.name, chosen.both, chosen.lens
        plan = self._engine.explain(self.id, queries, check_n_results(n_results), filter, lens)
        return Explanation(plan, name, both)

    def recall(self, sample: int = 200, k: int = 10, random_state: int = 0) -> RecallEstimate:
        """Measure how many of the true neighbours the index finds.

        Some records are asked for their neighbours, with the index and with an exact scan. Queries
        that are unlike the records may find a little less. Where the live transform maps records, they
        are compared after it.

        Args:
            sample: How many records.
            k: How many neighbours of each.
            random_state: The seed that chooses them.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> points.recall()
            recall@1 1.000 (exact scan; 2 records asked)
        """
        sample, k = check_n_results(sample, "sample"), check_n_results(k, "k")
        found = self._engine.recall(self.id, sample, k, random_state, self._live_lens())
        return RecallEstimate(**asdict(found))

    def build_index(self, *, progress: bool = True) -> None:
        """Bring the index up to date now, and wait for it; else it is done in the background.

        A small collection needs none: comparing all its records is quicker. Where the live transform
        maps records, it is the index of the mapped ones.

        Args:
            progress: Whether to show a bar after a second.
        """
        with bar(f"index {self.name}", "row", progress) as tell:
            self._engine.build_index(self.id, tell, self._live_lens())

    def _queries(
        self, embeddings: Any, texts: Any, images: Any = None, uris: Any = None
    ) -> tuple[Vectors, list[str]]:
        """Check what is asked: the vectors (q, dimension), and a label for each."""
        reject_images(images, uris)
        if (embeddings is None) == (texts is None):
            raise InvalidArgumentError(
                "Give query_embeddings or query_texts: one of them, not both."
            )
        if texts is not None:
            labels = list(read_texts(texts, "query_texts"))
            return embed_queries(self._function(), labels), labels
        vectors = check_embeddings(embeddings, "query_embeddings")
        return vectors, [f"query {number}" for number in range(1, len(vectors) + 1)]

    def _filter(self, ids: Any, where: Any, where_document: Any) -> Filter:
        """Check what picks records; no ids at all is an empty list, as in Chroma."""
        if ids is not None and not isinstance(ids, str) and not len(ids):
            return Filter(ids=[])
        return read_filter(ids, where, where_document)
