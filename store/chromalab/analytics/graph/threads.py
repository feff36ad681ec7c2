"""Moved: see chromalab.cores."""

from chromalab.cores import *  # noqa: F403
from chromalab.cores import __all__ as __all__
