"""A small transform to store, and a comparison with what is read back."""

import numpy as np

from chromalab.feedback import Transform
from chromalab.transforms.storage import describe
from chromalab.transforms.transform import pack_arrays


def made(name="tuned", **fields):
    matrix = np.array([[1, 2], [0, 1]], dtype=np.float32)
    return Transform(name=name, **{"matrix": matrix, **fields})


def same(one, other):
    return describe(one) == describe(other) and pack_arrays(one) == pack_arrays(other)
