"""Active learning: which records to label next."""

from __future__ import annotations

from chromalab.analytics.labeling.queue import LabelQueue, label_queue, write_labels
from chromalab.analytics.labeling.replay import Replay

__all__ = ["LabelQueue", "Replay", "label_queue", "write_labels"]
