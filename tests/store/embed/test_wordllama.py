"""WordLlama compared with 20 vectors of the `wordllama` package (0.4.0.post1, `embed(norm=True)`)."""

from pathlib import Path

import numpy as np
import pytest

from chromalab.embed import WordLlama
from chromalab.errors import InvalidArgumentError


@pytest.fixture(scope="module")
def reference():
    path = Path(__file__).with_name("wordllama_reference.npz")
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["texts"].tolist(), arrays["vectors"]


def test_vectors_match_the_package(reference):
    texts, expected = reference
    vectors = WordLlama()(texts)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_empty_texts_get_zero_vectors_and_do_not_affect_other_texts(reference):
    texts, expected = reference
    vectors = WordLlama()(["", texts[0], "", "", texts[1], ""])
    assert not vectors[[0, 2, 3, 5]].any()
    np.testing.assert_allclose(vectors[[1, 4]], expected[:2], atol=1e-6)


def test_empty_texts_and_an_empty_list_work():
    assert not WordLlama()(["", ""]).any()
    assert WordLlama()([]).shape == (0, 256)


def test_the_order_is_preserved_across_many_windows(reference):
    texts, expected = reference
    np.testing.assert_allclose(WordLlama()(texts * 60), np.tile(expected, (60, 1)), atol=1e-6)


def test_none_as_a_text_raises_an_error_that_names_the_position():
    with pytest.raises(InvalidArgumentError, match="Text 1 must be a str; got NoneType"):
        WordLlama()(["a", None])
