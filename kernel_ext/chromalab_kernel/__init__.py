"""The notebook side of chromalab: the `%chroma` magics, their settings and their completion.

`%load_ext chromalab` loads it.
"""

from typing import Any

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_SESSION = "_chromalab_session"  # stored on the shell, so that it lives as long as the shell


def load_ipython_extension(ipython: Any) -> None:
    """Add the magics, their settings and their completion to a shell.

    Connections stay open when it is loaded again. A load that fails leaves the shell as it was.
    """
    from chromalab_kernel.closures import ClosureVariables
    from chromalab_kernel.completer import make_matcher
    from chromalab_kernel.magics import ChromaMagic
    from chromalab_kernel.questions import QuestionLine

    before = list(ipython.configurables)
    try:
        magics = ChromaMagic(ipython)
    except BaseException:
        ipython.configurables[:] = before
        raise
    unload_ipython_extension(ipython)
    ipython.configurables.append(magics)
    ipython.register_magics(magics)
    ipython.Completer.custom_matchers.append(make_matcher(magics.session, ipython.Completer))
    ipython.input_transformer_manager.token_transformers.append(QuestionLine)
    ipython.ast_transformers.append(ClosureVariables())
    former = getattr(ipython, _SESSION, None)
    if former is not None:
        magics.session.adopt(former)
    setattr(ipython, _SESSION, magics.session)


def unload_ipython_extension(ipython: Any) -> None:
    """Remove what `load_ipython_extension` added.

    Open connections stay open for the next load, since `%reload_ext` unloads first.
    """
    ipython.magics_manager.registry.pop("ChromaMagic", None)
    for kind in ("line", "cell"):
        ipython.magics_manager.magics[kind].pop("chroma", None)
    ipython.configurables[:] = [
        c for c in ipython.configurables if type(c).__name__ != "ChromaMagic"
    ]
    matchers = ipython.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != "chroma"]
    questions = ipython.input_transformer_manager.token_transformers
    questions[:] = [one for one in questions if one.__name__ != "QuestionLine"]
    closures = ipython.ast_transformers
    closures[:] = [one for one in closures if type(one).__name__ != "ClosureVariables"]
