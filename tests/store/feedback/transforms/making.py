"""A small transform to keep, and how to tell that one came back as it was."""

import numpy as np

from chromalab.feedback import Transform
from chromalab.feedback.keeping import described
from chromalab.feedback.transform import pack_arrays


def made(name="tuned", **fields):
    matrix = np.array([[1, 2], [0, 1]], dtype=np.float32)
    return Transform(name=name, **{"matrix": matrix, **fields})


def same(one, other):
    return described(one) == described(other) and pack_arrays(one) == pack_arrays(other)
