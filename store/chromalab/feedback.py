"""Feedback on results: judgments, the transforms that are learned from them, and their evaluation.

Example:
    >>> import chromalab
    >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
    >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
    >>> points.feedback.add(query=[0, 1], id="a", relevance=True)
    points: 1 judgment added
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from chromalab import judgments, tuning
from chromalab.errors import ChromalabError
from chromalab.evaluation import Compared, Evaluation
from chromalab.handle import Handle
from chromalab.judgments import (
    Disagreement,
    Disagreements,
    ExportResult,
    FeedbackResult,
    Judgment,
    JudgmentLog,
    Judgments,
    ResolvedJudgments,
)
from chromalab.judgments.results import Overview
from chromalab.results.tables import html_table
from chromalab.reviews import Decision, Decisions
from chromalab.transforms import SwitchResult, Transform, TransformedEmbedding, Transforms
from chromalab.tuning import Suggestion, Suggestions, TuneReport
from chromalab.tuning import tune_judgments as tune

if TYPE_CHECKING:
    import pandas

__all__ = [
    "Compared",
    "Decision",
    "Decisions",
    "Disagreement",
    "Disagreements",
    "Evaluation",
    "ExportResult",
    "Feedback",
    "FeedbackResult",
    "Judgment",
    "Judgments",
    "ResolvedJudgments",
    "Suggestion",
    "Suggestions",
    "SwitchResult",
    "Transform",
    "TransformedEmbedding",
    "Transforms",
    "TuneReport",
    "tune",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _of_collection(
    function: Callable[Concatenate[Handle, _P], _T],
) -> Callable[Concatenate[Feedback, _P], _T]:
    """Make a method of a function that takes a collection first; signature and docstring stay."""

    @wraps(function)
    def method(feedback: Feedback, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return function(feedback.collection, *args, **kwargs)

    return method


class Feedback:
    """The judgments of a collection, in the order in which they were made.

    `collection.feedback` returns it. Judgments are stored with the collection but outside its records,
    so they change neither its records nor its version.

    Args:
        collection: The collection that is judged.

    Example:
        >>> import chromalab
        >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
        >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
        >>> points.feedback.add(query=[0, 1], id=["a", "b"], relevance=[True, False])
        points: 2 judgments added
        >>> [judgment.id for judgment in points.feedback if judgment.is_relevant]
        ['a']
    """

    def __init__(self, collection: Handle) -> None:
        self.collection = collection

    add = _of_collection(judgments.add)
    pairs = _of_collection(judgments.pairs)
    from_qrels = _of_collection(judgments.from_qrels)
    from_clicks = _of_collection(judgments.from_clicks)
    load = _of_collection(judgments.load)
    export = _of_collection(judgments.export)
    undo = _of_collection(judgments.undo)
    remove = _of_collection(judgments.remove)
    disagreements = _of_collection(judgments.disagreements)
    resolved = _of_collection(judgments.resolve)
    suggest = _of_collection(tuning.suggest)

    def of_query(self, query: str) -> list[Judgment]:
        """Return the judgments of one text query; only new judgments are read from the store.

        Args:
            query: The text of the query.

        Example:
            >>> import chromalab
            >>> notes = chromalab.EphemeralClient().create_collection("notes")
            >>> notes.add(ids=["a", "b"], documents=["tea is hot", "a long walk"])
            >>> _ = notes.feedback.add("hot drinks", ["a", "b"], [True, False])
            >>> [judgment.id for judgment in notes.feedback.of_query("hot drinks")]
            ['a', 'b']
        """
        return self.collection.room(JudgmentLog).of_query(query)

    def df(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per judgment, including superseded ones."""
        return Judgments(tuple(self)).df()

    def __len__(self) -> int:
        return len(self._read())

    def __bool__(self) -> bool:
        return True  # Also when it is empty, although it has a length.

    def __iter__(self) -> Iterator[Judgment]:
        return iter(self._read())

    def __repr__(self) -> str:
        try:
            return repr(self._overview())
        except ChromalabError as error:  # The collection was deleted; a repr must not raise.
            return f"Feedback({error})"

    def _repr_html_(self) -> str:
        try:
            return self._overview()._repr_html_()
        except ChromalabError as error:
            return html_table([], [], caption=f"Feedback({error})")

    def _read(self) -> list[Judgment]:
        return self.collection.room(JudgmentLog).read().judgments

    def _overview(self) -> Overview:
        logged = self.collection.room(JudgmentLog).read()
        return Overview(self.collection.name, logged.judgments, logged.invalid)
