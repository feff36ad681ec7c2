"""Moved: see chromalab.results.tables."""

from chromalab.results.tables import *  # noqa: F403
from chromalab.results.tables import __all__ as __all__
