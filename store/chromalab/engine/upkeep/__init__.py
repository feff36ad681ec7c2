"""Operations that rewrite or verify a whole collection or a whole store."""

__all__ = ["check", "compact", "generations", "inspection", "reembed"]
