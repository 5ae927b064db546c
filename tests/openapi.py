"""The OpenAPI description of what the broker serves, as far as tests need to read it.

Owns no rule: what is described stands in ``docs/openapi.json``. Of JSON Schema it knows
the words that are used there, and fails at any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

FILE: Final = Path(__file__).parents[1] / "docs" / "openapi.json"
DOCUMENT: Final[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))

METHODS: Final = frozenset(
    {"delete", "get", "head", "options", "patch", "post", "put", "trace"}
)
ANYTHING: Final = "*/*"

Operation: TypeAlias = tuple[str, str]
"""A method, in capitals, and a path as it is described."""


class Answer(NamedTuple):
    """What the broker has answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """What the body is said to be, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0]


def at(reference: str) -> Any:
    """What a reference within the document leads to."""
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """The same, or what it refers to."""
    return resolved(at(node["$ref"])) if "$ref" in node else node


def references(node: Any = DOCUMENT) -> Iterator[str]:
    """Every reference of the document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def operations() -> dict[Operation, dict[str, Any]]:
    """All that is described."""
    return {
        (method.upper(), path): item
        for path, written in DOCUMENT["paths"].items()
        for method, item in resolved(written).items()
        if method in METHODS
    }


def misfits(operation: dict[str, Any], answer: Answer, *, head: bool) -> list[str]:
    """How an answer differs from what is described; to HEAD there is no body."""
    described = operation["responses"].get(str(answer.status))
    if described is None:
        return [f"status {answer.status} is not described"]
    return of_response(resolved(described), answer, head=head)


def of_response(response: dict[str, Any], answer: Answer, *, head: bool) -> list[str]:
    """How an answer differs from one response."""
    return [
        *_of_headers(response.get("headers", {}), answer),
        *_of_body(response.get("content", {}), answer, head=head),
    ]


def _of_headers(headers: dict[str, Any], answer: Answer) -> Iterator[str]:
    for name, written in headers.items():
        header = resolved(written)
        value = answer.headers.get(name.lower())
        if value is not None:
            yield from faults(value, header["schema"], name)
        elif header.get("required"):
            yield f"{name} is missing"


def _of_body(content: dict[str, Any], answer: Answer, *, head: bool) -> Iterator[str]:
    if not content:
        if answer.body:
            yield f"a body is not described: {answer.body[:60]!r}"
        return
    media = content.get(answer.type, content.get(ANYTHING))
    if media is None:
        yield f"the type {answer.type!r} is not described"
    elif head:
        if answer.body:
            yield f"HEAD is answered with a body: {answer.body[:60]!r}"
    elif "schema" in media:
        is_json = answer.type == "application/json"
        text = answer.body.decode()
        yield from faults(json.loads(text) if is_json else text, media["schema"])


# -- JSON Schema

Rule: TypeAlias = Callable[[Any, Any, str], Iterator[str]]


def faults(value: Any, schema: dict[str, Any], where: str = "$") -> Iterator[str]:
    """Why a value does not follow a schema."""
    schema = resolved(schema)
    kind = schema.get("type")
    if kind is not None and not isinstance(value, _TYPES[kind]):
        yield f"{where}: {value!r} is no {kind}"
        return
    for word in schema.keys() - {"type", "description", "additionalProperties"}:
        yield from RULES[word](value, schema[word], where)
    if schema.get("additionalProperties") is False:
        unknown = sorted(value.keys() - schema["properties"].keys())
        yield from (f"{where}: {name} is not described" for name in unknown)


_TYPES: Final = {"boolean": bool, "integer": int, "object": dict, "string": str}


def _is(fits: Callable[[Any, Any], bool], what: str) -> Rule:
    def rule(value: Any, wanted: Any, where: str) -> Iterator[str]:
        if not fits(value, wanted):
            yield f"{where}: {value!r} is not {what} {wanted!r}"

    return rule


def _required(value: Any, wanted: list[str], where: str) -> Iterator[str]:
    yield from (f"{where}: {name} is missing" for name in wanted if name not in value)


def _properties(value: Any, wanted: dict[str, Any], where: str) -> Iterator[str]:
    for name, schema in wanted.items():
        if name in value:
            yield from faults(value[name], schema, f"{where}.{name}")


def _all(value: Any, wanted: list[dict[str, Any]], where: str) -> Iterator[str]:
    for schema in wanted:
        yield from faults(value, schema, where)


def _any(value: Any, wanted: list[dict[str, Any]], where: str) -> Iterator[str]:
    why = [list(faults(value, schema, where)) for schema in wanted]
    if all(why):
        yield f"{where}: none fits: {why}"


RULES: Final[dict[str, Rule]] = {
    "allOf": _all,
    "anyOf": _any,
    "const": _is(lambda value, wanted: bool(value == wanted), "equal to"),
    "enum": _is(lambda value, wanted: value in wanted, "one of"),
    "minLength": _is(lambda value, wanted: len(value) >= wanted, "as long as"),
    "minimum": _is(lambda value, wanted: bool(value >= wanted), "at least"),
    "pattern": _is(lambda value, wanted: bool(re.search(wanted, value)), "like"),
    "properties": _properties,
    "required": _required,
}
