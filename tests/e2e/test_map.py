"""The map in a real JupyterLab and in Notebook 7: drawing, lasso, motion and theme."""

import math

import pytest
from playwright.sync_api import expect

import chromalab

CELLS = [
    # Two clusters of points, and a function that embeds a text as one of them.
    """import chromalab, ipywidgets, numpy as np

class Sides(chromalab.EmbeddingFunction):
    def __call__(self, input):
        return [[-1.0, 0.0] if "left" in text else [1.0, 0.0] for text in input]

rng = np.random.default_rng(0)
coordinates = rng.normal(scale=0.15, size=(400, 2)) + np.repeat([[-1, 0], [1, 0]], 200, axis=0)
sides = ["left"] * 200 + ["right"] * 200
points = chromalab.EphemeralClient().create_collection("points", embedding_function=Sides())
points.add(
    ids=[f"p{row}" for row in range(400)], embeddings=coordinates, metadatas=[{"side": s} for s in sides],
    documents=[f"<img src=x onerror=alert(1)> {side}" for side in sides],
)
map = points.map(coordinates, color="side", labels="side", density=True)
map""",
    """heard = ipywidgets.Label("none")
points.selection.watch(lambda s: setattr(heard, "value", f"{len(s)} of {sorted({id for id in s})[:1]}"))
heard""",
]

# The number of colored pixels of the points' canvas.
COLORED = """(() => {
    const canvas = document.querySelector(".cl-points");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let colored = 0;
    for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] > 128 && Math.abs(data[at] - data[at + 2]) > 40) colored += 1;
    return colored;
})()"""


# Whether some pixels have a given gray.
GRAY = """gray => {
    const canvas = document.querySelector(".cl-points");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] > 200 && [0, 1, 2].every(part => Math.abs(data[at + part] - gray) < 3)) return true;
    return false;
}"""

# Some browsers hide the name of the GPU; the map then assumes that there is one.
UNNAMED = """(() => {
    const real = WebGL2RenderingContext.prototype.getExtension;
    WebGL2RenderingContext.prototype.getExtension = function (name) {
        return name === "WEBGL_debug_renderer_info" ? null : real.call(this, name);
    };
})()"""


LOSE = """() => globalThis[Symbol.for("chromalab.map.webgl")].gl
    .getExtension("WEBGL_lose_context").loseContext()"""


def lasso(page, left, right):
    """Draw a lasso around a part of the stage, given as fractions of its width, without closing it."""
    page.page.locator(".cl-stage").first.scroll_into_view_if_needed()
    box = page.page.locator(".cl-stage").first.bounding_box()
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


def shown(page):
    """Return the number of colored pixels once the map is drawn."""
    page.page.wait_for_selector(".cl-map[data-painted]")
    return page.page.evaluate(COLORED)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_map_is_drawn_lassoed_searched_and_follows_the_theme(run, app):
    page = run(*CELLS, app=app)
    painted = shown(page)
    widget, heard = page.page.locator(".cl-map"), page.page.locator(".widget-label")
    assert widget.get_attribute("data-renderer") == "raster"  # there is no GPU
    assert painted > 400
    expect(widget.locator(".cl-labels span:not(.cl-off)")).to_have_count(2)

    lasso(page, 0.02, 0.5)
    expect(heard).to_have_text("200 of ['p0']")
    expect(widget.locator("[role=status]")).to_contain_text("200 records selected")
    expect(widget.get_by_role("region", name="Selected").locator("li")).to_have_count(200)
    page.page.wait_for_function(f"{COLORED} < {painted}")  # the others turned gray

    widget.locator(".cl-stage").focus()
    page.page.keyboard.press("Escape")
    expect(heard).to_have_text("0 of []")
    assert page.page.locator(".jp-Cell").count() == len(CELLS)  # no key reached the notebook

    widget.get_by_role("searchbox").fill("right")
    found = widget.get_by_role("region", name="Results for right")
    expect(found.locator("li")).to_have_count(50)
    expect(found.locator("li").first).to_contain_text("<img src=x onerror=alert(1)> right")
    assert widget.locator("img").count() == 0

    found.locator("li button").first.press("Enter")
    expect(widget.get_by_role("region", name="Nearest neighbors").locator("li")).to_have_count(13)
    expect(widget.locator("aside button:focus")).to_have_count(1)  # the focus is not lost
    page.kernel("setattr(map, 'computing', True)")  # as while a layout is computed
    expect(widget.get_by_role("button", name="Stop")).to_be_visible()
    page.check_accessibility(".cl-map")
    page.kernel("setattr(map, 'computing', False)")

    widget.get_by_role("button", name="left 200").click()
    assert widget.get_by_role("button", name="left 200").get_attribute("aria-pressed") == "false"

    for theme in ("Dark", "Light"):
        page.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
            f"JupyterLab {theme}",
        )
        expect(widget).to_have_attribute("data-theme", theme.lower())
        gray = {"Dark": 0x56, "Light": 0xCF}[theme]  # of points that are not highlighted
        page.page.wait_for_function(GRAY, arg=gray)


