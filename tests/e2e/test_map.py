"""The map in a real JupyterLab in headless Chromium: it paints, is lassoed, follows the theme."""

import importlib.util
import math
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect, sync_playwright

_spec = importlib.util.spec_from_file_location("lab", Path(__file__).with_name("lab.py"))
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(
        lab.CHROMIUM is None, reason="Chromium is not installed: sudo apt-get install chromium"
    ),
]

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
CELLS = [
    # Two heaps of points, and a function that embeds a text as one of them.
    """import chromalab, ipywidgets, numpy as np

class Sides(chromalab.EmbeddingFunction):
    def __call__(self, input):
        return [[-1.0, 0.0] if "left" in text else [1.0, 0.0] for text in input]

rng = np.random.default_rng(0)
places = rng.normal(scale=0.15, size=(400, 2)) + np.repeat([[-1, 0], [1, 0]], 200, axis=0)
sides = ["left"] * 200 + ["right"] * 200
points = chromalab.EphemeralClient().create_collection("points", embedding_function=Sides())
points.add(
    ids=[f"p{row}" for row in range(400)], embeddings=places, metadatas=[{"side": s} for s in sides],
    documents=[f"<img src=x onerror=alert(1)> {side}" for side in sides],
)
map = points.map(places, color="side", labels="side", density=True)
map""",
    """heard = ipywidgets.Label("none")
points.selection.watch(lambda s: setattr(heard, "value", f"{len(s)} of {sorted({id for id in s})[:1]}"))
heard""",
]

# How many dots of the points' canvas are coloured.
COLOURED = """(() => {
    const canvas = document.querySelector(".cl-points");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] > 128 && Math.abs(data[at] - data[at + 2]) > 40) coloured += 1;
    return coloured;
})()"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "map.ipynb"
    )
    with lab.LabServer(folder) as server:
        yield server


@pytest.fixture
def page(server):
    with sync_playwright() as playwright, lab.Page(server, playwright) as page:
        page.open("map.ipynb")
        page.run_all()
        assert page.errors() == []
        page.page.wait_for_selector(".cl-map[data-painted]")
        yield page


def lasso(page, left, right):
    """Draw around a part of the stage, given in shares of its width; not to where it began."""
    page.page.locator(".cl-stage").scroll_into_view_if_needed()
    box = page.page.locator(".cl-stage").bounding_box()
    middle, radius = (left + right) / 2, (right - left) / 2
    for step in range(31):
        angle = 2 * math.pi * 0.95 * step / 30
        x = box["x"] + box["width"] * (middle + radius * math.cos(angle))
        y = box["y"] + box["height"] * (0.5 + 0.45 * math.sin(angle))
        page.page.mouse.move(x, y)
        if step == 0:
            page.page.keyboard.down("Alt")
            page.page.mouse.down()
    page.page.mouse.up()
    page.page.keyboard.up("Alt")


def test_a_map_paints_is_lassoed_searched_and_follows_the_theme_on_loopback_alone(page):
    widget, heard = page.page.locator(".cl-map"), page.page.locator(".widget-label")
    assert widget.get_attribute("data-renderer") == "webgl"
    painted = page.page.evaluate(COLOURED)
    assert painted > 400
    expect(widget.locator(".cl-labels span:not(.cl-off)")).to_have_count(2)

    lasso(page, 0.02, 0.5)
    expect(heard).to_have_text("200 of ['p0']")
    expect(widget.locator("[role=status]")).to_contain_text("200 records selected")
    expect(widget.get_by_role("region", name="Selected").locator("li")).to_have_count(200)
    page.page.wait_for_function(f"{COLOURED} < {painted}")  # the others went grey

    widget.locator(".cl-stage").focus()
    page.page.keyboard.press("Escape")
    expect(heard).to_have_text("0 of []")
    assert page.page.locator(".jp-Cell").count() == len(CELLS)  # no key reached the notebook

    widget.get_by_role("searchbox").fill("right")
    found = widget.get_by_role("region", name="Found: right")
    expect(found.locator("li")).to_have_count(50)
    expect(found.locator("li").first).to_contain_text("<img src=x onerror=alert(1)> right")
    assert widget.locator("img").count() == 0

    found.locator("li button").first.click()
    expect(widget.get_by_role("region", name="Nearest in truth").locator("li")).to_have_count(13)

    page.page.add_script_tag(path=AXE)
    faults = page.page.evaluate("axe.run(document.querySelector('.cl-map'))")["violations"]
    assert [fault["id"] for fault in faults if fault["impact"] in ("serious", "critical")] == []

    widget.get_by_role("button", name="left 200").click()
    assert widget.get_by_role("button", name="left 200").get_attribute("aria-pressed") == "false"

    assert widget.get_attribute("data-theme") == "light"
    page.page.evaluate(
        "() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    expect(widget).to_have_attribute("data-theme", "dark")
    assert page.elsewhere == []
