"""What is reviewed, one thing at a time: each queue says what is shown and what a choice does."""

from chromalab_widgets.queues.clusters import ClusterQueue
from chromalab_widgets.queues.duplicates import DuplicateQueue
from chromalab_widgets.queues.labels import LabelsQueue
from chromalab_widgets.queues.outliers import OutlierQueue
from chromalab_widgets.queues.queue import Choice, Item, Plan, Queue, Shown

__all__ = [
    "Choice",
    "ClusterQueue",
    "DuplicateQueue",
    "Item",
    "LabelsQueue",
    "OutlierQueue",
    "Plan",
    "Queue",
    "Shown",
]