def test_hover_drag_wheel_and_motion(run):
    page = run(*CELLS)
    painted = shown(page)
    widget = page.page.locator(".cl-map")
    stage = widget.locator(".cl-stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    scrolled = page.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop")

    page.page.mouse.move(x - 0.45 * box["height"], y)
    expect(widget.locator(".cl-card")).to_contain_text("<img src=x onerror=alert(1)> left")
    page.page.mouse.down()
    page.page.mouse.move(x + 3 * box["width"], y, steps=5)
    page.page.mouse.up()
    page.page.wait_for_function(f"{COLORED} === 0")  # dragged out of view
    widget.get_by_role("button", name="Show all", exact=True).click()
    page.page.wait_for_function(f"{COLORED} === {painted}")
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -300)
    page.page.wait_for_function(f"{COLORED} > {painted}")  # closer and larger
    assert scrolled == page.page.evaluate(
        "document.querySelector('.jp-WindowedPanel-outer').scrollTop"
    )

    page.kernel("map.update(np.roll(coordinates, 200, axis=0))")
    expect(widget).to_have_attribute("data-painted", "2")
    expect(widget.get_by_role("region", name="Moved most").locator("li")).to_have_count(20)


def test_a_saved_page_needs_no_kernel_and_no_network(page, tmp_path):
    with chromalab.EphemeralClient() as client:
        points = client.create_collection("points", embedding_function=None)
        coordinates = [[x, y] for x in range(10) for y in range(10)]
        points.add(
            ids=[f"p{row}" for row in range(100)],
            embeddings=coordinates,
            documents=[f"</script><img src=x> number {row}" for row in range(100)],
            metadatas=[{"half": "left" if x < 5 else "right"} for x, _ in coordinates],
        )
        points.map(coordinates, color="half").to_html(tmp_path / "map.html")
    problems = []
    page.page.on("pageerror", lambda problem: problems.append(problem))
    page.page.goto((tmp_path / "map.html").as_uri())
    assert shown(page) > 400
    widget = page.page.locator(".cl-map")
    lasso(page, 0.02, 0.98)
    expect(widget.locator("[role=status]")).to_contain_text("records selected")
    widget.get_by_role("searchbox").fill("number 42")
    found = widget.get_by_role("region", name="Results for number 42")
    expect(found.locator("li")).to_have_text(["1</script><img src=x> number 42"])
    assert widget.locator("img").count() == 0
    assert problems == []


def test_webgl_and_raster_draw_the_same(run, page):
    raster = shown(run(*CELLS))
    page.page.add_init_script(UNNAMED)
    page.page.reload()
    run(*CELLS, "map")  # two views share one context
    expect(page.page.locator(".cl-map[data-renderer=webgl][data-painted]")).to_have_count(2)
    webgl = page.page.evaluate(COLORED)
    assert 0.9 < webgl / raster < 1.1
    lasso(page, 0.02, 0.5)
    expect(page.page.locator(".widget-label")).to_have_text("200 of ['p0']")
    page.page.locator(".cl-map").first.get_by_role("button", name="left 200").click()
    page.page.wait_for_function(
        f"{COLORED} === 0"
    )  # the highlighted points are hidden, the others gray

    page.page.evaluate(LOSE)  # a new context replaces it
    page.kernel("map.recolor('side')")
    page.kernel("points.selection.set([])")
    page.page.wait_for_function(f"{COLORED} === {webgl}")
    expect(page.page.locator(".cl-map[data-renderer=webgl]")).to_have_count(2)
    page.page.evaluate("() => { WebGL2RenderingContext.prototype.getParameter = () => 'llvmpipe' }")
    page.page.evaluate(LOSE)  # and now there is no hardware-accelerated one
    page.kernel("map.recolor()")
    expect(page.page.locator(".cl-map[data-renderer=raster]")).to_have_count(2)
    page.kernel("map.recolor('side')")
    page.page.wait_for_function(f"{COLORED} === {raster}")
