"""Moved: see chromalab.files."""

from chromalab.files import *  # noqa: F403
from chromalab.files import __all__ as __all__
