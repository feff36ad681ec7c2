"""Search expressions, in the package in which programs of Chroma look for them."""

from chromalab.execution import expression

__all__ = ["expression"]
