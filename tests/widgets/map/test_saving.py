"""A map without its kernel, and its export to other packages."""

import re
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from chromalab.errors import MissingDependencyError
from chromalab_widgets import Map
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.map.export import draw_png

HOSTILE = "</script><img src=x onerror=alert(1)>"
HALF = 20  # points on each side
WIDGETS = Path(__file__).parents[3] / "widgets"


def test_the_picture_is_a_png_with_the_colors_of_the_points(map, tmp_path):
    drawn = map.to_png(tmp_path / "map.png", width=300, height=200)
    assert (tmp_path / "map.png").read_bytes() == drawn
    palette = drawn[drawn.index(b"PLTE") + 4 :]
    assert palette[3:6] == bytes.fromhex(map.legend["palette"][0][1:])
    small = draw_png(
        np.float32([[-1, 0], [1, 0]]), np.uint8([0, 1]), ["#ff0000", "#00ff00"], width=60, height=40
    )
    start = small.index(b"IDAT") + 4
    dots = np.frombuffer(zlib.decompress(small[start:-16]), dtype=np.uint8).reshape(40, 61)[:, 1:]
    assert set(dots[:, :30].ravel()) == {0, 1}
    assert set(dots[:, 30:].ravel()) == {0, 2}


def test_a_saved_notebook_shows_the_picture_and_an_escaped_legend(client, vectors):
    made = client.create_collection("hostile", embedding_function=None)
    made.add(
        ids=[str(row) for row in range(40)], embeddings=vectors, metadatas=[{"k": HOSTILE}] * 40
    )
    map = made.map(vectors, color="k")
    data, _ = map._repr_mimebundle_()
    assert data["image/png"]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<img src=x" not in data["text/html"]
    assert "&lt;img src=x" in data["text/html"]
    assert "data:image/png;base64," in data["text/html"]


def test_the_page_is_one_file_in_which_all_text_is_escaped(map, tmp_path):
    text = map.to_html(tmp_path / "map.html").read_text()
    assert "<img src=x" not in text
    assert HOSTILE not in text
    assert text.count("</script>") == 4
    assert not re.findall(r'(?:src|href)="', text)
    assert "onerror=alert(1)>" in text  # as JSON, for the card


@pytest.mark.parametrize(
    ("bridge", "module", "package"),
    [
        ("to_jscatter", "jscatter", "jupyter-scatter"),
        ("to_embedding_atlas", "embedding_atlas", "embedding-atlas"),
    ],
)
def test_an_export_names_the_package_to_install(map, bridge, module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # even if it is installed, as for the benchmarks
    with pytest.raises(MissingDependencyError, match=f"pip install {package}"):
        getattr(map, bridge)()


def test_an_export_has_one_row_per_record(map):
    rows = map._frame()
    assert list(rows.columns) == ["id", "x", "y", "color", "text"]
    assert rows["color"].tolist() == ["left"] * HALF + ["right"] * HALF


def test_the_repr_is_short(map, points):
    assert repr(map) == "Map('points', 40 records, color='side')"
    points.selection.ids = ["p1"]
    assert repr(map) == "Map('points', 40 records, color='side', 1 selected)"


def test_the_typescript_knows_the_same_traits():
    source = (WIDGETS / "src/map/model.ts").read_text()
    body = re.search(r"interface MapModel \{(.*?)\n\}", source, re.DOTALL).group(1)
    ours = set(Map.class_traits(sync=True))
    anywidget = next(base for base in Map.__mro__ if base.__name__ == "AnyWidget")
    assert set(re.findall(r"^\s+(\w+):", body, re.MULTILINE)) == ours - set(
        anywidget.class_traits(sync=True)
    )


def test_the_bundle_is_small_and_loads_nothing_from_elsewhere():
    for name in ("map.js", "map.css"):
        text = bundle(name).read_text()
        assert len(text) < 300_000
        assert not re.findall(r"""(?:import|fetch|url|src=)\s*\(?["']?https?:""", text)
