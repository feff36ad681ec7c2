"""The part of `Collection` that learns from what people say about its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from chromalab.feedback import Feedback
from chromalab.observing import Observed

if TYPE_CHECKING:
    from chromalab.collection import Collection

__all__ = ["Learned"]


class Learned(Observed):
    """`feedback`, the judgements of the collection."""

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
