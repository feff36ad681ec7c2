"""A map follows what other cells and widgets write to its collection."""

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from chromalab_widgets import Map

HALF = 20  # points on each side


@pytest.fixture
def left(points):
    return [f"p{row}" for row in range(HALF)]


def entries(map):
    return {entry["label"]: entry["count"] for entry in map.legend["entries"]}


def test_what_was_deleted_leaves_the_map_and_comes_back_where_it_was(points, vectors, left):
    names, colors = ["area"] * HALF + ["other"] * HALF, [*range(2 * HALF)]
    map = points.map(vectors, labels=names, color=colors)
    before = dict(zip(points.get()["ids"], map._layout.coordinates.tolist(), strict=True))
    legend, labels = map.legend, {label["text"]: label for label in map.labels}
    points.delete(ids=left)
    map.refresh()
    assert (map.count, map.status) == (HALF, f"{HALF} records")
    assert [label["text"] for label in map.labels] == ["other"]
    points.undo()
    map.refresh()
    ids = map._layout.snapshot.ids
    assert dict(zip(ids, map._layout.coordinates.tolist(), strict=True)) == before
    assert (map.legend, {label["text"]: label for label in map.labels}) == (legend, labels)


def test_a_row_from_before_a_deletion_is_refused(map, points, left, ask):
    generation = map.generation
    points.delete(ids=left)
    map.refresh()
    problem = "The points have moved since. Try again."
    assert ask(map, verb="item", row=1, generation=generation) == problem


def test_colors_and_cards_are_those_of_now(map, points, ask):
    points.update(ids=["p0"], documents=["new"], metadatas=[{"side": "up"}])
    map.refresh()
    assert entries(map) == {"left": HALF - 1, "right": HALF, "up": 1}
    found = ask(map, verb="item", row=0, generation=map.generation)
    assert found["text"] == "new"


def test_records_that_are_new_or_changed_are_counted(map, points):
    points.add(ids=["q"], embeddings=[[0, 0]])
    points.update(ids=["p0", "p1"], embeddings=[[5, 5], [6, 6]])
    map.refresh()
    assert map.count == 2 * HALF
    assert map.status == "40 records; run the cell again to place 3 that are new or changed"
    map.update(np.zeros((2 * HALF + 1, 2)))
    assert map.status == "41 records"


def test_a_displayed_map_asks_for_what_a_cell_or_another_widget_wrote(points, vectors, send):
    shell = InteractiveShell.instance()
    try:
        shell.user_ns["points"] = points
        map, table = points.map(vectors), points.table()
        shell.run_cell("points.count()")
        assert not map.stale
        shell.run_cell("points.delete(ids=['p0'])")
        assert (map.stale, map.count) == (True, 2 * HALF)
        send(map, verb="refresh")
        assert (map.stale, map.count) == (False, 2 * HALF - 1)
        send(table, verb="delete", ids=["p1"])
        assert map.stale
        send(map, verb="refresh")
        assert map.count == 2 * HALF - 2
        map.close()
        table.close()
        callbacks = shell.events.callbacks["post_run_cell"]
        assert not [one for one in callbacks if "chromalab" in one.__module__]
    finally:
        InteractiveShell.clear_instance()


def test_a_closed_client_is_reported_after_the_next_write(map, client):
    client.close()
    map._after_write()
    assert "closed" in map.error


def test_a_map_of_numbers_or_of_a_snapshot_has_nothing_to_follow(points, vectors):
    for data in (vectors, points.snapshot()):
        map = Map(data, vectors)
        points.update(ids=["p0"], metadatas=[{"side": "up"}])
        map._after_write()
        assert not map.stale
