"""Transforms: learned maps of queries and records, stored with a collection, one of them active."""

from chromalab.transforms.active import ActiveTransform
from chromalab.transforms.embedding import TransformedEmbedding
from chromalab.transforms.transform import Transform
from chromalab.transforms.transforms import SwitchResult, Transforms

__all__ = ["ActiveTransform", "SwitchResult", "Transform", "TransformedEmbedding", "Transforms"]
