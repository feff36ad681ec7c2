"""`Session`: the open stores, the user's variables and the settings that a command works with."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any
from uuid import UUID

from chromalab import ClientAPI, Collection, PersistentClient
from chromalab.errors import InvalidArgumentError, NotFoundError, near, short
from chromalab.results.tables import one_line

__all__ = ["Session", "is_data"]

_OF_IPYTHON = frozenset({"In", "Out", "exit", "quit", "get_ipython"})
_NOT_VALUES = (ModuleType, FunctionType, BuiltinFunctionType, type)


def is_data(value: Any) -> bool:
    """Whether a variable holds data: a DataFrame, a list, an array, or the result of an analysis.

    Example:
        >>> is_data(["tea"]), is_data("tea"), is_data(3)
        (True, False, False)
    """
    kind = type(value)
    is_other = isinstance(value, (str, bytes, ModuleType, type))
    return not is_other and (hasattr(kind, "__len__") or hasattr(kind, "df"))


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
        self._functions: dict[UUID, Any] = {}
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
        self._functions = other._functions

    def remember(self, collection: Collection, function: Any) -> None:
        """Keep the embedding function of a collection, which its name alone may not restore."""
        self._functions[collection.id] = function

    def collection(self, found: str | Collection) -> Collection:
        """Return a collection of the current store by name. A `Collection` is returned as it is."""
        if isinstance(found, Collection):
            return found
        if not isinstance(found, str):
            raise InvalidArgumentError(
                f"collection must be a name or a Collection; got {short(found)}."
            )
        try:
            collection = self.client.get_collection(found)
        except NotFoundError as error:
            if "Did you mean" in str(error):
                raise
            raise NotFoundError(f"{error} Create it: %chroma create {one_line(found)}") from error
        if collection.id in self._functions:
            function = self._functions[collection.id]
            collection = self.client.get_collection(found, embedding_function=function)
        return collection

    def namespace(self, local: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return all variables: those of the calling function, then those of the notebook."""
        return ChainMap(local or {}, self.variables)  # type: ignore[arg-type]

    def bound(self, name: str, local: Mapping[str, Any] | None = None) -> Any:
        """Return the value of a variable.

        Args:
            name: The variable.
            local: The variables of the calling function, which are looked up first.
        """
        namespace = self.namespace(local)
        if name not in namespace:
            mine = self.variable_names(local)
            raise NotFoundError(
                f"No variable {name!r} for :{name}. {near(name, mine, what='Variables')} "
                f'For the text itself, type ":{name}" in quotes.'
            )
        return namespace[name]

    def variable_names(self, local: Mapping[str, Any] | None = None) -> list[str]:
        """List the variables that hold values: data first, without modules, functions and classes."""
        namespace = self.namespace(local)
        names = [
            name
            for name in namespace
            if not name.startswith("_")
            and name not in _OF_IPYTHON
            and not isinstance(namespace[name], _NOT_VALUES)
        ]
        return sorted(names, key=lambda name: not is_data(namespace[name]))
