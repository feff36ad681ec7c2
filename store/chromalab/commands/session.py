"""What a command runs in: the open stores, the user's variables, the settings."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from chromalab import ClientAPI, Collection, PersistentClient
from chromalab.errors import InvalidArgumentError, NotFoundError, near

__all__ = ["Session"]


class Session:
    """The connections of one kernel or one command line.

    Args:
        variables: Where `:name` is looked up, and `name <<` is stored.
        settings: Values by name: `k`, `model`, `store`.

    Attributes:
        current: The name of the connection that commands go to, or None.
        panels: By connection, the panel that `%chroma` alone shows.
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
        """Whether a store is open, or is there to be opened as the `store` setting says."""
        folder = self.settings["store"]
        return self.current is not None or (
            bool(folder) and (Path(folder).expanduser() / "store.sqlite3").is_file()
        )

    @property
    def client(self) -> ClientAPI:
        """The store that commands go to; the `store` setting is opened when none is."""
        if self.current is None:
            if not self.settings["store"]:
                raise InvalidArgumentError(
                    "No store is open. Open one: %chroma connect ./my.chroma"
                )
            self.connect(PersistentClient(self.settings["store"]), "store")
        return self._clients[str(self.current)]

    def connect(self, client: ClientAPI, name: str) -> ClientAPI:
        """Make a client the current one, under a name."""
        self._clients[name] = client
        self.current = name
        return client

    def select(self, name: str) -> ClientAPI:
        """Go back to a connection."""
        if name not in self._clients:
            raise NotFoundError(
                f"No connection {name!r}. {near(name, self.names, what='Connections')}"
            )
        self.current = name
        return self._clients[name]

    def adopt(self, other: Session) -> None:
        """Take the connections of another session over."""
        self._clients, self.current, self.panels = other._clients, other.current, other.panels

    def collection(self, found: str | Collection) -> Collection:
        """Find a collection of the current store; one that is given as an object is it already."""
        if isinstance(found, Collection):
            return found
        if not isinstance(found, str):
            raise InvalidArgumentError(
                f"The collection is a name or a Collection; found a {type(found).__name__}."
            )
        return self.client.get_collection(found)

    def bound(self, name: str) -> Any:
        """Look a variable up."""
        if name not in self.variables:
            mine = [v for v in self.variables if not v.startswith("_")]
            raise NotFoundError(
                f"No variable {name!r} for :{name}. {near(name, mine, what='Variables')}"
            )
        return self.variables[name]
