"""Regions that are stored with a collection, by name, as attachments."""

from __future__ import annotations

from chromalab.arguments.values import check_text
from chromalab.engine import Attachment
from chromalab.errors import InternalError, InvalidArgumentError, NotFoundError, near, short
from chromalab.handle import Handle
from chromalab.search.regions import Region

__all__ = ["KIND", "as_attachment", "check_region_name", "region_of", "stored_region"]

KIND = "region"
"""The kind of the attachments that store regions."""

_LONGEST = 200


def check_region_name(value: object) -> str:
    """Check the name of a region: at most 200 printable characters."""
    name = check_text(value, "region")
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST:
        raise InvalidArgumentError(
            f"The name of a region must be at most {_LONGEST} printable characters; got {short(name)}."
        )
    return name


def as_attachment(name: str, region: Region, model: str) -> Attachment:
    """Return a region as it is stored, with the embedding function that it is for."""
    return Attachment(KIND, {"region": region.to_dict(), "model": model}, name)


def region_of(attachment: Attachment) -> Region:
    """Read a stored region.

    Raises:
        InternalError: It is damaged or was written by another program.
    """
    try:
        return Region.from_dict(attachment.body["region"])
    except (KeyError, TypeError, ValueError) as error:
        raise InternalError(
            f"The region {short(attachment.name)} is damaged: {str(error).rstrip('.')}. Remove it, and "
            "add it again."
        ) from error


def stored_region(collection: Handle, name: str) -> Region:
    """Read a region of a collection by name.

    Raises:
        NotFoundError: There is none of that name; the message suggests similar names.
        InvalidArgumentError: It was stored for embeddings of another model.
    """
    found = collection.engine.attachment(collection.id, KIND, check_region_name(name))
    if found is None:
        names = [str(one.name) for one in collection.engine.attachments(collection.id, KIND)]
        raise NotFoundError(
            f"No region {short(name)} is stored with {collection.name!r}. "
            f"{near(name, names, what='Regions')}"
        )
    model = found.body.get("model")
    if model != collection.fingerprint():
        raise InvalidArgumentError(
            f"The region {short(name)} is one of embeddings by another model. Remove it, or add it again."
        )
    return region_of(found)
