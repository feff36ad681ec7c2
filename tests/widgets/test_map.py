import datetime
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import chromalab
from chromalab.errors import InvalidArgumentError, MissingDependencyError, NotFoundError
from chromalab.snapshot import Snapshot
from chromalab_widgets import Map
from chromalab_widgets.bundles import bundle
from chromalab_widgets.map_colors import color_values
from chromalab_widgets.map_density import contours
from chromalab_widgets.map_labels import place_labels
from chromalab_widgets.map_picture import draw_png

HOSTILE = "</script><img src=x onerror=alert(1)>"
WIDGETS = Path(__file__).parents[2] / "widgets"
HALF = 20


class Sides(chromalab.EmbeddingFunction):
    """Embeds a text that says left to the left, all others to the right."""

    def __call__(self, input):
        return [[-1.0, 0.0] if "left" in text else [1.0, 0.0] for text in input]


@pytest.fixture
def client():
    with chromalab.EphemeralClient() as client:
        yield client


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    heaps = np.repeat([[-1.0, 0.0], [1.0, 0.0]], HALF, axis=0)
    return (heaps + rng.normal(scale=0.1, size=heaps.shape)).astype(np.float32)


@pytest.fixture
def points(client, vectors):
    points = client.create_collection("points", embedding_function=Sides())
    points.add(
        ids=[f"p{row}" for row in range(2 * HALF)],
        embeddings=vectors,
        documents=[f"{HOSTILE} {row}" for row in range(2 * HALF)],
        metadatas=[
            {"side": "left" if row < HALF else "right", "n": row} for row in range(2 * HALF)
        ],
    )
    return points


@pytest.fixture
def map(points, vectors):
    return points.map(vectors, color="side")


def send(widget, buffers=(), **content):
    """Deliver a message as the browser sends it."""
    data = {"method": "custom", "content": content}
    widget._handle_msg({"content": {"data": data}, "buffers": list(buffers)})


def ask(widget, monkeypatch, buffers=(), **content):
    """Deliver a request, and return the answer to it."""
    answers = []
    monkeypatch.setattr(widget, "send", lambda content, buffers=None: answers.append(content))
    send(widget, buffers, request=7, **content)
    (answer,) = answers
    assert answer["reply"] == 7
    return answer.get("body", answer.get("problem"))


def put(widget, rows):
    """Set the selection as the browser does: by a buffer, which arrives as a memoryview."""
    state = {"selected": memoryview(np.array(rows, dtype=np.uint32).tobytes())}
    data = {"method": "update", "state": state, "buffer_paths": []}
    widget._handle_msg({"content": {"data": data}, "buffers": []})


def test_positions_are_columns_of_float32_in_one_size(map, vectors):
    x, y = np.frombuffer(map.points, dtype=np.float32).reshape(2, -1)
    assert (x.min(), x.max()) == pytest.approx((-1, 1))
    ratio = np.ptp(vectors[:, 1]) / np.ptp(vectors[:, 0])
    assert np.ptp(y) / np.ptp(x) == pytest.approx(ratio, rel=1e-5)
    assert map.count == 2 * HALF


def test_colours_are_codes_with_a_legend(map):
    codes = np.frombuffer(map.codes, dtype=np.uint8)
    assert codes.tolist() == [0] * HALF + [1] * HALF
    assert [(entry["label"], entry["count"]) for entry in map.legend["entries"]] == [
        ("left", HALF), ("right", HALF),
    ]  # fmt: skip
    assert (map.color_by, map.legend["kind"]) == ("side", "categories")
    assert map.color_choices == ["n", "side", "honesty"]


def test_recolouring_sends_codes_and_no_positions(map, monkeypatch):
    sent = []

    def note(data, **_):
        sent.append({*data["state"], *(path[0] for path in data["buffer_paths"])})

    monkeypatch.setattr(map.comm, "send", note)
    send(map, verb="color", by="n")
    assert set().union(*sent) == {"busy", "codes", "legend", "color_by"}
    assert map.legend["kind"] == "numbers"


def test_a_colour_that_nobody_knows_is_a_sentence(map):
    send(map, verb="color", by="sid")
    assert map.error == (
        "Nothing to colour by is called 'sid'. Did you mean 'side'? Known: honesty, n, side"
    )
    assert map.color_by == "side"
    with pytest.raises(InvalidArgumentError, match="Did you mean 'side'"):
        map.recolor("sid")


