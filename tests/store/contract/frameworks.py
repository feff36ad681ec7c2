"""Runs calls of frameworks on a client of chromadb and on one of chromalab, and compares the answers.

`make drop-in` runs it in an environment of its own, with the group `drop-in` of pyproject.toml.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np

TEXTS = ["Tea is a drink.", "Saturn has rings.", "Chalk is a soft rock."]
LISTED = {
    ("llama_index", "from_collection"): "asks for chromadb's own class; its constructor takes ours",
}
FRAMEWORKS: dict[str, Callable[..., dict[str, Callable[[], Any]]]] = {}


def framework(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register the calls of one framework; it gets a library and a client, and names each call."""
    FRAMEWORKS[function.__name__] = function
    return function


def vector(text: str) -> list[float]:
    """Embed a text without a model: the same numbers for the same text."""
    return np.random.default_rng(list(text.encode())).normal(size=8).round(3).tolist()


@framework
def chromadb_program(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """A program that imports names of chromadb, and is given a client."""
    import chromadb
    from chromadb.utils.embedding_functions import OpenAIEmbeddingFunction

    def with_key() -> Any:
        function = OpenAIEmbeddingFunction(api_key="sk-none")
        made = client.create_collection("keyed", embedding_function=function)
        return made.name

    def caught(name: str, call: Callable[[], Any]) -> Any:
        try:
            call()
        except getattr(chromadb.errors, name) as error:
            words = ("already exists", "does not exist", "not found")
            return [word for word in words if word in str(error)]

    settings = chromadb.config.Settings(anonymized_telemetry=False, allow_reset=True)
    admin = library.AdminClient(client.get_settings())
    return {
        "settings": lambda: library.EphemeralClient(settings).get_settings().allow_reset,
        "isinstance": lambda: isinstance(client, chromadb.ClientAPI),
        "function with a key": with_key,
        "function reopened": lambda: client.get_collection("keyed").name,
        "no collection": lambda: caught("NotFoundError", lambda: client.get_collection("none")),
        "name taken": lambda: caught("ChromaError", lambda: client.create_collection("keyed")),
        "no tenant": lambda: caught("NotFoundError", lambda: admin.get_tenant("none")),
    }


@framework
def langchain(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """`langchain_chroma.Chroma(client=...)`."""
    from langchain_chroma import Chroma
    from langchain_core.embeddings import Embeddings

    class Vectors(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [vector(text) for text in texts]

        def embed_query(self, text: str) -> list[float]:
            return vector(text)

    store = Chroma("langchain", Vectors(), client=client)

    def found(**options: Any) -> Any:
        return [d.page_content for d in store.similarity_search(TEXTS[0], **options)]

    return {
        "add": lambda: store.add_texts(TEXTS, [{"n": n} for n in range(3)], ids=["a", "b", "c"]),
        "search": lambda: found(k=2),
        "filter": lambda: found(k=2, filter={"n": {"$gt": 0}}),
        "score": lambda: [score for _, score in store.similarity_search_with_score(TEXTS[1], k=3)],
        "mmr": lambda: [d.id for d in store.max_marginal_relevance_search("Which has rings?", k=2)],
        "get": lambda: store.get(where={"n": 1})["documents"],
        "delete": lambda: store.delete(["a"]),
        "left": lambda: store.get()["ids"],
        "reset": store.reset_collection,
        "hybrid": lambda: store.hybrid_search(None),
    }


@framework
def llama_index(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """`ChromaVectorStore`, by its constructor and by `from_collection`."""
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores.types import VectorStoreQuery
    from llama_index.vector_stores.chroma import ChromaVectorStore

    collection = client.create_collection("llama_index", embedding_function=None)
    store = ChromaVectorStore(chroma_collection=collection)
    nodes = [
        TextNode(text=text, id_=str(n), embedding=vector(text), metadata={"n": n})
        for n, text in enumerate(TEXTS)
    ]

    def query() -> Any:
        asked = VectorStoreQuery(query_embedding=vector(TEXTS[1]), similarity_top_k=2)
        answer = store.query(asked)
        return [answer.ids, answer.similarities]

    return {
        "add": lambda: store.add(nodes),
        "query": query,
        "get": lambda: [node.text for node in store.get_nodes(["1"])],
        "delete": lambda: store.delete_nodes(["0"]),
        "count": collection.count,
        "clear": store.clear,
        "from_collection": lambda: type(ChromaVectorStore.from_collection(collection)).__name__,
    }


@framework
def crewai(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """`ChromaDBClient(client=...)`."""
    from crewai.rag.chromadb.client import ChromaDBClient

    crew = ChromaDBClient(client=client, embedding_function=None)
    documents = [{"doc_id": str(n), "content": text} for n, text in enumerate(TEXTS)]
    name = "crew"

    def search() -> Any:
        found = crew.search(collection_name=name, query=TEXTS[0], limit=2, score_threshold=0)
        return [(one["id"], round(one["score"], 4)) for one in found]

    class Vectors(library.EmbeddingFunction):
        def __init__(self) -> None:
            pass

        def __call__(self, input: Any) -> Any:
            return np.array([vector(text) for text in input], dtype=np.float32)

    crew.embedding_function = Vectors()
    return {
        "create": lambda: crew.create_collection(collection_name=name),
        "create again": lambda: crew.create_collection(collection_name=name),
        "get or create": lambda: crew.get_or_create_collection(collection_name=name).name,
        "add": lambda: crew.add_documents(collection_name=name, documents=documents),
        "search": search,
        "delete": lambda: crew.delete_collection(collection_name=name),
        "search without": search,
    }


@framework
def mem0(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """`ChromaDB(client=...)`, the vector store of mem0."""
    from mem0.vector_stores.chroma import ChromaDB

    store = ChromaDB("mem0", client=client)
    vectors = [vector(text) for text in TEXTS]

    def plain(found: Any) -> Any:
        return [(one.id, one.payload) for one in found]

    return {
        "insert": lambda: store.insert(vectors, [{"n": n} for n in range(3)], ["a", "b", "c"]),
        "search": lambda: plain(store.search("", vectors[1], 2)),
        "filter": lambda: plain(store.search("", vectors[1], 2, {"n": 2})),
        "get": lambda: store.get("b").payload,
        "update": lambda: store.update("b", vectors[2], {"n": 9}),
        "list": lambda: plain(store.list(top_k=10)[0]),
        "delete": lambda: store.delete("a"),
        "info": lambda: store.col_info()["name"] if isinstance(store.col_info(), dict) else "mem0",
        "delete_col": store.delete_col,
    }


@framework
def haystack(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """`ChromaDocumentStore`, which takes no client and makes its own with `chromadb.Client`."""
    import chromadb
    from haystack import Document
    from haystack_integrations.document_stores.chroma import ChromaDocumentStore

    with patch.object(chromadb, "Client", lambda: client):
        store = ChromaDocumentStore("haystack", distance_function="cosine")
        store.count_documents()
    documents = [
        Document(id=str(n), content=text, meta={"n": n}, embedding=vector(text))
        for n, text in enumerate(TEXTS)
    ]

    def found(**options: Any) -> Any:
        (documents,) = store.search_embeddings([vector(TEXTS[1])], top_k=2, **options)
        return [(document.id, document.score) for document in documents]

    after = {"field": "meta.n", "operator": ">", "value": 1}
    return {
        "write": lambda: store.write_documents(documents),
        "count": store.count_documents,
        "search": found,
        "search with a filter": lambda: found(filters=after),
        "filter": lambda: [document.content for document in store.filter_documents(after)],
        "unique values": lambda: store.get_metadata_field_unique_values("n"),
        "minimum and maximum": lambda: store.get_metadata_field_min_max("n"),
        "update": lambda: store.update_by_filter(after, {"n": 7}),
        "delete": lambda: store.delete_documents(["0"]),
        "left": lambda: sorted(document.id for document in store.filter_documents()),
        "delete all": lambda: store.delete_all_documents(),
    }


@framework
def chroma_mcp(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """The tools of Chroma's MCP server."""
    from chroma_mcp import server
    from chromadb import EmbeddingFunction

    class Vectors(EmbeddingFunction):
        def __init__(self) -> None:
            pass

        def __call__(self, input: Any) -> Any:
            return [np.array(vector(text), dtype=np.float32) for text in input]

        @staticmethod
        def name() -> str:
            return "vectors"

        def get_config(self) -> dict[str, Any]:
            return {}

        @staticmethod
        def build_from_config(config: Any) -> Any:
            return Vectors()

    server._chroma_client = client
    server.mcp_known_embedding_functions["vectors"] = Vectors

    def tool(name: str, *args: Any, **options: Any) -> Any:
        answer = asyncio.run(getattr(server, f"chroma_{name}")(*args, **options))
        return answer.partition(" with configuration")[0] if isinstance(answer, str) else answer

    def plain(name: str, *args: Any, **options: Any) -> Any:
        found = tool(name, *args, **options)
        return [found[part] for part in ("ids", "documents", "metadatas")]

    ids, metadatas = ["a", "b", "c"], [{"n": n} for n in range(3)]
    return {
        "none": lambda: tool("list_collections"),
        "create": lambda: tool("create_collection", "notes", "vectors"),
        "list": lambda: tool("list_collections"),
        "add": lambda: tool("add_documents", "notes", TEXTS, ids, metadatas),
        "count": lambda: tool("get_collection_count", "notes"),
        "info": lambda: tool("get_collection_info", "notes")["sample_documents"]["documents"],
        "peek": lambda: tool("peek_collection", "notes", 2)["ids"],
        "query": lambda: plain("query_documents", "notes", [TEXTS[1]], 2),
        "get": lambda: plain("get_documents", "notes", where={"n": {"$gt": 0}}),
        "update": lambda: tool("update_documents", "notes", ["a"], metadatas=[{"n": 9}]),
        "delete documents": lambda: tool("delete_documents", "notes", ["b"]),
        "rename": lambda: tool("modify_collection", "notes", "letters"),
        "delete": lambda: tool("delete_collection", "letters"),
    }


@framework
def open_webui(library: Any, client: Any) -> dict[str, Callable[[], Any]]:
    """The calls of Open WebUI's client for Chroma, whose package would bring gigabytes of others."""
    from chromadb import Settings
    from chromadb.utils.batch_utils import create_batches

    folder = client.get_settings().persist_directory
    client.close()
    settings = Settings(allow_reset=True, anonymized_telemetry=False)
    tenant, database = "default_tenant", "default_database"
    client = library.PersistentClient(
        path=folder, settings=settings, tenant=tenant, database=database
    )
    vectors, metadatas = [vector(text) for text in TEXTS], [{"n": n} for n in range(3)]

    def collection() -> Any:
        return client.get_or_create_collection(name="files", metadata={"hnsw:space": "cosine"})

    def insert() -> None:
        records = {"ids": ["a", "b", "c"], "embeddings": vectors, "documents": TEXTS}
        for batch in create_batches(api=client, metadatas=metadatas, **records):
            collection().add(*batch)

    def plain(found: Any) -> Any:
        return [found[part] for part in ("ids", "documents", "metadatas")]

    def search() -> Any:
        found = client.get_collection(name="files").query(query_embeddings=vectors[:1], n_results=2)
        return [found["ids"], found["distances"], found["documents"], found["metadatas"]]

    return {
        "has": lambda: "files" in [found.name for found in client.list_collections()],
        "insert": insert,
        "has again": lambda: "files" in [found.name for found in client.list_collections()],
        "search": search,
        "query": lambda: plain(collection().get(where={"n": 1}, limit=None)),
        "get": lambda: plain(collection().get()),
        "upsert": lambda: collection().upsert(
            ids=["a"], documents=["x"], embeddings=vectors[1:2], metadatas=[{"n": 5}]
        ),
        "delete ids": lambda: collection().delete(ids=["b"]),
        "delete filter": lambda: collection().delete(where={"n": 2}),
        "left": lambda: plain(collection().get()),
        "delete": lambda: client.delete_collection(name="files"),
        "delete again": lambda: client.delete_collection(name="files"),
        "reset": client.reset,
        "close": client.close,
    }


def answer(call: Callable[[], Any]) -> Any:
    """The value of a call, with floats rounded to 4 digits, or the kind of its error."""
    try:
        value = call()
    except NotImplementedError:
        return "NotImplementedError"
    except Exception as error:
        return f"error: {type(error).__name__}: {error}"
    return rounded(value)


def rounded(value: Any) -> Any:
    """Round floats at any depth."""
    if isinstance(value, float):
        return round(value, 4) + 0.0  # no negative zero
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def same(ours: Any, theirs: Any) -> bool:
    """Whether two answers are equal; of two errors, only that both are errors."""
    both = (ours, theirs)
    if all(isinstance(one, str) and one.startswith("error: ") for one in both):
        return True
    return repr(ours) == repr(theirs)


def main() -> int:
    """Print one line per framework and one per difference; 1 if there is any."""
    import chromadb

    import chromalab

    different = 0
    for name, calls in FRAMEWORKS.items():
        answers = {}
        try:
            for library in (chromadb, chromalab):
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    client = library.PersistentClient(folder)
                    steps = calls(library, client)
                    answers[library] = {step: answer(call) for step, call in steps.items()}
                    client.close()
        except ImportError as error:
            print(f"{name}: not installed ({error})")
            continue
        ours, theirs = answers[chromalab], answers[chromadb]
        wrong = [step for step in theirs if not same(ours[step], theirs[step])]
        print(f"{name}: {len(theirs) - len(wrong)} of {len(theirs)} calls as with chromadb")
        errors = sum(str(theirs[step]).startswith("error: ") for step in theirs)
        if errors:
            print(f"  {errors} of them raise errors in both")
        for step in wrong:
            if (name, step) in LISTED:
                print(f"  {step}: {LISTED[name, step]}")
                continue
            different += 1
            print(f"  {step}: {ours[step]!r}\n    chromadb: {theirs[step]!r}")
    return min(different, 1)


if __name__ == "__main__":
    sys.exit(main())
