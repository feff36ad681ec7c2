"""What the map draws: coordinates, colors, labels and contours, and how they move."""

import datetime
from decimal import Decimal

import numpy as np
import pandas
import pyarrow
import pytest

from chromalab.errors import InvalidArgumentError
from chromalab.snapshot import Snapshot
from chromalab_widgets import Map
from chromalab_widgets.map.colors import color_values
from chromalab_widgets.map.density import contours
from chromalab_widgets.map.labels import place_labels

HALF = 20  # points on each side


def test_coordinates_are_columns_of_float32_at_a_common_scale(map, vectors):
    x, y = np.frombuffer(map.points, dtype=np.float32).reshape(2, -1)
    assert (x.min(), x.max()) == pytest.approx((-1, 1))
    ratio = np.ptp(vectors[:, 1]) / np.ptp(vectors[:, 0])
    assert np.ptp(y) / np.ptp(x) == pytest.approx(ratio, rel=1e-5)
    assert map.count == 2 * HALF


def test_colors_are_codes_with_a_legend(map):
    codes = np.frombuffer(map.codes, dtype=np.uint8)
    assert codes.tolist() == [0] * HALF + [1] * HALF
    assert [(entry["label"], entry["count"]) for entry in map.legend["entries"]] == [
        ("left", HALF), ("right", HALF),
    ]  # fmt: skip
    assert (map.color_by, map.legend["kind"]) == ("side", "categories")
    assert map.color_choices == ["n", "side", "neighbor_recall"]


def test_recoloring_sends_codes_but_no_coordinates(map, monkeypatch, send):
    sent = []

    def note(data, **_):
        sent.append({*data["state"], *(path[0] for path in data["buffer_paths"])})

    monkeypatch.setattr(map.comm, "send", note)
    send(map, verb="color", by="n")
    assert set().union(*sent) == {"busy", "codes", "legend", "color_by"}
    assert map.legend["kind"] == "numbers"


def test_an_unknown_color_is_an_error(map, send):
    send(map, verb="color", by="sid")
    assert map.error == (
        "No field or result 'sid' to color by. Did you mean 'side'? Known: n, neighbor_recall, side."
    )
    assert map.color_by == "side"
    with pytest.raises(InvalidArgumentError, match="Did you mean 'side'"):
        map.recolor("sid")


def test_labels_are_placed_where_most_of_their_records_are_largest_first(points, vectors):
    map = points.map(vectors, labels="side")
    assert [label["text"] for label in map.labels] == ["left", "right"]
    assert [round(label["x"]) for label in map.labels] == [-1, 1]
    assert map.color_by == "side"
    heap = np.float32([[0, 0]] * 10 + [[1, 1]] * 4)
    (label,) = place_labels(["x"] * 14, heap)
    assert (label["x"], label["y"]) == (0, 0)  # not between the two
    with pytest.raises(InvalidArgumentError, match="got 1 names for 14 records"):
        place_labels(["x"], heap)


def test_clusters_are_named_and_color_the_map(points, vectors):
    clusters = points.cluster(n_clusters=2)
    map = points.map(vectors, labels=clusters)
    assert len(map.labels) == 2
    assert map.color_by == "topic"
    map.recolor(clusters)
    assert (map.color_by, len(map.legend["entries"])) == ("cluster", 2)
    assert "topic" in map.color_choices


def test_many_clusters_are_merged_into_wide_areas_that_color_the_map(points, vectors):
    clusters = points.cluster(n_clusters=24)
    map = points.map(vectors, labels=clusters)
    assert [label["wide"] for label in map.labels] == [True] * 10 + [False] * 24
    assert len(map.legend["entries"]) == 10
    assert "others" not in str(map.legend["entries"])


def test_a_result_of_some_records_colors_only_those(points, vectors):
    left = points.outliers(where={"side": "left"})
    map = points.map(vectors, color=left, outliers=left)
    assert map.legend["entries"][-1] == {"label": "none", "count": HALF, "low": 64, "high": 64}
    assert map.color_by == "outlier score"
    with pytest.raises(InvalidArgumentError, match="None of its ids are on the map"):
        Map(points.snapshot(where={"side": "right"}), vectors[HALF:], color=left)


def test_duplicates_are_sent_as_groups_of_rows_and_outliers_as_rows(client):
    made = client.create_collection("copies", embedding_function=None)
    made.add(
        ids=list("abcd"), embeddings=[[1, 0], [0, 1], [1, 0], [5, 5]],
        documents=["tea with milk", "chalk", "tea with milk", "river"],
    )  # fmt: skip
    map = made.map("pca", duplicates=made.dedupe(methods=["exact"]), color=None)
    assert np.frombuffer(map.groups, dtype=np.uint32).tolist() == [2, 0, 2]
    map.recolor(made.dedupe(methods=["exact"]))
    assert [entry["label"] for entry in map.legend["entries"]] == ["representative", "duplicate"]


