"""Dates in filters: ISO texts and date objects compare in time, by column and record by record."""

import datetime

import numpy as np
import pandas
import pyarrow
import pytest

from chromalab.arguments.where_text import format_where, parse_where_text
from chromalab.engine.filter.dates import instant_of, read_instant

EASTERN = datetime.timezone(datetime.timedelta(hours=2))
DAYS = [
    "2020-01-05",
    "2021-01-05T12:00:00",
    "2022-01-05T00:00:00+02:00",  # before the 5th in UTC
    "tea",
    2023,
    None,
    "2022-01-05",
]


@pytest.fixture
def days(client):
    days = client.create_collection("days", embedding_function=None)
    ids = [str(row) for row in range(len(DAYS))]
    metadatas = [{"day": day, "days": ["2020-01-05", "tea"]} for day in DAYS]
    days.add(ids=ids, embeddings=np.eye(len(DAYS)), metadatas=metadatas)
    return days


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"$gte": "2021-01-01"}, "126"),
        ({"$gte": "2021-01"}, "126"),
        ({"$gt": datetime.date(2021, 1, 5)}, "126"),
        ({"$gt": datetime.datetime(2021, 1, 5, 12)}, "26"),
        ({"$gt": np.datetime64("2021-01-05T11:59:59.999999999")}, "126"),
        ({"$lt": pandas.Timestamp("2022-01-05", tz="UTC")}, "012"),
        ({"$lte": "2022-01-04T22:00:00Z"}, "012"),
        ({"$lt": "2022-01-04 22:00"}, "01"),
        ({"$lt": datetime.datetime(2022, 1, 5, tzinfo=EASTERN)}, "01"),
        ({"$eq": "2020-01-05"}, "0"),
        ({"$eq": pandas.Timestamp("2020-01-05")}, "0"),
        ({"$ne": datetime.date(2020, 1, 5)}, "123456"),
        ({"$in": [datetime.date(2020, 1, 5), datetime.datetime(2022, 1, 5, tzinfo=EASTERN)]}, "02"),
        ({"$in": pandas.Series([datetime.datetime(2020, 1, 5), pandas.NaT])}, "0"),
        ({"$nin": pyarrow.array([datetime.date(2020, 1, 5)])}, "123456"),
        ({"$gt": 2000}, "4"),
    ],
)
def test_dates_compare_in_time(days, condition, expected):
    everything = [str(row) for row in range(len(DAYS))]
    assert days.get(where={"day": condition})["ids"] == list(expected)
    assert days.get(ids=everything, where={"day": condition})["ids"] == list(expected)
    assert days.count(where={"day": condition}) == len(expected)


def test_a_list_of_dates_contains_a_date(days):
    assert days.count(where={"days": {"$contains": datetime.date(2020, 1, 5)}}) == len(DAYS)
    assert days.count(where={"days": {"$not_contains": pandas.Timestamp("2020-01-05")}}) == 0
    ids = [str(row) for row in range(len(DAYS))]
    where = {"days": {"$contains": datetime.date(2020, 1, 5)}}
    assert days.get(ids=ids, where=where)["ids"] == ids


def test_dates_that_are_written_later_are_found(days):
    assert days.count(where={"day": {"$gt": "2024-01-01"}}) == 0
    day = datetime.date(2024, 6, 1)
    days.add(ids=["new"], embeddings=[[1] * len(DAYS)], metadatas=[{"day": day}])
    assert days.get(where={"day": {"$gt": "2024-01-01"}})["metadatas"] == [{"day": "2024-06-01"}]


def test_a_column_of_dates_is_ordered_in_time_across_time_zones(client):
    times = client.create_collection("times", embedding_function=None)
    texts = [
        "2022-01-01T01:00:00+02:00",
        "2022-01-01T00:00:00Z",
        "2021-12-31T23:30:00",
        "2022-01-01",
    ]
    metadatas = [{"at": text} for text in texts]
    times.add(ids=list("abcd"), embeddings=np.eye(4), metadatas=metadatas)
    assert times.get(order_by="at")["ids"] == list("acbd")
    assert times.get(order_by="-at")["ids"] == list("bdca")


def test_typed_conditions_compare_dates(days):
    for text in ("day >= '2021-01-01'", "day >= :since"):
        where = parse_where_text(text, lambda name: np.datetime64("2021-01-01", "ns"))
        assert days.get(where=where)["ids"] == ["1", "2", "6"]
    since = {"day": {"$gt": datetime.date(2021, 1, 1)}}
    assert format_where(since) == 'day > "2021-01-01"'


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-06-01", "2024-06-01T00:00:00Z"),
        ("2024-06", "2024-06-01"),
        ("2024-06-01 12:00", "2024-06-01T12:00:00.000"),
        ("2024-06-01T12:00+0530", "2024-06-01T06:30Z"),
        ("2024-06-01T00:00-08", "2024-06-01T08:00"),
        ("2024-06-01T00:00:00,5", "2024-06-01T00:00:00.500000000"),
        ("0001-01-01", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999999", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_forms_of_one_instant_are_equal(text, same):
    assert read_instant(text) == read_instant(same) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "20240601",
        "2024-13",
        "2024-02-30",
        "2024-06-01T25:00",
        "2024-06-01T12",
        "2024-W01",
        "2024-06-01T12:00+25:00",
        "2024-06-01x",
        "x2024-06-01",
        "0000-01-01",
        "12:00",
    ],
)
def test_other_texts_are_no_dates(text):
    assert read_instant(text) is None


def test_nanoseconds_are_told_apart():
    early, late = (np.datetime64(f"2024-06-01T00:00:00.00000000{n}") for n in (1, 2))
    assert instant_of(early) < instant_of(late)
    assert instant_of(pandas.Timestamp(late)) == instant_of(late)