def test_a_lasso_in_the_browser_is_the_selection_of_the_collection(map, points):
    put(map, [3, 1])
    assert points.selection.ids == ["p3", "p1"]
    assert map.selected_ids == ("p3", "p1")
    assert list(points.selection.df()["id"]) == ["p1", "p3"]
    put(map, [])
    assert points.selection.ids == []


def test_what_python_selects_is_sent_to_the_browser(map, points):
    points.selection.set(where={"side": "right"})
    rows = np.frombuffer(map.selected, dtype=np.uint32)
    assert rows.tolist() == list(range(HALF, 2 * HALF))


def test_a_selection_that_is_partly_off_the_map_stays_whole(points):
    left = points.snapshot(where={"side": "left"})
    map = Map(points, points.project("pca", where={"side": "left"}))
    assert map.count == len(left)
    points.selection.ids = ["p0", "p39"]
    assert np.frombuffer(map.selected, dtype=np.uint32).tolist() == [0]
    assert points.selection.ids == ["p0", "p39"]


def test_rows_that_do_not_exist_are_left_out(map, points):
    put(map, [1, 10_000])
    assert points.selection.ids == ["p1"]


def test_a_row_that_is_sent_twice_is_selected_once(map, points):
    put(map, [2, 1, 2])
    assert points.selection.ids == ["p2", "p1"]
    assert len(points.selection.df()) == 2


def test_an_entry_of_lists_selects_its_records_without_a_filter(points, vectors):
    points.update(ids=["p0", "p1"], metadatas=[{"tags": ["a", "b"]}] * 2)
    map = points.map(vectors, color="tags")
    send(map, verb="entry", entry=0)
    assert points.selection.ids == ["p0", "p1"]
    assert points.selection.where is None


def test_an_entry_of_the_legend_selects_its_records_with_the_filter(map, points):
    send(map, verb="entry", entry=1)
    assert len(points.selection) == HALF
    assert points.selection.where == {"side": "right"}
    send(map, verb="entry", entry=2)
    assert map.error == "The legend has 2 entries, not 3."


def test_a_search_lights_the_nearest_and_an_empty_one_ends_it(map, points):
    send(map, verb="search", text=" to the left ")
    assert map.query == "to the left"
    found = points.query(query_texts=["left"], n_results=2 * HALF)["ids"][0]
    assert [hit["id"] for hit in map.hits] == found
    assert {hit["row"] for hit in map.hits[:HALF]} == set(range(HALF))
    send(map, verb="search", text="")
    assert (map.query, map.hits) == ("", [])


def test_records_written_since_are_found_and_said_to_be_off_the_map(map, points):
    points.add(ids=["new"], embeddings=[[-1, 0]])
    assert map.search("left")[0] == {
        "row": -1, "id": "new", "text": "not on the map", "distance": 0.0,
    }  # fmt: skip


def test_a_click_shows_the_true_neighbours(map, points):
    send(map, verb="near", row=5)
    assert map.focus["id"] == "p5"
    assert len(map.focus["near"]) == 12
    assert "p5" not in [line["id"] for line in map.focus["near"]]
    send(map, verb="unfocus")
    assert map.focus == {}
    own = points.get(ids=["p5"], include=["embeddings"])["embeddings"]
    true = points.query(query_embeddings=own, n_results=13)["ids"][0]
    assert ["p5", *(line["id"] for line in map.neighbors_of("p5"))] == true


def test_cards_and_lines_come_by_request_as_plain_text(map, monkeypatch):
    card = ask(map, monkeypatch, verb="item", row=2)
    assert card == {
        "row": 2, "id": "p2", "text": f"{HOSTILE} 2", "metadata": [["side", "left"], ["n", "2"]],
    }  # fmt: skip
    rows = np.array([3, 1], dtype=np.uint32).tobytes()
    items = ask(map, monkeypatch, [memoryview(rows)], verb="items")["items"]
    assert [item["id"] for item in items] == ["p3", "p1"]


