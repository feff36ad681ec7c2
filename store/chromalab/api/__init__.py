"""`ClientAPI`, in the package in which programs of Chroma look for it."""

from chromalab.api import types
from chromalab.client import ClientAPI

__all__ = ["ClientAPI", "types"]
