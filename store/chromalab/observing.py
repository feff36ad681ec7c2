"""A step on the way: the bases of `Collection` are replaced by `Handle`."""

from chromalab.description import Described

__all__ = ["Observed"]


class Observed(Described):
    """`Handle` under the name that the bases of `Collection` still use."""
