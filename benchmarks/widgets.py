"""The map in a real JupyterLab compared with jupyter-scatter: first paint, lasso, recoloring, search.

The points are random clusters at given coordinates, so that nothing is projected. Each measurement of a
round has a new browser and a new kernel, and the systems take turns. Paint is detected in the pixels of
the canvas, for both systems alike; a lasso ends when Python has received the selection.

    python benchmarks/widgets.py
    python benchmarks/widgets.py --rows 5000 --many 20000 --rounds 1     # a quick run
    python benchmarks/widgets.py --write                                 # into README.md
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import math
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import sync_playwright
from tables import Row, table, write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from lab import CHROMIUM, LabServer, Page

OURS, PEER = "chromalab", "jupyter-scatter"
LASSOS, RECOLORS, SEARCHES = 2, 4, 4  # per page
FIRST = 10_003  # the records of a map whose layout is still to be computed
WORDS = "abcdef"

SETUP = """import time, ipywidgets, numpy as np
rng = np.random.default_rng({seed})
centers = rng.normal(size=(8, 16)).astype(np.float32)
group = rng.integers(8, size={rows})
other = rng.integers(5, size={rows})
middles = rng.uniform(-1, 1, size=(8, 2))
coordinates = (middles[group] + rng.normal(scale=0.18, size=({rows}, 2))).astype(np.float32)
heard = ipywidgets.Label("0")
received = []
def receive(count):
    received.append((time.time(), count))
    heard.value = str(len(received))
"""
DATA = {
    OURS: """import chromalab, chromalab_widgets.map.map
class Letters(chromalab.EmbeddingFunction):  # a text is the center of the cluster of its first letter
    def __call__(self, input):
        return [centers[ord(text[:1] or "a") % 8] for text in input]
points = chromalab.EphemeralClient().create_collection("points", embedding_function=Letters())
vectors = centers[group] + rng.normal(scale=0.3, size=({rows}, 16)).astype(np.float32)
for start in range(0, {rows}, 5000):
    part = slice(start, min(start + 5000, {rows}))
    points.add(
        ids=[f"p{{row}}" for row in range(part.start, part.stop)], embeddings=vectors[part],
        metadatas=[{{"group": f"g{{one}}", "other": f"o{{two}}"}}
                   for one, two in zip(group[part].tolist(), other[part].tolist())],
    )
if {searched}:
    points.query(query_texts=["a"])  # builds the index
""",
    PEER: """import jscatter, pandas as pd
names = pd.Categorical([f"g{{one}}" for one in group.tolist()])
frame = pd.DataFrame({{"x": coordinates[:, 0], "y": coordinates[:, 1], "group": names}})
""",
}
SHOW = {
    OURS: """if "shown" in globals():
    shown.close()
shown = points.map(coordinates, color="group", height=520)
shown""",
    PEER: """if "shown" in globals():
    shown.widget.close()
