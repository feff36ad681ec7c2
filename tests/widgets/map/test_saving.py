"""A map without its kernel, and its export to other packages."""

import base64
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from chromalab.errors import InvalidArgumentError, MissingDependencyError
from chromalab_widgets import Map
from chromalab_widgets.core.bundles import bundle
from chromalab_widgets.map.colors import color_values
from chromalab_widgets.map.picture import draw_picture

HOSTILE = "</script><img src=x onerror=alert(1)>"
HALF = 20  # points on each side
WIDGETS = Path(__file__).parents[3] / "widgets"


def pixels(png):
    """Return the pixels of a PNG: height, width, and red, green and blue from 0 to 255."""
    return (imread(io.BytesIO(png), format="png")[:, :, :3] * 255).round().astype(int)


def holds(picture, color):
    """Whether some pixels have exactly this color."""
    return bool((picture == [int(color[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=2).any())


def test_the_picture_has_the_points_a_title_and_a_legend_at_any_size(map, tmp_path):
    drawn = map.to_png(tmp_path / "map.png", width=400, height=300, scale=2)
    assert (tmp_path / "map.png").read_bytes() == drawn
    picture = pixels(drawn)
    assert picture.shape == (600, 800, 3)
    for color in map.legend["palette"][:2]:
        assert holds(
            picture[:, 600:], color
        )  # the swatch of the legend; the points are translucent
    assert (picture[:60, :200] < 100).any()  # the title
    assert tuple(picture[0, 0]) == (255, 255, 255)
    assert tuple(pixels(map.to_png(width=400, height=300, dark=True))[0, 0]) == (17, 17, 17)
    untitled = pixels(map.to_png(title="", width=400, height=300))
    assert (untitled[:40, :200] == 255).all()
    with pytest.raises(InvalidArgumentError, match="scale must be a number from"):
        map.to_png(scale=0)


def test_names_do_not_overlap_and_replace_the_legend_of_what_they_name():
    places = np.float32([[-1, 0], [-1, 0.02], [1, 0], [1, 1]])
    coloring = color_values(["one", "two", "three", "one"], 4, "kind")
    labels = [
        {"text": name, "x": x, "y": y, "count": 3 - at, "wide": False}
        for at, (name, (x, y)) in enumerate(zip(["one", "two", "three"], places, strict=False))
    ]
    options = {"width": 400, "height": 300, "scale": 1}
    named = pixels(draw_picture(places, coloring, labels, **options))
    assert not any(holds(named, color) for color in coloring.palette[:3])  # no swatches
    unnamed = pixels(draw_picture(places, coloring, labels[:2], **options))
    assert holds(unnamed, coloring.palette[2])
    heap = [{**labels[0], "text": f"name {at}"} for at in range(50)]
    only = pixels(draw_picture(places, coloring, heap[:3], title="", **options))
    assert (pixels(draw_picture(places, coloring, heap, title="", **options)) == only).all()


def test_a_wide_and_a_narrow_area_of_the_same_name_are_each_written_once():
    places = np.float32([[-1, 0], [1, 1]])
    coloring = color_values(["east", "west"], 2, "kind")
    labels = [{"text": "one", "x": x, "y": 0, "count": 1, "wide": x < 0} for x in (-0.5, 0.5)]
    other = [labels[0], {**labels[1], "text": "noe"}]  # as much ink
    ink = [
        int((pixels(draw_picture(places, coloring, names, width=900)).sum(-1) < 120).sum())
        for names in (labels, other)
    ]
    assert ink[0] == pytest.approx(ink[1], rel=0.02)


def test_any_text_can_be_drawn(tmp_path):
    texts = ["$x^2$", "_hidden", HOSTILE, "\n", "日本", "شاي"]
    at = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    labels = [{"text": text, "x": 0.0, "y": 0.0, "count": 1, "wide": False} for text in texts[:5]]
    assert draw_picture(at, color_values(texts, 6, "$kind"), labels, title="$t$")
    assert draw_picture(at[:0], color_values([], 0, "kind"), title="empty")


def test_a_saved_notebook_shows_the_same_picture_as_html_and_as_png(client, vectors):
    made = client.create_collection("hostile", embedding_function=None)
    made.add(
        ids=[str(row) for row in range(40)], embeddings=vectors, metadatas=[{"k": HOSTILE}] * 40
    )
    map = made.map(vectors, color="k", labels="k")
    data, _ = map._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert f"data:image/png;base64,{data['image/png']}" in data["text/html"]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert "<img src=x" not in data["text/html"]


def test_the_page_is_one_file_in_which_all_text_is_escaped(map, tmp_path):
    text = map.to_html(tmp_path / "map.html").read_text()
    assert "<img src=x" not in text
    assert HOSTILE not in text
    assert text.count("</script>") == 4
    assert not re.findall(r'(?:src|href)="', text)
    assert "onerror=alert(1)>" in text  # as JSON, for the card


@pytest.mark.parametrize("save", ["to_html", "to_png"])
def test_a_file_that_cannot_be_written_raises_with_its_name(map, tmp_path, save):
    for path, problem in (
        (tmp_path, "cannot be written"),
        (tmp_path / "no" / "map", "No such file"),
    ):
        with pytest.raises(InvalidArgumentError, match=problem):
            getattr(map, save)(path)
    with pytest.raises(InvalidArgumentError, match="path must be the name of a file; got 5"):
        getattr(map, save)(5)


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
