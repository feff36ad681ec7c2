"""Evaluation: how well a collection answers queries with known answers, and whether that changed."""

from chromalab.evaluation.evaluation import evaluate
from chromalab.evaluation.results import Compared, Evaluation

__all__ = ["Compared", "Evaluation", "evaluate"]
