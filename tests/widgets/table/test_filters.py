"""Filters and orders, set in the header of the table or from Python, and the counts of columns."""

import numpy as np
import pytest

from chromalab.errors import InvalidArgumentError
from chromalab_widgets.core.summary import BINS


def test_a_column_filter_writes_the_where_and_its_text(browser):
    browser.send("range", column="year", low=2000, high=2020, closed=True)
    table = browser.table
    assert table.where == {"$and": [{"year": {"$gte": 2000}}, {"year": {"$lte": 2020}}]}
    assert table.where_text == "year >= 2000 and year <= 2020"
    assert browser.ids() == ["a", "c"]
    assert table.status == "2 of 4 records"
    browser.send("pick", column="kind", tokens=['"chalk"'])
    assert table.where_text == 'year >= 2000 and year <= 2020 and kind = "chalk"'
    assert table.conditions["year"] == {
        "text": "year >= 2000 and year <= 2020", "low": 2000, "high": 2020, "tokens": [],
    }  # fmt: skip
    assert browser.ids() == []
    browser.send("range", column="year", low=None, high=None, closed=True)
    assert table.where == {"kind": "chalk"}
    browser.send("pick", column="kind", tokens=[])
    assert (table.where, table.where_text, table.total) == (None, "", 4)


def test_a_value_of_a_list_column_filters_the_lists_that_contain_it(browser):
    browser.send("pick", column="tags", tokens=['"x"'])
    assert browser.table.where == {"tags": {"$contains": "x"}}
    assert browser.ids() == ["a"]
    browser.send("pick", column="tags", tokens=['"x"', '"y"'])
    assert browser.ids() == ["a", "c"]
    assert browser.table.conditions["tags"]["tokens"] == ['"x"', '"y"']


def test_a_filter_from_python_is_kept_along_with_those_of_the_columns(browser):
    mixed = {"$or": [{"year": 1999}, {"kind": "tea"}]}
    browser.table.where = mixed
    browser.send("pick", column="hot", tokens=["true"])
    assert browser.table.where == {"$and": [mixed, {"hot": True}]}
    assert browser.table.where_text == '(year = 1999 or kind = "tea") and hot = true'
    browser.send("clear")
    assert browser.table.where is None


def test_documents_are_searched_and_the_engine_sorts(browser):
    browser.send("search", text="tea")
    browser.send("sort", column="year", direction="down")
    assert browser.ids() == ["c", "a"]
    assert browser.table.contains == "tea"
    assert browser.table.order_by == "-year"
    assert browser.table.status == "2 of 4 records, by year, descending"
    browser.send("sort", column="year", direction="none")
    assert browser.ids() == ["a", "c"]


def test_options_set_from_python_are_validated(notes):
    table = notes.table()
    with pytest.raises(InvalidArgumentError, match="'yaer'"):
        table.order_by = "yaer"
    with pytest.raises(InvalidArgumentError):
        table.where = {"$bad": 1}
    with pytest.raises(InvalidArgumentError, match="Did you mean 'year'"):
        notes.table(order_by="yeer")
    for wrong in ("year", object(), [7]):
        with pytest.raises(InvalidArgumentError, match="show must be"):
            notes.table(show=wrong)
    assert (table.where, table.order_by, table.total) == (None, "", 4)


def test_a_refused_value_is_reported_in_the_widget_and_leaves_the_trait_unchanged(notes):
    table = notes.table(where={"kind": "tea"})
    for trait, value in [("where", {"$bad": 1}), ("order_by", "yaer")]:
        with pytest.raises(InvalidArgumentError) as refused:
            setattr(table, trait, value)
        assert table.error == str(refused.value) != ""
    with pytest.raises(InvalidArgumentError), table.hold_trait_notifications():  # as a comm does
        table.where, table.order_by = {"$bad": 1}, "year"
    assert (table.where, table.order_by, table.total) == ({"kind": "tea"}, "", 2)
    assert table.ids() == ["a", "c"]
    table.order_by = "-year"
    assert (table.error, table.ids()) == ("", ["c", "a"])


