"""Progress bars that leave nothing behind in a saved notebook."""

from __future__ import annotations

import html
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["progress_bar"]


def progress_bar(**options: Any) -> tqdm[Any]:
    """Return a bar of tqdm; in a notebook, it is plain HTML that disappears when the bar is closed.

    tqdm's own notebook bar is a widget. A notebook that was saved with one shows "Error displaying widget"
    when it is opened again.

    Args:
        options: Keyword arguments of `tqdm.tqdm`.
    """
    import tqdm

    if not _in_notebook():
        return tqdm.tqdm(**options)
    options = {**options, "gui": True, "leave": False}  # tqdm prints nothing itself with gui=True
    bar: tqdm.tqdm[Any] = _notebook_bar(tqdm.tqdm)(**options)
    return bar


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


def _notebook_bar(base: Any) -> Any:
    """Return tqdm's class with a display of its own; the class exists only where tqdm is imported."""
    from IPython.display import display

    class NotebookBar(base):  # type: ignore[misc]
        """A bar whose one output is updated, and emptied in the end."""

        _output: Any = None

        def display(self, msg: str | None = None, pos: int | None = None) -> bool:
            self._show(_html_of(self.format_dict, self.format_meter))
            return True

        def clear(self, nolock: bool = False) -> None:
            pass

        def close(self) -> None:
            super().close()
            if self._output is not None:
                self._show("")

        def _show(self, shown: str) -> None:
            bundle = {"text/html": shown, "text/plain": ""}
            if self._output is None:
                show: Any = display  # it has no types
                self._output = show(bundle, raw=True, display_id=True)
            else:
                self._output.update(bundle, raw=True)

    return NotebookBar


def _html_of(state: dict[str, Any], meter: Any) -> str:
    form = state["bar_format"] or "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}]"
    text = html.escape(meter(**{**state, "bar_format": form}))
    total = state["total"]
    value = f" max='{float(total)}' value='{float(state['n'])}'" if total else ""
    label = html.escape(str(state["prefix"] or "progress"), quote=True)
    return (
        "<div class='mathjax_ignore tex2jax_ignore' style='font-variant-numeric:tabular-nums'>"
        f"<progress aria-label='{label}'{value}></progress> {text}</div>"
    )
