"""Tuning: transforms learned from judgments, tested on held-out queries and gated."""

from chromalab.tuning.report import TuneReport
from chromalab.tuning.suggestions import Suggestion, Suggestions, suggest
from chromalab.tuning.tuning import tune, tune_judgments

__all__ = ["Suggestion", "Suggestions", "TuneReport", "suggest", "tune", "tune_judgments"]