shown = jscatter.Scatter(data=frame, x="x", y="y", color_by="group", height=520)
shown.show()""",
}
COMPUTED = "shown = points.map(height=520)\nshown"
HEAR = {
    OURS: "points.selection.watch(lambda selection: receive(len(selection)))\nheard",
    PEER: 'shown.widget.observe(lambda _: receive(len(shown.selection())), "selection")\nheard',
}

SCRIPT = Path(__file__).with_name("widgets_page.js").read_text(encoding="utf-8")
RUN = """async cell => {
    jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
    await jupyterapp.commands.execute("notebook:run-cell");
}"""
QUIET = """() => {
    const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session;
    return kernel.status === "idle" && jupyterapp.shell.currentWidget.content.widgets
        .every(cell => cell.model.executionState !== "running");
}"""


class Bench:
    """A server, and the measurements in its pages."""

    def __init__(self, server: LabServer, playwright: Any, seed: int) -> None:
        self._server, self._playwright, self._seed = server, playwright, seed
        self.rows: dict[str, Row] = {}
        self.selected: dict[str, list[int]] = {}

    def note(self, label: str, name: str, value: float) -> None:
        """Add a sample."""
        self.rows.setdefault(label, Row(label)).samples.setdefault(name, []).append([value])

    def page(self, name: str, rows: int, *, all_of_it: bool) -> None:
        """Measure one system in a new page."""
        started = time.perf_counter()
        size = f"{rows:,} points"
        notebook = self._notebook(name, rows, all_of_it)
        with Page(self._server, self._playwright) as page:
            page.page.set_default_timeout(120_000)
            received = Counted(page)
            page.open(notebook)
            page.page.evaluate(SCRIPT)
            self._run(page, 0)
            before = received.bytes
            self.note(f"{size}: cell to first paint, s", name, self._show(page))
            self.note(
                f"{size}: data sent to the browser, MB", name, (received.bytes - before) / 1e6
            )
            self.note(f"{size}: rerunning the cell, s", name, self._show(page))
            self._run(page, 2)
            counts = self.selected.setdefault(f"{name}, {size}", [])
            for time_of in range(LASSOS):
                seconds, count = self._lasso(page, name, 0.25 - 0.02 * time_of, time_of)
                self.note(f"{size}: lasso until Python receives it, s", name, seconds)
                counts.append(count)
            if name == OURS and all_of_it:
                self._recolor(page, received, size)
                self._search(page, size)
            if wrong := page.errors():
                raise SystemExit("\n".join(wrong))
            if page.external:
                raise SystemExit(f"{name} requested {page.external}")
            page.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        _say(f"{name}, {size}: {time.perf_counter() - started:.0f} s")

    def first_picture(self) -> None:
        """Measure how soon a map without a layout appears, in a new page and kernel."""
        notebook = self._notebook(OURS, FIRST, False, show=COMPUTED)
        with Page(self._server, self._playwright) as page:
            page.page.set_default_timeout(120_000)
            page.open(notebook)
            page.page.evaluate(SCRIPT)
            self._run(page, 0)
            seconds = page.page.evaluate("() => bench.show(1)") / 1000
            self.note(f"{FIRST:,} records, to be laid out: cell to first paint, s", OURS, seconds)
            page.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        _say(f"first picture: {seconds:.1f} s")

    def _notebook(self, name: str, rows: int, searched: bool, show: str | None = None) -> str:
        given = {"rows": rows, "seed": self._seed, "searched": searched}
        cells = [(SETUP + DATA[name]).format(**given), show or SHOW[name], HEAR[name]]
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        file = f"{name}-{time.time_ns()}.ipynb"
        nbformat.write(made, self._server.root / file)
        return file

    @staticmethod
    def _run(page: Page, cell: int) -> None:
        page.page.evaluate(RUN, cell)
        page.page.wait_for_function(QUIET)
        if wrong := page.errors():
            raise SystemExit("\n".join(wrong))

    @staticmethod
    def _show(page: Page) -> float:
        seconds = page.page.evaluate("() => bench.show(1)") / 1000
        page.page.wait_for_function(QUIET)
        return float(seconds)

    @staticmethod
    def _lasso(page: Page, name: str, radius: float, before: int) -> tuple[float, int]:
        """Draw an open lasso around the center; return the seconds since the button was released."""
        if name == PEER and before == 0:
            page.page.locator("button[title*=lasso i]").first.click()
        stage = page.page.locator(".cl-stage" if name == OURS else ".jp-OutputArea canvas").first
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        if name == OURS:
            page.page.keyboard.down("Alt")
        for step in range(31):
            angle = 2 * math.pi * 0.95 * step / 30
            x = box["x"] + box["width"] / 2 + box["height"] * radius * math.cos(angle)
            page.page.mouse.move(x, box["y"] + box["height"] * (0.5 + radius * math.sin(angle)))
            if step == 0:
                page.page.mouse.down()
        page.page.mouse.up()
        if name == OURS:
            page.page.keyboard.up("Alt")
        label = "[...document.querySelectorAll('.widget-label')].at(-1)"
        page.page.wait_for_function(f"() => Number({label}.textContent) > {before}")
        page.page.wait_for_function(QUIET)
        at, count = page.kernel("received[-1]").strip("()").split(", ")
        if page.kernel("len(received)") != str(before + 1):
            raise SystemExit(f"{name} sent one lasso to Python more than once")
        return float(at) - page.page.evaluate("() => bench.up") / 1000, int(count)

    def _recolor(self, page: Page, received: Counted, size: str) -> None:
        page.page.locator(".cl-stage").focus()
        page.page.keyboard.press("Escape")  # nothing selected
        page.page.wait_for_function("() => !document.querySelector('.cl-map [role=status]')"
                                    ".textContent.includes('selected')")  # fmt: skip
        for turn in range(RECOLORS):
            before = received.bytes
            by = ["other", "group"][turn % 2]
            taken = page.page.evaluate("by => bench.recolor(by)", by)
            page.page.wait_for_function(QUIET)
            self.note(f"{size}: recoloring, s", OURS, taken / 1000)
            self.note(
                f"{size}: data sent for recoloring, kB", OURS, (received.bytes - before) / 1e3
            )

    def _search(self, page: Page, size: str) -> None:
        box = page.page.locator(".cl-map input[type=search]")
        whole = page.page.evaluate("() => bench.vivid()")
        for turn in range(SEARCHES):
            box.focus()
            page.page.evaluate("() => bench.arm()")
            page.page.keyboard.press(WORDS[turn])
            taken = page.page.evaluate("async () => await bench.lit - bench.key")
            page.page.wait_for_function(QUIET)
            self.note(
                f"{size}: keystroke in the search box until matches are highlighted, s",
                OURS,
                taken / 1000,
            )
            page.page.keyboard.press("Escape")
            page.page.evaluate("count => bench.unlit(count)", whole * 0.8)
            page.page.wait_for_function(QUIET)


class Counted:
    """The bytes that a page received by websocket."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        page.page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, payload: str | bytes) -> None:
        self.bytes += len(payload.encode() if isinstance(payload, str) else payload)


