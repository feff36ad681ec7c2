"""The notebook side of chromalab: magics, completion, settings; and the command line.

`%load_ext chromalab` loads it.
"""

from typing import Any

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_KEPT = "_chromalab_session"  # on the shell, so that it lives as long as the shell does


def load_ipython_extension(ipython: Any) -> None:
    """Add the magics, their settings and their completion to a shell.

    Done again, open connections are kept; where it fails, what was there before stays.
    """
    from chromalab_kernel.completer import make_matcher
    from chromalab_kernel.magics import ChromaMagic

    before = list(ipython.configurables)
    try:
        magics = ChromaMagic(ipython)
    except BaseException:
        ipython.configurables[:] = before
        raise
    unload_ipython_extension(ipython)
    ipython.configurables.append(magics)
    ipython.register_magics(magics)
    ipython.Completer.custom_matchers.append(make_matcher(magics.session))
    kept = getattr(ipython, _KEPT, None)
    if kept is not None:
        magics.session.adopt(kept)
    setattr(ipython, _KEPT, magics.session)


def unload_ipython_extension(ipython: Any) -> None:
    """Take away what `load_ipython_extension` added.

    Open connections are kept for the next load, as `%reload_ext` unloads first.
    """
    ipython.magics_manager.registry.pop("ChromaMagic", None)
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop("chroma", None)
    ipython.configurables[:] = [
        c for c in ipython.configurables if type(c).__name__ != "ChromaMagic"
    ]
    matchers = ipython.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != "chroma"]
