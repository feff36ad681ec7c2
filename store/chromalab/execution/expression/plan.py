"""`Search`, in the module in which programs of Chroma look for it."""

from chromalab.search.request import Search

__all__ = ["Search"]
