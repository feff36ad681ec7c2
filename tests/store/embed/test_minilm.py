"""MiniLM compared with the vectors of the reference implementation in torch (see tests/data)."""

import gzip
import hashlib
import random
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chromalab.embed import DefaultEmbeddingFunction, MiniLM, get_model
from chromalab.embed.catalog import MINILM
from chromalab.embed.minilm import _batches, _Encoder, _graph_file
from chromalab.embed.model_files import fetch
from chromalab.embed.onnx_graph import graph_bytes
from chromalab.errors import InvalidArgumentError, ModelNotAvailableError

REFERENCE = Path(__file__).parents[2] / "data" / "minilm_reference.npz"


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE, allow_pickle=False) as arrays:
        return arrays["texts"].tolist(), arrays["vectors"]


@pytest.fixture(scope="module")
def vectors(reference):
    return MiniLM()(reference[0])


@pytest.fixture(scope="module")
def model_copy(tmp_path_factory):
    """A folder with a copy of the weights that tests may damage."""
    folder = tmp_path_factory.mktemp("minilm")
    for file in MINILM.files:
        shutil.copy(get_model("minilm") / file.name, folder)
    return folder


def test_vectors_match_the_reference(reference, vectors):
    cosines = np.sum(vectors * reference[1], axis=1)
    assert len(cosines) == 218
    assert cosines.min() >= 0.99999


def test_embeddings_are_float32_with_unit_length(vectors):
    assert vectors.shape == (218, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_results_are_in_the_order_of_the_texts(reference, vectors):
    order = random.Random(7).sample(range(218), 60)
    shuffled = MiniLM()([reference[0][i] for i in order])
    np.testing.assert_allclose(shuffled, vectors[order], atol=1e-5)


def test_a_text_has_the_same_vector_alone_and_in_a_batch(reference, vectors):
    embed = MiniLM()
    for i in range(0, 218, 20):
        np.testing.assert_allclose(embed([reference[0][i]])[0], vectors[i], atol=1e-5)


def test_only_the_first_256_tokens_of_a_long_text_count():
    long, cut, shorter = MiniLM()([" ".join(["cat"] * n) for n in (600, 254, 253)])
    np.testing.assert_allclose(long, cut, atol=1e-5)  # 254 words and the start and end tokens
    assert np.abs(long - shorter).max() > 1e-4


def test_unusual_texts_still_get_a_vector():
    texts = ["", " ", "\x00", "🙂🎉", "日本語の短い文", "مرحبا", "a" * 50_000]
    vectors = MiniLM()(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_an_empty_list_returns_no_rows():
    assert MiniLM()([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", 3], "Text 1 must be a str; got int"),
        ("a text", "Pass \\[text\\]"),
        (["a", "b", "\ud800"], "Text 2 must be valid Unicode; got half a character"),
    ],
)
def test_an_invalid_list_of_texts_raises_an_error_that_names_the_position(texts, message):
    with pytest.raises(InvalidArgumentError, match=message):
        MiniLM()(texts)


def test_batches_contain_every_text_once_with_little_padding():
    lengths = [int(n) for n in np.random.default_rng(5).integers(2, 257, size=1000)]
    batches = list(_batches(lengths))
    assert sorted(np.concatenate(batches)) == list(range(1000))
    padded = sum(len(rows) * max(lengths[row] for row in rows) for rows in batches)
    assert padded < 1.02 * sum(lengths)


def test_threads_compute_the_same_vectors(reference, vectors):
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(MiniLM(), [reference[0][i : i + 10] for i in range(0, 80, 10)]))
    np.testing.assert_allclose(np.concatenate(parts), vectors[:80], atol=1e-5)


def test_the_default_function_is_minilm_with_chromas_name_and_spaces():
    assert (DefaultEmbeddingFunction.name(), DefaultEmbeddingFunction().get_config()) == (
        "default",
        {},
    )
    assert DefaultEmbeddingFunction().default_space() == "l2"
    assert MiniLM().default_space() == "cosine"
    assert set(MiniLM().supported_spaces()) == {"cosine", "l2", "ip"}
    np.testing.assert_array_equal(DefaultEmbeddingFunction()(["a"]), MiniLM()(["a"]))


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"\0" + data[1:]])
def test_a_damaged_graph_is_rewritten(model_copy, damage):
    graph = _graph_file(model_copy)
    right = graph.read_bytes()
    graph.write_bytes(damage(right))
    assert _graph_file(model_copy).read_bytes() == right
    assert _Encoder(model_copy).embed(["a cat"]).shape == (1, 384)


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes exist only on POSIX")
def test_a_graph_that_other_users_can_write_is_compared_and_rewritten_if_wrong(
    model_copy, attacker
):
    graph = _graph_file(model_copy)
    right = graph.read_bytes()
    attacker.opened(graph)
    attacker.forge(graph, b"\0" + right[1:])
    assert _graph_file(model_copy).read_bytes() == right
    attacker.opened(graph)
    before = graph.stat()
    assert _graph_file(model_copy).stat() == before  # it was right, so it was not rewritten


