"""Results are cached in the folder of the store, and damaged files are ignored."""

import os
from dataclasses import fields

import numpy as np
import pytest

import chromalab
from chromalab.errors import InvalidArgumentError


@pytest.fixture
def points(tmp_path):
    client = chromalab.PersistentClient(tmp_path / "store")
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(center, 0.1, (40, 8)) for center in np.eye(8)[:4]])
    made = client.create_collection("points", embedding_function=None)
    made.add(
        ids=[str(row) for row in range(len(rows))],
        embeddings=rows,
        documents=[f"word{row // 40} and number {row}" for row in range(len(rows))],
    )
    return made


ANALYSES = {
    "clusters": lambda points, **more: points.cluster(progress=False, **more),
    "outliers": lambda points, **more: points.outliers(progress=False, **more),
    "duplicates": lambda points, **more: points.dedupe(progress=False, **more),
    "projection": lambda points, **more: points.project("pca", progress=False, **more),
}


@pytest.fixture(params=ANALYSES, ids=str)
def analysis(request):
    return ANALYSES[request.param]


def cached(points):
    return sorted(points.snapshot().folder.glob("*.result"))


def same(one, other):
    for field in fields(one):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name == "snapshot":
            continue
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype, field.name
            np.testing.assert_array_equal(ours, theirs, err_msg=field.name)
        else:
            assert ours == theirs, field.name


def test_a_cached_result_equals_the_computed_one(points, analysis):
    made = analysis(points)
    (file,) = cached(points)
    written = file.read_bytes()
    again = analysis(points)
    assert again is not made
    same(made, again)
    assert cached(points) == [file]
    assert file.read_bytes() == written
    assert again._repr_html_() == made._repr_html_()
    assert repr(again) == repr(made)
    assert again.df().equals(made.df())


def test_a_file_under_the_name_of_another_result_is_ignored(points):
    def find(seed):
        return points.project("pca", random_state=seed, progress=False)

    one = find(1)
    (file,) = cached(points)
    assert find(2).parameters["random_state"] == 2
    (other,) = set(cached(points)) - {file}
    other.write_bytes(file.read_bytes())
    assert find(2).parameters["random_state"] == 2
    same(find(1), one)


def test_other_options_records_or_vectors_are_cached_apart(points, analysis):
    analysis(points)
    analysis(points, random_state=3)
    assert len(cached(points)) == 2
    points.update(ids=["5"], embeddings=[[9] * 8])
    analysis(points)
    assert len(cached(points)) == 3
    points.add(ids=["new"], embeddings=[[1] * 8], documents=["new"])
    assert len(analysis(points).ids) == 161
    assert len(cached(points)) == 4


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "folder"])
def test_a_damaged_file_is_ignored(points, analysis, damage):
    made = analysis(points)
    (file,) = cached(points)
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        middle = len(content) // 3
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "text":
        file.write_bytes(b"no result")
    else:
        file.unlink()
        file.mkdir()
    same(made, analysis(points))


def test_a_file_of_another_result_is_rejected(points):
    points.cluster(progress=False)
    (clusters,) = cached(points)
    points.outliers(progress=False)
    outliers = next(file for file in cached(points) if file != clusters)
    clusters.write_bytes(outliers.read_bytes())
    assert points.cluster(progress=False).n_clusters == 4


def test_writing_into_metadata_does_not_make_results_stale(points):
    made = points.cluster(into="group", progress=False)
    assert not made.is_stale
    assert points.get(ids=["0"])["metadatas"] == [{"group": int(made.labels[0])}]
    files = cached(points)
    again = points.cluster(into="group", progress=False)
    same(made, again)
    assert cached(points) == files


def test_a_stale_result_says_that_the_collection_has_changed(points, analysis):
    made = analysis(points)
    assert not made.is_stale
    points.delete(ids=["7"])
    assert made.is_stale
    assert "has changed since" in repr(made)
    assert "has changed since" in made._repr_html_()
    assert not analysis(points).is_stale


