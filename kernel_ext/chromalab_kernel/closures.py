"""`ClosureVariables`: a magic in a nested function sees the variables of the enclosing functions.

Python keeps a variable of an enclosing function for an inner one only if the code of the inner one names
it, and the line of a magic is a string. So each call of the magic gets a lambda, which is never called,
that names the variables of its line. Python then finds each where it would find it for any other code.
"""

from __future__ import annotations

import ast
import keyword
import re

__all__ = ["ClosureVariables"]

_NAMES = re.compile(r":([^\W\d]\w*)|\{\{\s*([^\W\d]\w*)\s*\}\}")


class ClosureVariables(ast.NodeTransformer):
    """Rewrites `get_ipython().run_line_magic("chroma", "query papers :q")` in the code of a cell."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Put a lambda that names the variables before a call of the magic."""
        self.generic_visit(node)
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        is_magic = isinstance(node.func, ast.Attribute) and node.func.attr in (
            "run_line_magic",
            "run_cell_magic",
        )
        if not is_magic or texts[:1] != ["chroma"]:
            return node
        found = {one or other for text in texts[1:] for one, other in _NAMES.findall(str(text))}
        names = sorted(name for name in found if not keyword.iskeyword(name))
        if not names:
            return node
        named = ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load())
        nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        call = ast.BoolOp(ast.And(), [ast.Lambda(nothing, named), node])
        return ast.fix_missing_locations(ast.copy_location(call, node))
