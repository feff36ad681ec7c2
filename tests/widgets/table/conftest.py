"""A table over four notes, and a browser that sends it requests."""

import pytest


@pytest.fixture
def notes(client):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(
        ids=["a", "b", "c", "d"],
        embeddings=[[0], [1], [2], [3]],
        documents=["green tea", "white chalk", "black tea", None],
        metadatas=[
            {"year": 2001, "kind": "tea", "hot": True, "tags": ["x", "y"]},
            {"year": 1999, "kind": "chalk"},
            {"year": 2020, "kind": "tea", "tags": ["y"]},
            None,
        ],
    )
    return notes


class Browser:
    """Sends the messages of a browser and records the replies."""

    def __init__(self, table):
        self.table = table
        self.replies = []
        table.send = lambda content, buffers=None: self.replies.append(content)

    def send(self, verb, **fields):
        data = {"method": "custom", "content": {"verb": verb, **fields}}
        self.table._handle_msg({"content": {"data": data}, "buffers": []})

    def ask(self, verb, **fields):
        self.send(verb, request=7, **fields)
        (reply,) = self.replies
        self.replies.clear()
        assert reply["reply"] == 7
        return reply.get("body", reply.get("problem"))

    def ids(self):
        """Read the rows and list their ids."""
        page = self.ask("page", start=0, stop=100)
        self.generation = page["generation"]
        return [row["id"] for row in page["rows"]]

    def select(self, at, to=None, mode="replace"):
        """Click on rows as they were last read."""
        self.send("select", at=at, to=to, mode=mode, generation=self.generation)


@pytest.fixture
def browse():
    """Opens a table in a browser."""
    return Browser


@pytest.fixture
def browser(notes):
    return Browser(notes.table())