def test_another_text_can_be_shown(points, vectors, monkeypatch):
    map = points.map(vectors, text="side")
    assert ask(map, monkeypatch, verb="item", row=0)["text"] == "left"
    with pytest.raises(InvalidArgumentError, match="metadata key 'sid'"):
        points.map(vectors, text="sid")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"verb": "drop"},
            "No verb 'drop'. Verbs: color, entry, item, items, near, search, unfocus",
        ),
        ({"verb": "item", "row": 40}, "There is no point 40 among the 40."),
        ({"verb": "item", "row": -1}, "The row of 'item' is -1: it goes from 0 to 4,294,967,295"),
        ({"verb": "near", "row": True}, "The row of 'near' is a whole number, got True"),
        ({"verb": "near"}, "The verb 'near' takes ['row'], got []"),
        ({"verb": "items"}, "Items are asked for by one buffer of at most 200 rows."),
        ({"verb": "search", "text": 1}, "The text to search for is a str, got int"),
        (
            {"verb": "color", "by": "side", "sql": ""},
            "The verb 'color' takes ['by'], got ['by', 'sql']",
        ),
    ],
)
def test_a_request_that_is_not_understood_is_a_sentence_and_an_answer(
    map, monkeypatch, content, sentence
):
    assert ask(map, monkeypatch, **content) == sentence
    assert map.error == sentence
    assert not map.busy


def test_a_search_over_a_deleted_collection_is_its_sentence(map, client):
    client.delete_collection("points")
    send(map, verb="search", text="left")
    assert "it was deleted" in map.error
    with pytest.raises(NotFoundError):
        map.search("left")


def test_labels_lie_where_most_of_their_records_are_the_largest_first(points, vectors):
    map = points.map(vectors, labels="side")
    assert [label["text"] for label in map.labels] == ["left", "right"]
    assert [round(label["x"]) for label in map.labels] == [-1, 1]
    assert map.color_by == "side"
    heap = np.float32([[0, 0]] * 10 + [[1, 1]] * 4)
    (label,) = place_labels(["x"] * 14, heap)
    assert (label["x"], label["y"]) == (0, 0)  # not between the two
    with pytest.raises(InvalidArgumentError, match="1 names for 14 records"):
        place_labels(["x"], heap)


def test_clusters_are_named_and_colour_the_map(points, vectors):
    clusters = points.cluster(n_clusters=2)
    map = points.map(vectors, labels=clusters)
    assert len(map.labels) == 2
    assert map.color_by == "topic"
    map.recolor(clusters)
    assert (map.color_by, len(map.legend["entries"])) == ("cluster", 2)
    assert "topic" in map.color_choices


def test_many_clusters_have_eight_wide_areas_by_which_the_map_is_coloured(points, vectors):
    clusters = points.cluster(n_clusters=12)
    map = points.map(vectors, labels=clusters)
    assert [label["wide"] for label in map.labels] == [True] * 8 + [False] * 12
    assert len(map.legend["entries"]) == 8
    assert "others" not in str(map.legend["entries"])


def test_results_of_some_of_the_records_colour_those(points, vectors):
    left = points.outliers(where={"side": "left"})
    map = points.map(vectors, color=left, outliers=left)
    assert map.legend["entries"][-1] == {"label": "none", "count": HALF, "low": 64, "high": 64}
    assert map.color_by == "outlier score"
    with pytest.raises(InvalidArgumentError, match="none of its ids are on the map"):
        Map(points.snapshot(where={"side": "right"}), vectors[HALF:], color=left)


def test_duplicates_are_groups_of_rows_and_outliers_rows(client):
    made = client.create_collection("copies", embedding_function=None)
    made.add(
        ids=list("abcd"), embeddings=[[1, 0], [0, 1], [1, 0], [5, 5]],
        documents=["tea with milk", "chalk", "tea with milk", "river"],
    )  # fmt: skip
    map = made.map("pca", duplicates=made.dedupe(methods=["exact"]), color=None)
    assert np.frombuffer(map.groups, dtype=np.uint32).tolist() == [2, 0, 2]
    map.recolor(made.dedupe(methods=["exact"]))
    assert [entry["label"] for entry in map.legend["entries"]] == ["kept", "a copy"]


