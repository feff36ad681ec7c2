"""The part of `Collection` that learns from what people say about its results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from chromalab.errors import UniqueConstraintError, short
from chromalab.feedback import Feedback
from chromalab.feedback.asking import fingerprint
from chromalab.feedback.evaluating import evaluate
from chromalab.feedback.evaluation import Evaluation
from chromalab.feedback.keeping import check_transform_name
from chromalab.feedback.report import TuneReport
from chromalab.feedback.transform import Transform
from chromalab.feedback.tuning import tune
from chromalab.observing import Observed
from chromalab.types import Where

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["Learned"]


class Learned(Observed):
    """`feedback`, the judgements of the collection; `tune`, which learns from them; `evaluate`."""

    @property
    def feedback(self) -> Feedback:
        """The judgements of which records are answers to which queries, by people or from clicks.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> points.feedback.add(query=[0, 1], id="a", relevance=True)
            points: 1 judgement added
        """
        return Feedback(cast("Collection", self))

    def tune(
        self,
        method: str = "auto",
        *,
        sides: str = "both",
        gate: str = "auto",
        name: str | None = None,
        use: bool = True,
        random_state: int = 0,
        progress: bool = True,
    ) -> TuneReport:
        """Learn from the judgements how queries and records should be compared.

        What was learned is tested on queries that were held out. Where it is admitted it is kept as a
        transform and, unless `use` is False, queries go through it from now on;
        `transforms.use(None)` takes that back. Where it is refused nothing changes, and the report
        says why and what would settle it. See docs/feedback.md.

        Args:
            method: "auto", "infonce", "mahalanobis", "ridge" or "memory"; the last two map queries
                alone.
            sides: "both", or "queries" alone, which leaves the index as it is and gains less.
            gate: "auto", "veto", "strict" or "off"; see `chromalab.feedback.tune`.
            name: Of the transform; tuned-1, tuned-2 ..., unless said.
            use: Whether queries are to go through it at once.
            random_state: The seed.
            progress: Whether to show a bar after a second.

        Returns:
            The report: gains with their errors on held-out queries, wins and losses.

        Raises:
            UniqueConstraintError: there is a transform of that name.
            InvalidArgumentError: an argument cannot be used; the message says which.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> _ = points.feedback.add(query=[0, 1], id="a", relevance=True)
            >>> points.tune()
            points: no transform. 1 judgement is too few to learn from and test on; ...
            1 judgement
        """
        collection = cast("Collection", self)
        transforms = collection.transforms
        if name is None:
            number = 1
            while f"tuned-{number}" in transforms:
                number += 1
            name = f"tuned-{number}"
        elif check_transform_name(name) in transforms:
            raise UniqueConstraintError(
                f"Collection {self.name!r} has a transform {short(name)} already. Choose another name."
            )
        model = fingerprint(self._engine.get_collection_by_id(self.id))
        report = tune(
            self.feedback.resolved(),
            method=method,
            sides=sides,
            gate=gate,
            name=name,
            model=model,
            random_state=random_state,
            progress=progress,
        )
        state = "not in use"
        if report.admitted:
            transforms.add(report.transform)
            if use:
                state = "live" if transforms.use(name).ready else "live as soon as it is prepared"
        return replace(report, collection=self.name, state=state)

    def evaluate(
        self,
        queries: Any,
        relevance: Any,
        *,
        k: int = 10,
        where: Where | None = None,
        transform: Transform | str | bool | None = "live",
        baseline: Evaluation | str | None = "main",
        replace: bool = False,
        random_state: int = 0,
    ) -> Evaluation:
        """Ask queries whose answers are known, and compare with the first time they were asked.

        The first evaluation under a name is kept with the collection as the baseline; later ones are
        compared with it query by query, with a paired test. Its lists of ids are kept, not its values:
        the answers as they are known now measure both.

        Args:
            queries: `{query id: text or vector}`, or a list of texts or vectors.
            relevance: `{query id: {id: grade}}` or `{query id: [ids]}`; beside a list of queries a list
                of these in the same order, or a dict by their place, from 0. Or rows, or a DataFrame,
                as `feedback.from_qrels` takes them. A grade above 0 is relevant.
            k: How far down each list is looked.
            where: A filter on metadata. An answer that it leaves out counts as not found.
            transform: What queries go through, as in `query`.
            baseline: The name of the set of queries; an `Evaluation` to compare with instead; or None,
                which compares with nothing and keeps nothing.
            replace: Whether this one takes the place of the baseline, after it was compared with it.
            random_state: Of the test.

        Returns:
            nDCG@k, recall@k and the reciprocal rank within the first k, and what changed.

        Raises:
            InvalidArgumentError: no query has an answer that is there, or something cannot be read.

        Example:
            >>> import chromalab
            >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
            >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
            >>> points.evaluate({"q": [0, 1]}, {"q": ["a"]})
            points: 1 query, ndcg@10 1.000, recall@10 1.000, mrr 1.000
            kept as the baseline 'main'
            >>> points.add(ids=["c"], embeddings=[[0, 1]])
            >>> points.evaluate({"q": [0, 1]}, {"q": ["a"]}).compared.verdict
            'ndcg@10 falls, 1.000 to 0.631 (-0.369 ± 0.000, p = 1.000): too few queries to tell (1 changed)'
        """
        return evaluate(
            cast("Collection", self),
            queries,
            relevance,
            k=k,
            where=where,
            transform=transform,
            baseline=baseline,
            replace_baseline=replace,
            random_state=random_state,
        )
