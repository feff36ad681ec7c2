"""What people say about results: judgements of records as answers to queries, kept with a collection.

Example:
    >>> import chromalab
    >>> points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
    >>> points.add(ids=["a", "b"], embeddings=[[0, 0], [3, 4]])
    >>> points.feedback.add(query=[0, 1], id="a", relevance=True)
    points: 1 judgement added
"""

from chromalab.feedback.decisions import Decision, Decisions
from chromalab.feedback.evaluation import Compared, Evaluation
from chromalab.feedback.feedback import Feedback
from chromalab.feedback.judged import Judged
from chromalab.feedback.judgement import Judgement
from chromalab.feedback.report import TuneReport
from chromalab.feedback.results import (
    Disagreement,
    Disagreements,
    Exported,
    Judgements,
    Noted,
)
from chromalab.feedback.suggestions import Suggestion, Suggestions
from chromalab.feedback.switching import Used
from chromalab.feedback.transform import Transform
from chromalab.feedback.transforms import Transforms
from chromalab.feedback.tuning import tune
from chromalab.feedback.wrapping import TransformedEmbedding

__all__ = [
    "Compared",
    "Decision",
    "Decisions",
    "Disagreement",
    "Disagreements",
    "Evaluation",
    "Exported",
    "Feedback",
    "Judged",
    "Judgement",
    "Judgements",
    "Noted",
    "Suggestion",
    "Suggestions",
    "Transform",
    "TransformedEmbedding",
    "Transforms",
    "TuneReport",
    "Used",
    "tune",
]