def test_duplicates_are_recomputed_when_metadata_decides_which_record_stays(points):
    points.add(ids=["one", "two"], embeddings=[[5] * 8, [5] * 8], documents=["the same text"] * 2)
    found = points.dedupe(keep="most_metadata", progress=False)
    assert ["one", "two"] in found.groups()
    points.update(ids=["two"], metadatas=[{"year": 2000}])
    assert ["two", "one"] in points.dedupe(keep="most_metadata", progress=False).groups()


def test_a_folder_that_cannot_be_written_does_not_raise(points, analysis):
    folder = points.snapshot().folder
    folder.parent.mkdir(exist_ok=True)
    folder.write_bytes(b"a file in its place")
    assert len(analysis(points).ids) == 160


def change_arrays(file, change):
    """Rewrite a cached result with changed arrays."""
    with np.load(file) as found:
        parts = {name: found[name] for name in found.files}
    np.savez(
        file.with_suffix(".npz"), **{n: p if n == "json" else change(p) for n, p in parts.items()}
    )
    file.with_suffix(".npz").replace(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_named_pipe_instead_of_a_result_does_not_block(points, analysis):
    made = analysis(points)
    (file,) = cached(points)
    file.unlink()
    os.mkfifo(file)
    same(made, analysis(points))


@pytest.mark.parametrize(
    "change",
    [
        lambda part: np.zeros(part.shape, dtype=[("a", "i4")]),
        lambda part: np.full(part.shape, "text"),
        lambda part: part[None],
        lambda part: part[:0],
        lambda part: (
            part.astype(part.dtype.newbyteorder(">")) if part.dtype.itemsize > 1 else part[:0]
        ),
        lambda part: np.full_like(part, 2**31 - 1) if part.dtype.kind == "i" else part[:0],
        lambda part: np.full_like(part, -7) if part.dtype.kind == "i" else part[:0],
    ],
)
def test_arrays_of_another_dtype_shape_or_range_are_rejected(points, analysis, change):
    made = analysis(points)
    (file,) = cached(points)
    change_arrays(file, change)
    same(made, analysis(points))


def test_symlinks_out_of_the_store_are_not_followed(points, analysis, tmp_path):
    folder = points.snapshot().folder
    outside = tmp_path / "outside"
    outside.mkdir()
    for number in range(30):
        (outside / f"{number}.result").write_bytes(b"precious")
    folder.parent.mkdir(exist_ok=True)
    folder.symlink_to(outside)
    analysis(points)
    assert len(list(outside.iterdir())) == 30


def test_a_stale_result_stays_stale_after_it_is_written_to_metadata(points):
    found = points.cluster(progress=False)
    points.update(ids=["0"], embeddings=[[9] * 8])
    written = found.into("group")
    assert written.is_stale
    old = points.dedupe(progress=False)
    points.update(ids=["1"], documents=["another text"], embeddings=[[7] * 8])
    old = old.into("twin")
    with pytest.raises(InvalidArgumentError, match="changed"):
        old.apply()
    found = points.cluster(progress=False)
    found.into("group")
    assert not found.is_stale
    assert "changed since" not in repr(found)


def test_topics_of_the_same_clusters_are_cached(points):
    clusters = points.cluster(progress=False)
    files = cached(points)
    made = points.topics(clusters, n_words=3, stop_words=["number"])
    (file,) = set(cached(points)) - set(files)
    written = file.stat().st_ino
    again = points.topics(clusters, n_words=3, stop_words=["number"])
    same(made, again)
    assert repr(again) == repr(made)
    assert again._repr_html_() == made._repr_html_()
    assert file.stat().st_ino == written
    points.topics(clusters.merge([0, 1]), n_words=3, stop_words=["number"])
    assert len(cached(points)) == len(files) + 2
    points.topics(clusters, name=lambda words, documents: words[0])
    assert len(cached(points)) == len(files) + 2
    points.update(ids=["0"], embeddings=[[1] * 8], documents=["another text"])
    assert not points.topics(n_words=3, progress=False).is_stale
    with pytest.raises(InvalidArgumentError, match="clusters must be the result of cluster"):
        points.topics(points)
