"""Clients: where collections are created and found, and the functions that open a store."""

from chromalab.client.admin import AdminClient
from chromalab.client.chroma_import import ImportReport, import_chroma
from chromalab.client.client import ClientAPI, CollectionList
from chromalab.client.opening import Client, EphemeralClient, PersistentClient

__all__ = [
    "AdminClient",
    "Client",
    "ClientAPI",
    "CollectionList",
    "EphemeralClient",
    "ImportReport",
    "PersistentClient",
    "import_chroma",
]