def test_a_field_that_starts_with_a_minus_is_sorted_in_descending_order_only(client, browse):
    scores = client.create_collection("scores", embedding_function=None)
    scores.add(
        ids=["a", "b", "c"],
        embeddings=[[0], [1], [2]],
        metadatas=[{"-x": 1, "year": 3, "-year": 1}, {"-x": 3}, {"-x": 2}],
    )
    sentence = (
        "A '-' before a field means descending order, so '-x' can only be sorted in descending order. "
        "Use order_by='--x'."
    )
    with pytest.raises(InvalidArgumentError) as refused:
        scores.table(order_by="-x")
    assert str(refused.value) == sentence
    browser = browse(scores.table())
    assert browser.ask("sort", column="-x", direction="up") == sentence
    assert "'-year'" in browser.ask("sort", column="-year", direction="up")  # not by "year"
    browser.send("sort", column="-x", direction="down")
    assert (browser.table.error, browser.table.order_by) == ("", "--x")
    assert browser.ids() == ["b", "c", "a"]
    assert browser.table.status == "3 records, by -x, descending"
    browser.table.order_by = "-year"
    assert browser.table.status == "3 records, by year, descending"


def test_a_table_can_be_set_read_and_converted_to_a_data_frame_in_python(notes):
    table = notes.table(where={"kind": "tea"}, order_by="-year", contains="tea")
    assert table.ids() == ["c", "a"]
    assert table.df()["year"].tolist() == [2020, 2001]
    table.order_by = "#id"
    assert table.df()["id"].tolist() == ["a", "c"]
    assert repr(table) == "Table('notes', 2 of 4 records, by id, ascending)"


def test_numbers_are_counted_in_bins_and_strings_by_value(browse, client):
    many = client.create_collection("many", embedding_function=None)
    values = np.random.default_rng(0).normal(size=2_000)
    many.add(
        ids=[str(i) for i in range(2_000)],
        embeddings=np.zeros((2_000, 1)),
        metadatas=[
            {"score": float(value), "whole": i % 100, "kind": f"k{min(i % 40, 20)}", "stars": i % 5}
            for i, value in enumerate(values)
        ],
    )
    browser = browse(many.table())
    score = browser.ask("summary", column="score")
    assert score["kind"] == "numbers"
    assert score["counts"] == np.histogram(values, bins=BINS)[0].tolist()
    whole = browser.ask("summary", column="whole")
    assert whole["edges"] == [float(edge) for edge in range(0, 101, 5)]
    assert whole["counts"] == [100] * 20
    kind = browser.ask("summary", column="kind")
    assert kind["values"][0] == {"token": '"k20"', "label": "k20", "count": 1000}
    assert (len(kind["values"]), kind["distinct"], kind["others"]) == (12, 21, 450)
    stars = browser.ask("summary", column="stars")
    assert [value["token"] for value in stars["values"]] == ["0", "1", "2", "3", "4"]
    browser.send("pick", column="stars", tokens=["0"])
    assert sum(browser.ask("summary", column="whole")["counts"]) == 400
    assert len(browser.ask("summary", column="stars")["values"]) == 5  # apart from its own filter


def test_dates_are_counted_by_day_and_filtered_by_range(browse, client):
    days = client.create_collection("days", embedding_function=None)
    dates = [f"2024-01-{day:02}" for day in range(1, 32)] + ["2024-01-31T23:30:00", "2024-02-01"]
    days.add(
        ids=[str(row) for row in range(33)],
        embeddings=np.zeros((33, 1)),
        metadatas=[{"day": day} for day in dates],
    )
    browser = browse(days.table(order_by="-day"))
    found = browser.ask("summary", column="day")
    assert (found["kind"], found["edges"][0], found["edges"][1]) == (
        "dates",
        "2024-01-01",
        "2024-01-03",
    )
    assert sum(found["counts"]) == 33
    browser.send("range", column="day", low="2024-01-30", high="2024-01-31", closed=True)
    assert browser.ids() == ["31", "30", "29"]
    condition = browser.table.conditions["day"]
    assert (condition["low"], condition["high"]) == ("2024-01-30", "2024-01-31")
    problem = browser.ask("range", column="day", low="soon", high=None, closed=True)
    assert (
        problem == "The low of 'range' must be a number, or a date such as 2024-06-30; got 'soon'."
    )


def test_columns_are_counted_again_after_a_filter_but_not_after_a_click(browser, notes):
    browser.ids()
    generation, stamp = browser.table.generation, browser.table.stamp
    browser.select(0)
    assert browser.table.generation == generation
    assert browser.table.stamp > stamp
    browser.send("pick", column="kind", tokens=['"tea"'])
    assert browser.table.generation == generation + 1
