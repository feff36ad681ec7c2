"""A step on the way: `Collection` takes these from the rooms itself."""

from chromalab import evaluation, tuning
from chromalab.feedback import Feedback
from chromalab.handle import Room
from chromalab.observing import Observed

__all__ = ["Learned"]


class Learned(Observed):
    """`feedback`, `tune` and `evaluate`."""

    feedback = Room(Feedback)
    tune = tuning.tune
    evaluate = evaluation.evaluate
