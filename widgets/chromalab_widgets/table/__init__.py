"""The table: the records of a collection as rows."""
