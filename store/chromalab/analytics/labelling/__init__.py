"""What to label next."""

from __future__ import annotations

from chromalab.analytics.labelling.asking import label_queue
from chromalab.analytics.labelling.queue import LabelQueue, write_labels
from chromalab.analytics.labelling.replay import Replay

__all__ = ["LabelQueue", "Replay", "label_queue", "write_labels"]
