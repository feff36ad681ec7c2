"""Each wrong argument is one clear sentence of the right type, and nothing is written."""

import pickle

import numpy as np
import pytest

from chromalab import errors


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1, 2]])
    return points


@pytest.mark.parametrize(
    ("record", "builtin", "said"),
    [
        ({"ids": ["x"], "embeddings": [[1, 2, 3]]}, ValueError, "Embeddings of collection 'points' must have 2 dimensions; got 3"),
        ({"ids": ["x", "y"], "embeddings": [[1, 2], [np.nan, 1]]}, ValueError, "embeddings[1] holds NaN or infinity"),
        ({"ids": ["x"], "embeddings": [[1, np.inf]]}, ValueError, "embeddings[0] holds NaN or infinity"),
        ({"ids": ["x"], "embeddings": [[1, 1e39]]}, ValueError, "NaN or infinity"),
        ({"ids": ["x", "y", "x"], "embeddings": [[1, 2]] * 3}, ValueError, "1 ids stand more than once in this call: 'x'"),
        ({"ids": ["x", "y"], "embeddings": [[1, 2]]}, ValueError, "embeddings has 1 values for 2 ids"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "documents": ["p", "q"]}, ValueError, "documents has 2 values for 1 ids"),
        ({"ids": [], "embeddings": []}, ValueError, "ids is empty"),
        ({"ids": [""], "embeddings": [[1, 2]]}, ValueError, "ids[0] is ''"),
        ({"ids": ["a\0b"], "embeddings": [[1, 2]]}, ValueError, "NUL"),
        ({"ids": ["\ud800"], "embeddings": [[1, 2]]}, ValueError, "not valid Unicode"),
        ({"ids": ["x", 7], "embeddings": [[1, 2]] * 2}, ValueError, "ids[1] is 7, of type int; an id is a string"),
        ({"ids": 7, "embeddings": [[1, 2]]}, ValueError, "ids is a list of strings; found 7"),
        ({"ids": ["x"]}, ValueError, "Give embeddings, or documents"),
        ({"ids": ["x"], "documents": ["text"]}, ValueError, "has no embedding function"),
        ({"ids": ["x"], "embeddings": [["1", "2"]]}, ValueError, "rows of numbers"),
        ({"ids": ["x"], "embeddings": [[]]}, ValueError, "embeddings is empty"),
        ({"ids": ["x"], "embeddings": "ab"}, ValueError, "rows of numbers"),
        ({"ids": ["x", "y"], "embeddings": [[1], [1, 2]]}, ValueError, "rows of different lengths: 1, 2"),
        ({"ids": ["x", "y"], "embeddings": [[1, [2]], [3, 4]]}, ValueError, "embeddings has rows within rows."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": float("nan")}]}, ValueError, "metadatas[0]['a'] is nan"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": 2**63}]}, ValueError, "at most 64 bits"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": 10**5000}]}, ValueError, "<a whole number of 16,610 bits>"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": np.timedelta64(1, "ns")}]}, ValueError, "of type timedelta64"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{2: "a"}]}, TypeError, "keys are strings"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": object}]}, ValueError, "a value is a str, int"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "documents": [b"bytes"]}, ValueError, "documents[0] is b'bytes'"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "images": [1]}, ValueError, "Images"),
        ({"ids": [str(n) for n in range(5462)], "embeddings": np.zeros((5462, 2))}, ValueError, "collection.add_from"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["add", "upsert"])
