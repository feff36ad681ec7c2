"""What remains of a map without its kernel: a picture, a page; and the way to other programs' maps."""

from __future__ import annotations

import base64
import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chromalab.results.tables import html_table
from chromalab.errors import MissingDependencyError
from chromalab_widgets.bundles import bundle
from chromalab_widgets.map_page import page
from chromalab_widgets.map_picture import draw_png
from chromalab_widgets.selection import SelectingWidget

if TYPE_CHECKING:
    from chromalab_widgets.map_colors import Coloring
    from chromalab_widgets.map_layout import Layout
    from chromalab_widgets.map_records import Records

__all__ = ["Saved"]

_KEPT = (
    "collection_name", "count", "generation", "points", "codes", "legend", "color_by", "hidden", "labels",
    "contours", "density", "groups", "outliers", "query", "hits", "moved", "status", "height",
)  # fmt: skip
_DRAWN = 200_000  # points of a picture that nobody asked for by name


class Saved(SelectingWidget):
    """The part of `Map` that writes pictures and pages."""

    collection_name: Any
    query: Any
    _layout: Layout
    _coloring: Coloring
    _records: Records

    def to_png(
        self, path: str | os.PathLike[str] | None = None, *, width: int = 1200, height: int = 800
    ) -> bytes:
        """Draw all points, without labels, as a PNG.

        Args:
            path: The file to write it to, too; None for none.
            width: In dots.
            height: In dots.

        Returns:
            The file's content.
        """
        drawn = self._picture(self.count, width, height)
        if path is not None:
            Path(path).write_bytes(drawn)
        return drawn

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the map as one HTML file that works without kernel and network.

        What needs the kernel is not in it: neighbours, and search by meaning; its box finds words. The
        documents are in it, cut to 700 characters.

        Args:
            path: The file to write.

        Returns:
            The path.
        """
        state = {name: getattr(self, name) for name in _KEPT}
        state |= {
            "selected": self.selected, "focus": {}, "color_choices": [], "can_search": True,
            "error": "", "busy": False,
        }  # fmt: skip
        cards = [self._records.card(row) for row in range(self.count)]
        code, css = (bundle(f"map.{kind}").read_text("utf-8") for kind in ("js", "css"))
        written = Path(path)
        title = f"Map of {self.collection_name}"
        written.write_text(page(title, state, cards, code=code, css=css), "utf-8")
        return written

    def to_jscatter(self, **options: Any) -> Any:
        """Make a `jscatter.Scatter` of the points, their colours and texts.

        Args:
            options: For `jscatter.Scatter`.

        Raises:
            MissingDependencyError: jupyter-scatter is not installed.
        """
        try:
            import jscatter
        except ImportError as error:
            raise MissingDependencyError(
                f"to_jscatter() needs jupyter-scatter ({error}): pip install jupyter-scatter"
            ) from error
        given = {"data": self._frame(), "x": "x", "y": "y", **options}
        if self._coloring.kind != "none":
            given.setdefault("color_by", "color")
        return jscatter.Scatter(**given)

    def to_embedding_atlas(self, **options: Any) -> Any:
        """Make an `EmbeddingAtlasWidget` of the points, their colours and texts.

        Args:
            options: For `EmbeddingAtlasWidget`.

        Raises:
            MissingDependencyError: embedding-atlas is not installed.
        """
        try:
            from embedding_atlas.widget import EmbeddingAtlasWidget
        except ImportError as error:
            raise MissingDependencyError(
                f"to_embedding_atlas() needs embedding-atlas ({error}): pip install embedding-atlas"
            ) from error
        return EmbeddingAtlasWidget(self._frame(), x="x", y="y", text="text", **options)

    def _frame(self) -> Any:
        from chromalab.results.tables import data_frame

        entry = {
            code: one["label"]
            for one in self._coloring.entries
            for code in range(one["low"], one["high"] + 1)
        }
        rows = [
            [id, float(x), float(y), entry.get(code), self._records.text(row)]
            for row, (id, (x, y), code) in enumerate(
                zip(
                    self._layout.snapshot.ids,
                    self._layout.places,
                    self._coloring.codes.tolist(),
                    strict=True,
                )
            )
        ]
        return data_frame(rows, ["id", "x", "y", "color", "text"])

    def _picture(self, most: int, width: int = 760, height: int = 520) -> bytes:
        places, coloring = self._layout.places, self._coloring
        rows = np.arange(len(places))
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(0).choice(len(rows), most, replace=False))
        return draw_png(
            places[rows], coloring.codes[rows], coloring.palette, width=width, height=height
        )

    def _static_png(self) -> bytes:
        return self._picture(_DRAWN)

    def _static_html(self) -> str:
        encoded = base64.b64encode(self._static_png()).decode("ascii")
        name = html.escape(f"Map of {self.collection_name}: {self.status}", quote=True)
        drawn = f"<img alt='{name}' width='760' src='data:image/png;base64,{encoded}'>"
        legend = self._coloring
        swatches = [
            [entry["label"], entry["count"], legend.palette[(entry["low"] + entry["high"]) // 2]]
            for entry in legend.entries
        ]
        note = self.status + ". Run the cell to use it."
        if not swatches:
            return f"<figure>{drawn}<figcaption>{html.escape(note)}</figcaption></figure>"
        table = html_table(
            ["label", "records", "colour"], swatches, caption=legend.title, note=note
        )
        return f"<figure>{drawn}</figure>{table}"
