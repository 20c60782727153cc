"""Generate the mutants of a module from its syntax tree."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MARK = "mutant"
"""What replaces None, and precedes the text of a string."""

CONTEXT = 30
"""How much of the unchanged text a mutant's name shows before and after the change, in characters."""

Members = Mapping[tuple[str, str], str]
"""The enumeration and name of each enum member, with the name of the member after it."""

_COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}

_OPERATORS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}

_FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}

_METHODS = {
    "casefold": "upper", "lower": "upper", "strip": "lstrip", "fullmatch": "match", "partition": "rpartition",
    "startswith": "endswith", "endswith": "startswith",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change. `place` is the function, class or constant that contains it."""

    module: str
    place: str
    change: str
    source: str

    def __str__(self) -> str:
        """Return the name, which contains no line number, so that it outlives changes elsewhere in the module."""
        return f"{self.module}.{self.place}: {self.change}"


@dataclass(frozen=True, slots=True)
class Site:
    """A node that a mutant may replace, and where its parent holds it."""

    place: str
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def put(self, node: ast.AST) -> None:
        """Replace the node in the tree."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def enum_members(sources: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the members of every StrEnum, each with the one after it."""
    found: dict[tuple[str, str], str] = {}
    for node in (one for source in sources for one in ast.parse(source).body):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "StrEnum" for base in node.bases):
            names = [ast.unparse(one.targets[0]) for one in node.body if isinstance(one, ast.Assign)]
            found |= {(node.name, name): after for name, after in pairwise([*names, *names[:1]])}
    return found


def mutants(module: str, source: str, members: Members) -> Iterator[Mutant]:
    """Generate every mutant of a module that compiles."""
    tree = ast.parse(source)
    seen, names = {ast.unparse(tree)}, Counter[str]()
    for site in list(_sites(tree, "")):
        for replacement in _changes(site, members):
            site.put(replacement)
            mutated = ast.unparse(ast.fix_missing_locations(tree))
            site.put(site.node)
            if mutated in seen or not _compiles(mutated):
                continue
            seen.add(mutated)
            change = _difference(_shown(site.node), _shown(replacement))
            names[f"{site.place}: {change}"] += 1
            number = names[f"{site.place}: {change}"]
            yield Mutant(module, site.place, f"{change} #{number}" if number > 1 else change, mutated)


def _compiles(source: str) -> bool:
    try:
        compile(source, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.Pass):
        return "removed"
    return " ".join(ast.unparse(node).split())


def _difference(before: str, after: str) -> str:
    """Return both texts, without most of what is equal at the beginning and the end."""
    start = _equal_at_start(before, after)
    end = _equal_at_start(before[start:][::-1], after[start:][::-1])
    first, last = max(0, start - CONTEXT), max(0, end - CONTEXT)
    left, right = "…" if first else "", "…" if last else ""
    return " -> ".join(f"{left}{text[first : len(text) - last]}{right}" for text in (before, after))


