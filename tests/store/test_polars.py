"""Values of polars are read wherever those of pandas are."""

import datetime

import numpy as np
import pytest

polars = pytest.importorskip("polars", reason="polars is an optional library")

DAYS = [datetime.date(2024, 1, 1), None, datetime.date(2024, 3, 1), datetime.date(2024, 4, 1)]
IDS = polars.Series(["a", "b", "c", "d"])


@pytest.fixture
def table():
    return polars.DataFrame(
        {
            "id": IDS,
            "text": ["tea", "walk", "home", "rock"],
            "day": DAYS,
            "n": [1, None, 3, 4],
            "x": [0.5, float("nan"), 2.0, 3.0],
            "kind": polars.Series(["u", "v", None, "u"], dtype=polars.Categorical),
            "tags": [["p"], [], None, ["q", "r"]],
            "inner": [{"k": 1}, None, {"k": 3}, {"k": 4}],
        }
    )


def test_a_table_is_added(client, function, notes, table):
    assert notes.add_from(table, flatten=True).added == 4
    assert notes.get(IDS.head(2))["metadatas"] == [
        {"day": "2024-01-01", "n": 1, "x": 0.5, "kind": "u", "tags": ["p"], "inner.k": 1},
        {"kind": "v"},
    ]
    for name, data in (("lazy", table.lazy().drop("inner")), ("texts", table["text"])):
        assert client.create_collection(name, embedding_function=function).add_from(data).added == 4
    assert polars.from_pandas(notes.df())["day"].dt.date().to_list() == DAYS


def test_columns_are_read_in_every_call(client, table):
    points = client.create_collection("points", embedding_function=None)
    rows = polars.Series(np.eye(4, 2).tolist())
    points.add(IDS, rows, table.select("n", "day").to_dicts(), table["text"])
    fixed = polars.Series(np.eye(4, 2), dtype=polars.Array(polars.Float64, 2))
    points.upsert(IDS, fixed, table.select("kind"))
    assert points.get(where={"n": {"$in": table["n"]}})["ids"] == ["a", "c", "d"]
    assert points.get(where={"day": {"$gte": table["day"].max()}})["ids"] == ["d"]
    assert points.query(rows.head(2), n_results=1)["ids"] == [["a"], ["b"]]
    assert points.query(polars.DataFrame({"x": [1.0], "y": [0.0]}), n_results=1)["ids"] == [["a"]]
    points.selection.ids = IDS.tail(2)
    assert points.selection.ids == ["c", "d"]
    assert points.label_queue("kind", choices=polars.Series(["u", "v"])).classes == ("u", "v")
    labels = polars.Series(["x", None, "y", "x"])
    assert points.label_queue(labels).labeled == 3
    points.delete(IDS.head(2))
    assert points.get()["ids"] == ["c", "d"]
