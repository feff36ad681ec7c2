"""English stems, by the Snowball algorithm (https://snowballstem.org/algorithms/english/stemmer.html)."""

from __future__ import annotations

import sys
import threading
from functools import cache
from typing import Any

__all__ = ["english_stem", "stemmer_version"]

_CACHED = 200_000  # words, which take about 20 MB

_local = threading.local()  # a stemmer must not be used by two threads at once
_stems: dict[str, str] = {}


def english_stem(word: str) -> str:
    """Return the stem of a word in lower case; those of recent words are cached.

    Example:
        >>> [english_stem(word) for word in ("retrieval", "retrieving", "news")]
        ['retriev', 'retriev', 'news']
    """
    stem = _stems.get(word)
    if stem is None:
        if len(_stems) >= _CACHED:
            _stems.clear()
        stem = _stems[word] = _stemmer().stemWord(word)
    return stem


@cache
def stemmer_version() -> str:
    """Name the package that makes the stems; another release may make others of a few words."""
    from importlib.metadata import version

    _stemmer()
    # snowballstemmer uses the compiled algorithms of PyStemmer where that is installed.
    name = "PyStemmer" if "Stemmer" in sys.modules else "snowballstemmer"
    return f"{name} {version(name)}"


def _stemmer() -> Any:
    if not hasattr(_local, "stemmer"):
        import snowballstemmer

        _local.stemmer = snowballstemmer.stemmer("english")
    return _local.stemmer