def _equal_at_start(one: str, other: str) -> int:
    """Return how many characters at the beginning are equal."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))


def _sites(node: ast.AST, place: str) -> Iterator[Site]:
    """Walk over everything that decides what the module does, outermost first.

    Types, imports, docstrings and Protocols do not.
    """
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "bases"):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or _is_skipped(child, node):
                continue
            inside = _place(child, place)
            yield Site(inside, node, field, index, child)
            yield from _sites(child, inside)


def _is_skipped(child: ast.AST, parent: ast.AST) -> bool:
    match child:
        case ast.Import() | ast.ImportFrom() | ast.expr_context() | ast.Expr(value=ast.Constant()):
            return True
        case ast.ClassDef(bases=bases):
            return any(ast.unparse(base) == "Protocol" for base in bases)
        case ast.Assign(value=ast.Subscript()):
            return isinstance(parent, ast.Module)  # an alias of a type
        case ast.Constant(value=None):
            return isinstance(parent, ast.Compare | ast.Return)
    return False


def _place(node: ast.AST, place: str) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return f"{place}.{name}".lstrip(".")
        case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target) if not place or place[0].isupper():
            return place if "." in place else f"{place}.{ast.unparse(target)}".lstrip(".")
    return place


def _changes(site: Site, members: Members) -> Iterator[ast.AST]:
    """Generate what may replace a node."""
    node = site.node
    if site.field == "decorator_list":
        yield ast.parse("lambda decorated: decorated", mode="eval").body
        return
    if site.field in ("test", "ifs", "guard") and not isinstance(node, ast.Constant):
        yield from (ast.Constant(value=value) for value in (True, False))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        after = members.get((node.value.id, node.attr))
        if after:
            yield _with(node, attr=after)
    yield from _CHANGES.get(type(node), _no_changes)(node)


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    changed = copy(node)
    for field, value in changes.items():
        setattr(changed, field, value)
    return changed


def _without_one(values: list[Any]) -> Iterator[list[Any]]:
    for index in range(len(values)):
        yield values[:index] + values[index + 1 :]


def _no_changes(_node: Any) -> Iterator[ast.AST]:
    yield from ()


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield _with(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])


def _bool_op(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for rest in _without_one(node.values):
        yield _with(node, values=rest) if len(rest) > 1 else rest[0]


def _bin_op(node: ast.BinOp) -> Iterator[ast.AST]:
    other = _OPERATORS.get(type(node.op))
    if other:
        yield _with(node, op=other())


def _unary_op(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int() | float():
            yield ast.Constant(node.value + 1)
        case str():
            yield ast.Constant(MARK + node.value)
        case None:
            yield ast.Constant(MARK)


def _call(node: ast.Call) -> Iterator[ast.AST]:
    for keywords in _without_one(node.keywords):
        yield _with(node, keywords=keywords)
    for index, argument in enumerate(node.args):
        if not isinstance(argument, ast.Starred | ast.Constant):
            yield _with(node, args=[*node.args[:index], ast.Constant(None), *node.args[index + 1 :]])
    match node.func:
        case ast.Name(id=name) if name in _FUNCTIONS:
            yield _with(node, func=_with(node.func, id=_FUNCTIONS[name]))
        case ast.Attribute(attr=name):
            if name in _METHODS:
                yield _with(node, func=_with(node.func, attr=_METHODS[name]))
            if name in _METHODS and not node.args:
                yield node.func.value


def _display(node: ast.Tuple | ast.List | ast.Set) -> Iterator[ast.AST]:
    if not isinstance(getattr(node, "ctx", None), ast.Store):
        for rest in _without_one(node.elts):
            yield _with(node, elts=rest) if rest or not isinstance(node, ast.Set) else ast.parse("set()").body[0]


def _dict(node: ast.Dict) -> Iterator[ast.AST]:
    for keys, values in zip(_without_one(node.keys), _without_one(node.values), strict=True):
        yield _with(node, keys=keys, values=values)


def _lambda(node: ast.Lambda) -> Iterator[ast.AST]:
    yield _with(node, body=ast.Constant(None))


def _return(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None:
        yield _with(node, value=ast.Constant(None))


def _assign(node: ast.Assign | ast.AnnAssign) -> Iterator[ast.AST]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        yield _with(node, value=ast.Constant(None))


def _remove(_node: ast.AST) -> Iterator[ast.AST]:
    yield ast.Pass()


def _for(node: ast.For) -> Iterator[ast.AST]:
    yield _with(node, iter=ast.Tuple([], ast.Load()))


_CHANGES: Mapping[type[ast.AST], Callable[[Any], Iterator[ast.AST]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _bool_op,
    ast.BinOp: _bin_op,
    ast.UnaryOp: _unary_op,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Tuple: _display,
    ast.List: _display,
    ast.Set: _display,
    ast.Dict: _dict,
    ast.Lambda: _lambda,
    ast.Return: _return,
    ast.Assign: _assign,
    ast.AnnAssign: _assign,
    ast.AugAssign: _remove,
    ast.Expr: _remove,
    ast.Raise: _remove,
    ast.For: _for,
}
"""What may replace a node of each type."""
