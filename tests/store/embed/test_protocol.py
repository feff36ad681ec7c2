import numpy as np
import pytest

from chromalab.embed import (
    Documents,
    EmbeddingFunction,
    Embeddings,
    embed_documents,
    embed_queries,
)
from chromalab.embed.protocol import as_embeddings
from chromalab.errors import EmbeddingFunctionError


class WrittenForChroma(EmbeddingFunction[Documents]):
    """Has no __init__ and returns a list of lists, like many functions written for Chroma."""

    def __call__(self, input: Documents) -> Embeddings:
        return [[len(text), 1.5] for text in input]

    @staticmethod
    def name() -> str:
        return "written_for_chroma"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return WrittenForChroma()


class Duck:
    """Does not inherit from any class of chromalab."""

    def __call__(self, input):
        return [np.array([len(text), 0]) for text in input]

    def embed_query(self, input):
        return [np.array([0, len(text)]) for text in input]


def returning(value):
    return lambda input: value


def test_a_class_written_for_chroma_returns_one_float32_array():
    vectors = WrittenForChroma()(["a", "bcd"])
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[1, 1.5], [3, 1.5]]
    assert not WrittenForChroma().is_legacy()
    assert WrittenForChroma().default_space() == "l2"


def test_queries_are_embedded_like_documents_unless_the_class_defines_embed_query():
    assert embed_queries(WrittenForChroma(), ["ab"]).tolist() == [[2, 1.5]]
    assert embed_queries(Duck(), ["ab"]).tolist() == [[0, 2]]
    assert embed_documents(Duck(), ["ab"]).tolist() == [[2, 0]]


def test_a_plain_function_is_accepted():
    assert embed_documents(lambda input: [[1]] * len(input), ["a", "b"]).shape == (2, 1)


def test_a_subclass_of_a_subclass_is_validated_and_can_call_its_parent():
    class Doubled(WrittenForChroma):
        def __call__(self, input):
            return super().__call__(input) * 2

    class Inheriting(Doubled):
        pass

    assert Inheriting()(["ab"]).tolist() == [[4, 3]]
    assert Inheriting.__call__ is Doubled.__call__


def test_embed_query_of_a_subclass_is_validated_too():
    class Broken(WrittenForChroma):
        def embed_query(self, input):
            return [[float("inf"), 0]] * len(input)

    with pytest.raises(EmbeddingFunctionError, match="'written_for_chroma' returned inf in row 0"):
        Broken().embed_query(["a"])


def test_a_class_with_only_call_is_legacy():
    class Bare(EmbeddingFunction):
        def __call__(self, input):
            return [[1.0]] * len(input)

    assert Bare().is_legacy()
    assert Bare()(["a"]).shape == (1, 1)


def test_an_object_that_is_not_callable_is_refused():
    with pytest.raises(
        EmbeddingFunctionError, match="must be callable with a list of texts; got str"
    ):
        embed_documents("minilm", ["a"])


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ([[1, 2]], "returned 1 embeddings for 2 inputs"),
        ([], "returned 0 embeddings for 2 inputs"),
        ([[1, 2], [3, float("nan")]], r"returned nan in row 1 \(column 1\)"),
        ([[1, 2], [3e39, 1]], "returned inf in row 1"),
        ([[1, 2], [3]], "rows of different lengths: 2 in row 0, 1 in row 1"),
        ([np.ones(2), np.ones(3)], "rows of different lengths: 2 in row 0, 3 in row 1"),
        ([1.0, 2.0], r"an array of shape \(2,\) for 2 inputs"),
        (np.ones((2, 2, 2)), r"an array of shape \(2, 2, 2\)"),
        ([[], []], "embeddings without any numbers"),
        (["one", "two"], "a list that is not rows of numbers"),
        ({"a": 1}, "a dict that is not rows of numbers"),
    ],
)
def test_an_unusable_result_raises_an_error_that_describes_it(result, message):
    with pytest.raises(EmbeddingFunctionError, match=message):
        embed_documents(returning(result), ["a", "b"])


def test_none_does_not_count_as_a_number():
    with pytest.raises(EmbeddingFunctionError):
        embed_documents(returning(None), ["a"])


def test_a_single_row_is_accepted_for_a_single_text():
    assert embed_documents(returning([1.0, 2.0]), ["a"]).tolist() == [[1, 2]]


def test_an_empty_list_returns_no_rows():
    assert as_embeddings([], count=0, function=len).shape == (0, 0)
    assert as_embeddings(np.empty((0, 384)), count=0, function=len).shape == (0, 384)
