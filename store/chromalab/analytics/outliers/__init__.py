"""Outliers: records that are far from all others."""

from chromalab.analytics.outliers.outliers import outliers
from chromalab.analytics.outliers.result import Outliers

__all__ = ["Outliers", "outliers"]
