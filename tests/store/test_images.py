"""Images and data loaders, as in Chroma: embedded by a function that takes them, and read from URIs."""

import numpy as np
import pytest

from chromalab.embed import EmbeddingFunction
from chromalab.errors import InvalidArgumentError
from chromalab.types import DataLoader

IMAGES = {"dark.png": np.full((2, 2, 3), 10), "light.png": np.full((2, 2, 3), 200)}


class Brightness(EmbeddingFunction):
    """Embeds images by their brightness, and texts by their length."""

    def __call__(self, input):
        return [[len(one) if isinstance(one, str) else one.mean(), 1] for one in input]


class Files(DataLoader):
    def __call__(self, uris):
        return [None if uri is None else IMAGES[uri] for uri in uris]


@pytest.fixture
def pictures(client):
    return client.create_collection(
        "pictures", embedding_function=Brightness(), data_loader=Files()
    )


def nearest(collection, **query):
    return collection.query(n_results=1, **query)["ids"]


def test_images_are_embedded_and_not_stored(pictures):
    pictures.add(ids=["d", "l"], images=[*IMAGES.values()])
    pictures.add(ids=["t"], documents=["x" * 90])
    assert nearest(pictures, query_images=[np.full((4, 4), 180)]) == [["l"]]
    assert nearest(pictures, query_texts=["x" * 80]) == [["t"]]
    assert pictures.get(include=["documents", "uris"])["documents"] == [None, None, "x" * 90]
    pictures.upsert(ids=["d"], images=IMAGES["light.png"])
    pictures.update(ids=["l"], images=IMAGES["dark.png"])
    assert nearest(pictures, query_images=IMAGES["light.png"]) == [["d"]]


def test_uris_are_loaded_to_be_embedded_and_returned(pictures):
    pictures.add(ids=["d", "l"], uris=[*IMAGES])
    pictures.add(ids=["t"], documents=["x"])
    found = pictures.get(include=["data"])
    assert [None if data is None else data.max() for data in found["data"]] == [10, 200, None]
    assert found["uris"] is None
    assert found["included"] == ["data"]
    found = pictures.query(query_uris=["light.png"], n_results=2, include=["data", "uris"])
    assert found["uris"] == [["light.png", "dark.png"]]
    assert [data.max() for data in found["data"][0]] == [200, 10]


def test_each_record_has_one_thing_to_embed(pictures):
    image = IMAGES["dark.png"]
    with pytest.raises(InvalidArgumentError, match="Exactly one of documents, images"):
        pictures.add(ids=["a"], documents=["a"], images=[image])
    with pytest.raises(InvalidArgumentError, match="images"):
        pictures.add(ids=["a"], images=[image, image])
    with pytest.raises(InvalidArgumentError, match=r"images\[0\] must be an array of numbers"):
        pictures.add(ids=["a"], images=["dark.png"])
    with pytest.raises(InvalidArgumentError, match="images must not be empty"):
        pictures.query(query_images=[])
    with pytest.raises(InvalidArgumentError, match="Pass exactly one of"):
        pictures.query(query_images=[image], query_texts=["a"])
    assert pictures.count() == 0


def test_a_data_loader_is_not_stored(client, pictures):
    pictures.add(ids=["d"], uris=["dark.png"])
    assert client.get_collection("pictures", data_loader=Files()).get(include=["data"])["data"]
    again = client.get_collection("pictures", embedding_function=Brightness())
    for call in (
        lambda: again.add(ids=["l"], uris=["light.png"]),
        lambda: again.get(include=["data"]),
        lambda: again.query(query_uris=["light.png"]),
        lambda: again.query(query_embeddings=[[0, 1]], include=["data"]),
    ):
        with pytest.raises(InvalidArgumentError, match="data loader"):
            call()
    assert again.count() == 1