def test_an_unwritable_graph_raises_an_error_that_names_the_cache_variable(tmp_path):
    for file in MINILM.files:
        shutil.copy(get_model("minilm") / file.name, tmp_path)
    (tmp_path / "graph-1.onnx").mkdir()
    with pytest.raises(ModelNotAvailableError, match="Set CHROMALAB_CACHE to a folder"):
        _graph_file(tmp_path)


def test_weights_next_to_chromas_model_are_used_only_if_their_hash_is_right(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"checked with the archive")
    (tmp_path / "model.safetensors").write_bytes(b"put there by another user")
    assert _graph_file(tmp_path) == tmp_path / "model.onnx"


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}"])
def test_an_invalid_weights_file_raises_an_error_that_names_it(tmp_path, data):
    (tmp_path / "model.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        graph_bytes(tmp_path / "model.safetensors")


def test_the_graph_has_the_bytes_that_onnx_would_write(model_copy):
    import onnx

    written = _graph_file(model_copy).read_bytes()
    model = onnx.load_model_from_string(written)
    assert model.SerializeToString(deterministic=True) == written


def test_chromas_own_archive_produces_the_same_vectors(machine, model_copy, reference, vectors):
    import onnx

    # Chroma's file contains its weights; so does this one, which is made from our graph.
    onnx.save(onnx.load(_graph_file(model_copy)), model_copy / "whole.onnx")
    archive = machine.home / MINILM.archive.folder / MINILM.archive.name
    archive.parent.mkdir(parents=True)
    with (
        gzip.open(archive, "wb", compresslevel=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as tar,
    ):
        tar.add(model_copy / "whole.onnx", "onnx/model.onnx")
        tar.add(model_copy / "tokenizer.json", "onnx/tokenizer.json")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    model = replace(MINILM, archive=replace(MINILM.archive, sha256=sha256))
    folder = fetch(model)
    assert not (folder / "model.safetensors").exists()
    np.testing.assert_allclose(_Encoder(folder).embed(reference[0][:20]), vectors[:20], atol=1e-5)


def test_creating_the_function_downloads_nothing(machine):
    embed = MiniLM()
    assert (embed.name(), embed.is_legacy(), embed.max_tokens()) == ("minilm", False, 256)
    assert not machine.cache.exists()


def test_importing_the_package_loads_no_runtime():
    heavy = ["onnxruntime", "tokenizers", "onnx", "safetensors", "pandas", "IPython", "tqdm"]
    code = f"import sys, chromalab.embed; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_first_call_without_weights_raises_the_full_message(machine):
    code = "from chromalab.embed import MiniLM; MiniLM()(['a'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert (
        f"{ModelNotAvailableError.__name__}: Model 'minilm' is not on this machine" in done.stderr
    )
