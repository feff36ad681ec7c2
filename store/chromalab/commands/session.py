"""`Session`: the open stores, the user's variables and the settings that a command works with."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from chromalab import ClientAPI, Collection, PersistentClient
from chromalab.errors import InvalidArgumentError, NotFoundError, near
from chromalab.results.tables import one_line

__all__ = ["Session"]


class Session:
    """The connections of one kernel or one command line.

    Args:
        variables: The namespace in which `:name` is looked up and `name <<` is stored.
        settings: Values by name: `k`, `model`, `store`.

    Attributes:
        current: The name of the connection that commands use, or None.
        panels: The panel that `%chroma` alone shows, by connection.
    """

    def __init__(self, variables: MutableMapping[str, Any], settings: Mapping[str, Any]) -> None:
        self.variables = variables
        self.settings = settings
        self._clients: dict[str, ClientAPI] = {}
        self.current: str | None = None
        self.panels: dict[str | None, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the connections."""
        return tuple(self._clients)

    @property
    def has_store(self) -> bool:
        """Whether a store is open, or the `store` setting names one that exists."""
        folder = self.settings["store"]
        return self.current is not None or (
            bool(folder) and (Path(folder).expanduser() / "store.sqlite3").is_file()
        )

    @property
    def client(self) -> ClientAPI:
        """The client that commands use. If none is open, the store of the `store` setting is opened."""
        if self.current is None:
            if not self.settings["store"]:
                raise InvalidArgumentError(
                    "No store is open. Open one: %chroma connect ./my.chroma"
                )
            self.connect(PersistentClient(self.settings["store"]), "store")
        return self._clients[str(self.current)]

    def connect(self, client: ClientAPI, name: str) -> ClientAPI:
        """Make a client the current connection, under a name."""
        self._clients[name] = client
        self.current = name
        return client

    def select(self, name: str) -> ClientAPI:
        """Make an open connection the current one again."""
        if name not in self._clients:
            raise NotFoundError(
                f"No connection {name!r}. {near(name, self.names, what='Connections')}"
            )
        self.current = name
        return self._clients[name]

    def adopt(self, other: Session) -> None:
        """Take over the connections of another session."""
        self._clients, self.current, self.panels = other._clients, other.current, other.panels

    def collection(self, found: str | Collection) -> Collection:
        """Return a collection of the current store by name. A `Collection` is returned as it is."""
        if isinstance(found, Collection):
            return found
        if not isinstance(found, str):
            raise InvalidArgumentError(
                f"collection must be a name or a Collection; got {one_line(repr(found))}."
            )
        try:
            return self.client.get_collection(found)
        except NotFoundError as error:
            if "Did you mean" in str(error):
                raise
            raise NotFoundError(f"{error}. Create it: %chroma create {one_line(found)}") from error

    def bound(self, name: str) -> Any:
        """Return the value of a variable."""
        if name not in self.variables:
            mine = [v for v in self.variables if not v.startswith("_")]
            raise NotFoundError(
                f"No variable {name!r} for :{name}. {near(name, mine, what='Variables')}"
            )
        return self.variables[name]