def test_other_objects_in_place_of_duplicates_and_outliers_are_errors(points, vectors):
    for option in ("duplicates", "outliers"):
        for wrong in (object(), "text", [1]):
            with pytest.raises(InvalidArgumentError, match=f"{option} must be a result of"):
                points.map(vectors, **{option: wrong})


def test_neighbor_recall_is_the_share_of_true_neighbors_that_are_near_on_the_map(points, vectors):
    true = points.map(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    true.recolor("neighbor_recall")
    rng = np.random.default_rng(1)
    false = points.map(rng.normal(size=vectors.shape))
    assert true._layout.neighbor_recall().mean() > 2 * false._layout.neighbor_recall().mean()
    projection = points.project("pca")
    assert (Map(points, projection)._layout.neighbor_recall() == projection.neighbor_recalls).all()


def test_an_update_moves_the_points_as_little_as_it_can_and_lists_what_moved_most(map, vectors):
    rotated = vectors[:, ::-1] * [3, -3] + 7  # the same map, rotated, mirrored and enlarged
    before = np.frombuffer(map.points, dtype=np.float32)
    map.update(rotated)
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


def test_an_invalid_update_leaves_the_map_unchanged(map):
    before = map.points
    with pytest.raises(
        InvalidArgumentError,
        match=r"must be a Projection, the name of a method, or \(40, 2\) numbers",
    ):
        map.update([[0, 0]])
    assert map.points == before
    assert "(40, 2) numbers" in map.error


def test_arrays_and_snapshots_have_maps_too(vectors, send):
    map = Map(vectors, vectors)
    assert not map.can_search
    assert len(map.neighbors_of("3")) == 12
    send(map, verb="search", text="x")
    assert map.error == "Bare vectors cannot be searched by text. Map a collection instead."
    assert Map(Snapshot.of(vectors), "pca").status.startswith(
        "PCA of 40 records, neighbor recall@15 ."
    )
    with pytest.raises(InvalidArgumentError, match="NaN"):
        Map(vectors, np.full((40, 2), np.nan))


def test_a_map_of_no_records_says_what_to_do(client):
    none = client.create_collection("none", embedding_function=None)
    assert none.map().status == "No records yet; after adding some, run the cell again"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_map_of_few_or_no_records(client, count):
    few = client.create_collection("few", embedding_function=None)
    if count:
        few.add(ids=list("ab")[:count], embeddings=[[1.0, 0.0], [0.0, 1.0]][:count])
    map = few.map(np.zeros((count, 2)) if count < 2 else "pca", color=None)
    assert map.count == count
    map.recolor("neighbor_recall")
    assert map.to_png().startswith(b"\x89PNG")


def test_numbers_dates_and_many_categories_have_complete_legends():
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
    assert many.entries[-1] == {"label": "l", "count": 2, "low": 11, "high": 11}
    assert len(set(many.palette)) == len(many.palette)
    with pytest.raises(InvalidArgumentError, match="got 1 values for 2 records"):
        color_values([1], 2, "n")


def test_contours_close_around_the_points(vectors):
    found = contours(vectors)
    assert [contour["level"] for contour in found] == sorted(contour["level"] for contour in found)
    outer = np.frombuffer(found[0]["lines"], dtype=np.float32).reshape(-1, 2, 2)
    ends, counts = np.unique(outer.reshape(-1, 2).round(4), axis=0, return_counts=True)
    assert len(ends) > 10
    assert (counts == 2).mean() > 0.9  # each segment starts where another ends
    assert contours(vectors[:2]) == []


def legend(values):
    """The kind of the legend, and the number of records of each entry."""
    coloring = color_values(values, len(values), "values")
    return coloring.kind, {entry["label"]: entry["count"] for entry in coloring.entries}


NOT_A_TIME = np.datetime64("NaT")


@pytest.mark.parametrize(
    ("values", "kind", "entries"),
    [
        (["tea", None, float("nan"), ""], "categories", {"tea": 1, "none": 3}),
        (pandas.Series(["tea", None, "rye"]), "categories", {"rye": 1, "tea": 1, "none": 1}),
        (np.array([0.0, 1.0, np.nan, np.nan]), "categories", {"0": 1, "1": 1, "none": 2}),
        (pandas.array([True, None, False]), "categories", {"False": 1, "True": 1, "none": 1}),
        (pandas.Categorical(["tea", None]), "categories", {"tea": 1, "none": 1}),
        ([None, pandas.NaT, pandas.NA, NOT_A_TIME], "categories", {"none": 4}),
        (["tea", " ", Decimal("sNaN"), pyarrow.scalar(None)], "categories", {"tea": 1, "none": 3}),
        ([["tea", "rye"], ["tea"], None], "categories", {"tea": 1, "tea, rye": 1, "none": 1}),
        ([True, 1, 1.0, False], "categories", {"1": 2, "False": 1, "True": 1}),
        (
            ["2024-01-01 or so", "2024-01-02"],
            "categories",
            {"2024-01-01 or so": 1, "2024-01-02": 1},
        ),
    ],
)
def test_missing_values_of_any_kind_are_one_entry(values, kind, entries):
    assert legend(values) == (kind, entries)


def test_whole_numbers_with_gaps_keep_their_scale():
    kind, entries = legend(pandas.array([*range(20), None], dtype="Int64"))
    assert (kind, len(entries), entries["none"]) == ("numbers", 7, 1)


@pytest.mark.parametrize("unit", ["ns", "us", "s", "D"])
def test_times_of_every_unit_are_dates_and_gaps_in_them_are_missing(unit):
    days = np.datetime64("2024-01-01") + np.arange(40).astype("timedelta64[D]")
    days = days.astype(f"datetime64[{unit}]")
    days[3] = NOT_A_TIME
    for given in (days, pandas.Series(days), list(days), pandas.Series(days).dt.tz_localize("UTC")):
        kind, entries = legend(given)
        assert (kind, entries["none"], sum(entries.values())) == ("dates", 1, 40)
        assert next(iter(entries)).startswith("2024-01-01 – ")  # noqa: RUF001


def test_times_within_a_few_days_are_told_apart():
    start = pandas.Timestamp("2024-01-01 08:00")
    kind, entries = legend([start + pandas.Timedelta(n, "min") for n in range(61)])
    assert kind == "dates"
    assert next(iter(entries)) == "2024-01-01 08:00 – 2024-01-01 08:10"  # noqa: RUF001


def test_skewed_numbers_have_a_scale_that_tells_them_apart():
    rng = np.random.default_rng(0)
    skewed = np.exp(rng.normal(size=1000) * 3)
    with_zeros = np.where(np.arange(1000) % 3 == 0, 0.0, skewed)
    mostly_zero = np.where(np.arange(1000) < 950, 0.0, skewed)
    for values in (skewed, with_zeros):
        counts = list(legend(values)[1].values())
        assert sum(counts) == 1000
        assert max(counts) < 600
    assert sum(legend(mostly_zero)[1].values()) == 1000
    even = legend(np.arange(1000.0) + 0.5)
    assert set(even[1].values()) == {166, 167}


def test_any_number_of_categories_has_colors_which_depend_on_where_they_are():
    middles = np.random.default_rng(0).uniform(-1, 1, size=(119, 2))
    coordinates = np.repeat(middles, 3, axis=0).astype(np.float32)
    names = [f"topic {row // 3}" for row in range(len(coordinates))]
    colors = {}
    coloring = color_values(names, 357, "topic", coordinates=coordinates, colors=colors)
    assert len(coloring.entries) == len(set(coloring.palette[:-1])) == 119
    again = color_values(names, 357, "topic", coordinates=-coordinates, colors=colors)
    assert again.palette == coloring.palette  # categories keep their colors when the points move
    many = color_values([str(row) for row in range(357)], 357, "id", coordinates=coordinates)
    assert len(many.palette) <= 256
    assert many.entries[-1]["label"] == "157 others"
    assert many.entries[-1]["high"] > many.entries[-1]["low"]


def test_missing_names_are_not_written_on_the_map(points, vectors):
    names = pandas.Series(["tea"] * 20 + [None, float("nan"), "", pandas.NA] * 5)
    assert [label["text"] for label in points.map(vectors, labels=names).labels] == ["tea"]
    noise = np.repeat([0, -1], HALF)
    assert [label["text"] for label in points.map(vectors, labels=noise).labels] == ["0"]


def test_dates_with_time_zones_are_placed_as_filters_compare_them():
    days = [f"2024-01-{day:02}T23:00:00-05:00" for day in range(1, 21)]
    for given in (days, pandas.to_datetime(pandas.Series(days))):
        kind, entries = legend(given)
        assert (kind, sum(entries.values())) == ("dates", 20)
        assert next(iter(entries)).startswith("2024-01-02 – ")  # noqa: RUF001


def test_colors_with_ids_belong_to_the_records_with_these_ids(points, vectors):
    sides = pandas.Series(["left"] * HALF + ["right"] * HALF, index=points.get()["ids"])
    expected = points.map(vectors, color="side").codes
    shuffled = sides.sample(frac=1, random_state=0)
    for color in (sides, shuffled, shuffled.to_dict()):
        assert points.map(vectors, color=color).codes == expected
        assert len(points.map(vectors, labels=color).labels) == 2


@pytest.mark.parametrize("option", ["color", "labels"])
def test_given_values_stay_with_their_records_after_a_deletion(points, vectors, option):
    names = ["first", *["other"] * (2 * HALF - 1)]
    map = points.map(vectors, **{option: names})
    points.delete(ids=["p1"])
    map._records_written()
    entries = {entry["label"]: entry["count"] for entry in map.legend["entries"]}
    assert entries == {"first": 1, "other": 2 * HALF - 2}
    map.update(vectors[np.arange(2 * HALF) != 1])
    assert {entry["label"]: entry["count"] for entry in map.legend["entries"]} == entries
