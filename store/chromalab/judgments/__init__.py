"""Judgments: which records answer which queries, by people or from clicks, stored with a collection."""

from chromalab.judgments.judgment import Judgment
from chromalab.judgments.judgments import (
    add,
    disagreements,
    export,
    from_clicks,
    from_qrels,
    load,
    pairs,
    remove,
    undo,
)
from chromalab.judgments.log import JudgmentLog
from chromalab.judgments.resolved import ResolvedJudgments, resolve
from chromalab.judgments.results import (
    Disagreement,
    Disagreements,
    ExportResult,
    FeedbackResult,
    Judgments,
)

__all__ = [
    "Disagreement",
    "Disagreements",
    "ExportResult",
    "FeedbackResult",
    "Judgment",
    "JudgmentLog",
    "Judgments",
    "ResolvedJudgments",
    "add",
    "disagreements",
    "export",
    "from_clicks",
    "from_qrels",
    "load",
    "pairs",
    "remove",
    "resolve",
    "undo",
]