def test_honesty_is_the_share_of_true_neighbours_that_are_near_here(points, vectors):
    true = points.map(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    true.recolor("honesty")
    rng = np.random.default_rng(1)
    false = points.map(rng.normal(size=vectors.shape))
    assert true._layout.honesty().mean() > 2 * false._layout.honesty().mean()
    projection = points.project("pca")
    assert (Map(points, projection)._layout.honesty() == projection.recall15).all()


def test_an_update_moves_the_points_as_little_as_it_can_and_lists_what_moved_most(map, vectors):
    turned = vectors[:, ::-1] * [3, -3] + 7  # the same map, turned, mirrored and larger
    before = np.frombuffer(map.points, dtype=np.float32)
    map.update(turned)
    assert np.frombuffer(map.points, dtype=np.float32) == pytest.approx(before, abs=1e-4)
    assert all(line["distance"] < 1e-4 for line in map.moved)
    there = vectors.copy()
    there[7] += [2, 0]
    map.update(there)
    assert map.moved[0]["id"] == "p7"
    assert map.color_by == "side"


def test_labels_move_with_the_points(points, vectors):
    map = points.map(vectors, labels="side")
    mirrored = np.where(np.arange(2 * HALF)[:, None] < HALF, vectors + np.float32([0, 3]), vectors)
    before = map.labels
    map.update(mirrored)
    assert [label["text"] for label in map.labels] == ["left", "right"]
    assert map.labels != before


def test_an_update_that_cannot_be_used_leaves_the_map_as_it_is(map):
    before = map.points
    with pytest.raises(InvalidArgumentError, match=r"takes a projection, or \(40, 2\) numbers"):
        map.update([[0, 0]])
    assert map.points == before
    assert "(40, 2) numbers" in map.error


def test_arrays_and_snapshots_have_maps_too(vectors):
    map = Map(vectors, vectors)
    assert not map.can_search
    assert len(map.neighbors_of("3")) == 12
    send(map, verb="search", text="x")
    assert map.error == "Vectors alone cannot be searched by a text: map a collection."
    assert Map(Snapshot.of(vectors), "pca").status.startswith("40 records by pca; ")
    with pytest.raises(InvalidArgumentError, match="NaN"):
        Map(vectors, np.full((40, 2), np.nan))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_map_of_few_or_no_records(client, count):
    few = client.create_collection("few", embedding_function=None)
    if count:
        few.add(ids=list("ab")[:count], embeddings=[[1.0, 0.0], [0.0, 1.0]][:count])
    map = few.map(np.zeros((count, 2)) if count < 2 else "pca", color=None)
    assert map.count == count
    map.recolor("honesty")
    assert map.to_png().startswith(b"\x89PNG")


def test_numbers_dates_and_many_categories_have_legends_that_say_what_is_left_out():
    days = [(datetime.date(2020, 1, 1) + datetime.timedelta(n)).isoformat() for n in range(61)]
    dates = color_values(days, 61, "day")
    assert dates.kind == "dates"
    assert dates.entries[0]["label"].startswith("2020-01-01")
    assert sum(entry["count"] for entry in dates.entries) == 61
    numbers = color_values([*range(20), None, float("nan")], 22, "n")
    assert numbers.kind == "numbers"
    assert numbers.entries[-1] == {"label": "none", "count": 2, "low": 64, "high": 64}
    few = color_values([3, 1, 2, 1], 4, "n")
    assert [entry["label"] for entry in few.entries] == ["1", "2", "3"]
    many = color_values([chr(97 + n % 12) for n in range(24)], 24, "letter")
    assert many.entries[-1] == {"label": "4 others", "count": 8, "low": 8, "high": 8}
    assert many.palette[8] != many.palette[0]
    assert len(set(many.palette)) == len(many.palette)
    with pytest.raises(InvalidArgumentError, match="1 values to colour 2 records"):
        color_values([1], 2, "n")


def test_contours_close_around_where_points_lie(vectors):
    found = contours(vectors)
    assert [contour["level"] for contour in found] == sorted(contour["level"] for contour in found)
    outer = np.frombuffer(found[0]["lines"], dtype=np.float32).reshape(-1, 2, 2)
    ends, counts = np.unique(outer.reshape(-1, 2).round(4), axis=0, return_counts=True)
    assert len(ends) > 10
    assert (counts == 2).mean() > 0.9  # each piece goes on where another ends
    assert contours(vectors[:2]) == []


def test_the_picture_is_a_png_with_the_colours_of_the_points(map, tmp_path):
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


def test_a_saved_notebook_shows_picture_and_legend_with_texts_escaped(client, vectors):
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


def test_the_page_is_one_file_that_no_text_breaks_out_of(map, tmp_path):
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
def test_a_bridge_says_what_to_install(map, bridge, module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # where it is there, as beside the benchmarks
    with pytest.raises(MissingDependencyError, match=f"pip install {package}"):
        getattr(map, bridge)()


def test_what_a_bridge_gets_has_a_row_a_record(map):
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
