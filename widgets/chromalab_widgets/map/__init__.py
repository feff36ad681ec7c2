"""The map: the records of a collection as points."""
