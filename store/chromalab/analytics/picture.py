"""Moved: see chromalab.results.picture."""

from chromalab.results.picture import *  # noqa: F403
from chromalab.results.picture import __all__ as __all__