def test_a_record_that_cannot_be_stored(points, call, record, builtin, said):
    with pytest.raises(builtin) as caught:
        getattr(points, call)(**record)
    assert isinstance(caught.value, errors.ChromalabError)
    assert said in str(caught.value)
    assert points.get(include=["embeddings"])["embeddings"].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"year": {"$gte": "2020"}}, "The value of $gte on 'year' must be a number; got '2020'"),
        ({"year": {"$gt": 1, "$lt": 3}}, "exactly one operator"),
        ({"year": {"$gtt": 1}}, "Did you mean '$gt'?"),
        ({"$adn": [{"a": 1}, {"b": 1}]}, "Did you mean '$and'?"),
        ({"a": 1, "b": 2}, 'Join several conditions with {"$and": [...]}'),
        ({"$and": [{"a": 1}]}, "at least two clauses"),
    ],
)
def test_a_where_that_cannot_be_read(points, where, said):
    for call in (
        points.get,
        points.delete,
        lambda **given: points.query(query_embeddings=[[1, 2]], **given),
    ):
        with pytest.raises(errors.InvalidArgumentError) as caught:
            call(where=where)
        assert said in str(caught.value)
    assert points.count() == 1


def test_a_pattern_cannot_run_away(points):
    points.update(ids=["a"], documents=["a" * 5000 + "!"], embeddings=[[1, 2]])
    assert points.get(where_document={"$regex": "(a+)+$"})["ids"] == []
    with pytest.raises(errors.InvalidArgumentError, match="RE2 cannot compile"):
        points.get(where_document={"$regex": r"(a)\1"})


def test_an_unknown_collection_is_answered_with_the_near_names(client):
    client.create_collection("papers", embedding_function=None)
    for call in (client.get_collection, client.delete_collection):
        with pytest.raises(errors.NotFoundError) as caught:
            call("paper")
        assert isinstance(caught.value, KeyError)
        assert str(caught.value) == (
            "No collection 'paper'. Did you mean 'papers'? Collections: papers"
        )


def test_text_in_names_and_values_is_data_not_sql(client):
    points = client.create_collection("points", embedding_function=None)
    evil = "x'); DROP TABLE records; --"
    points.add(ids=[evil], embeddings=[[1]], documents=[evil], metadatas=[{evil: evil}])
    assert points.get(ids=[evil], where={evil: evil})["documents"] == [evil]
    assert points.get(where_document={"$contains": evil})["ids"] == [evil]
    assert points.delete(where={evil: evil}) == {"deleted": 1}


def test_an_error_is_one_line_in_ipython():
    (line,) = errors.NotFoundError("no such\nthing \x1b[2J")._render_traceback_()
    assert line == "\x1b[31mNotFoundError\x1b[0m: no such thing  [2J"


def test_a_message_cannot_act_on_the_terminal_and_its_args_stay_as_they_were():
    raw = "no such\nthing \x1b[2J \u202egnp"
    error = pickle.loads(pickle.dumps(errors.NotFoundError(raw)))
    assert error.args == (raw,)
    assert str(error) == "no such thing  [2J  gnp"
    assert errors.near("a", ["b\x1b[2J\nc"]) == "Known: b [2J c"


@pytest.mark.parametrize("call", [dict, list])
def test_a_value_of_any_size_and_depth_gives_a_short_message(points, call):
    deep = call()
    for _ in range(100_000):
        deep = {"a": deep} if call is dict else [deep]
    for value in (
        deep,
        b"x" * 50_000_000,
        bytearray(50_000_000),
        {"a": deep},
        {"a": {"b": "x" * 10**7}},
    ):
        for given in (
            {"ids": [value], "embeddings": [[1, 2]]},
            {"ids": ["x"], "embeddings": [[1, 2]], "documents": [value]},
            {"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": value}]},
        ):
            with pytest.raises(errors.InvalidArgumentError) as caught:
                points.add(**given)
            assert len(str(caught.value)) < 300
        with pytest.raises(errors.InvalidArgumentError, match="include cannot hold"):
            points.get(include=[value])


def test_a_limit_that_no_store_can_count_to_is_refused(client, points):
    for call in (client.list_collections, points.get):
        for name in ("limit", "offset"):
            with pytest.raises(
                errors.InvalidArgumentError, match=f"{name} is a whole number from 0 to"
            ):
                call(**{name: 2**70})
            with pytest.raises(
                errors.InvalidArgumentError, match=f"{name} is a whole number from 0 to"
            ):
                call(**{name: np.uint64(2**63)})
            call(**{name: 2**63 - 1})