def bundles() -> list[Row]:
    """Measure the code that is sent to the browser, plain and compressed with gzip."""
    import jscatter

    import chromalab_widgets

    files = {
        OURS: [Path(chromalab_widgets.__file__).parent / "static" / f"map.{end}" for end in ("js", "css")],
        PEER: [Path(jscatter.__file__).parent / f"bundle.{end}" for end in ("js", "css")],
    }  # fmt: skip
    row = Row("code of the widget, kB; by gzip")
    for name, paths in files.items():
        texts = [path.read_bytes() for path in paths]
        sizes = [sum(map(len, texts)), sum(len(gzip.compress(text)) for text in texts)]
        row.samples[name] = [[size / 1e3 for size in sizes]]
    return [row]


def bars(bench: Bench, size: str) -> list[str]:
    """Return the targets, each with its measurement."""

    def median(label: str, name: str = OURS) -> float:
        return bench.rows[f"{size}: {label}"].medians(name)[0]

    paint, lasso = "cell to first paint, s", "lasso until Python receives it, s"
    key = "keystroke in the search box until matches are highlighted, s"
    sent = median("data sent for recoloring, kB")
    positions = 8 * int(size.split()[0].replace(",", "")) / 1e3
    held = [
        ("paint at most half of jupyter-scatter's", median(paint) / median(paint, PEER), 1 / 2, ".2f"),
        ("lasso at most a third of jupyter-scatter's", median(lasso) / median(lasso, PEER), 1 / 3, ".2f"),
        ("recoloring under 0.2 s", median("recoloring, s"), 0.2, ".3f"),
        (f"recoloring without sending coordinates ({positions:,.0f} kB)", sent, positions / 2, ",.0f"),
        ("keystroke under 0.15 s", median(key), 0.15, ".3f"),
        ("first picture, before the layout, within 2 s",
         bench.rows[f"{FIRST:,} records, to be laid out: cell to first paint, s"].medians(OURS)[0], 2, ".2f"),
    ]  # fmt: skip
    return [
        f"* {what}: {value:{form}}, **{'met' if value <= bar else 'not met'}**"
        for what, value, bar, form in held
    ]


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--many", type=int, default=1_000_000, help="points for chromalab alone; 0 to skip"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write the table to README.md")
    options = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("Chromium is not installed: sudo apt-get install chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        LabServer(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        bench = Bench(server, playwright, options.seed)
        for turn in range(options.rounds):
            for name in (OURS, PEER)[:: 1 if turn % 2 == 0 else -1]:
                bench.page(name, options.rows, all_of_it=True)
            bench.first_picture()
        if options.many:
            bench.page(OURS, options.many, all_of_it=False)

    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in (OURS, PEER, "jupyterlab")
    )
    selected = "; ".join(f"{what}: {counts[0]:,}" for what, counts in bench.selected.items())
    lines = [
        f"`python benchmarks/widgets.py --rounds {options.rounds} --seed {options.seed}`: "
        f"{os.cpu_count()} processors, no GPU, load {os.getloadavg()[2]:.1f}, "
        f"Python {platform.python_version()}, {versions}.",
        f"Medians of {options.rounds} alternating rounds, of 1 at {options.many:,}. "
        f"Selected by the first lasso of a page: {selected}.",
        "",
        *table([*bench.rows.values(), *bundles()], (OURS, PEER), (PEER, OURS)),
        "",
        *bars(bench, f"{options.rows:,} points"),
    ]
    print("\n".join(lines))
    if options.write:
        write("widgets.py", "\n".join(lines))


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
