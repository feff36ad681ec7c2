"""Moved: see chromalab.results.progress."""

from chromalab.results.progress import *  # noqa: F403
from chromalab.results.progress import __all__ as __all__
