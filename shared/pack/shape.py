"""Each file against its model: pydantic's errors, said with line, finding and remedy."""

import re
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from shared.pack.mistakes import Findings, closest, instead
from shared.pack.source import Node, Place

T = TypeVar("T")

SHAPES = {
    "string_type": "text (quote it if YAML takes it for a number, a time or a date)",
    "tuple_type": "a list: `[a, b]` or one `- a` a line",
    "model_type": "a mapping: `field: value`",
    "dict_type": "a mapping: `field: value`",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "date_from_datetime_parsing": "a date: 2026-05-01",
    "date_from_datetime_inexact": "a date: 2026-05-01",
    "date_parsing": "a date: 2026-05-01",
    "date_type": "a date: 2026-05-01",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
}
"""What pydantic's error types ask for, in the words of somebody who writes YAML."""

PATTERNS = {
    r"^[a-z0-9][a-z0-9-]*$": "lower-case letters, digits and dashes",
    r"^[a-z0-9-]+(\.[a-z0-9-]+){0,2}$": "up to three parts of lower-case letters, digits and dashes, with dots between",
    r"^\d{3,10}$": "three to ten digits",
    r"^\d{6}(\d{3}|\d{6})?$": "six, nine or twelve digits (GB/T 2260)",
}
"""The patterns of `shared.pack.parts`, in words."""


def shaped(adapter: TypeAdapter[T], annotation: Any, node: Node, findings: Findings) -> T | None:
    """The node as its model, or None with every mistake of its shape found."""
    try:
        return adapter.validate_python(node.value)
    except ValidationError as error:
        _Shape(annotation, node, findings).blame(error.errors(include_url=False))
        return None


class _Shape:
    """The errors of one file."""

    def __init__(self, annotation: Any, root: Node, findings: Findings) -> None:
        self.annotation, self.root, self.findings = annotation, root, findings

    def blame(self, errors: list[ErrorDetails]) -> None:
        """Every error once: a field that is merely misspelt is not also missing."""
        missing = {error["loc"] for error in errors if error["type"] == "missing"}
        for error in errors:
            if error["type"] == "extra_forbidden":
                missing.discard(self._unknown_field(error["loc"], missing))
            elif error["type"] != "missing":
                self._wrong_value(error)
        for place in missing:
            self.findings.mistake(self.root.nearest(*place), f"`{place[-1]}` is missing", f"`{place[-1]}: …` is needed here")

    def _unknown_field(self, place: Place, missing: set[Place]) -> Place:
        """Blame it; the answer is the place that was probably meant."""
        name, inside = str(place[-1]), place[:-1]
        absent = [str(other[-1]) for other in missing if other[:-1] == inside]
        model = _model_at(self.annotation, inside)
        meant = closest(name, absent)
        remedy = f"did you mean `{meant}`?" if meant else instead(name, _fields(model) if model else ())
        if self.root.at(*place) is None and not meant:  # {en: Water, power and gas} is two fields to YAML
            remedy += "; if a comma has cut a text in two, quote the text"
        self.findings.mistake(self.root.nearest(*place), f"unknown field `{name}`", remedy)
        return (*inside, meant or name)

    def _wrong_value(self, error: ErrorDetails) -> None:
        node = self.root.nearest(*error["loc"])
        names = [step for step in error["loc"] if isinstance(step, str)]
        if names and names[-1] == "[key]":  # the name of a field is wrong, not what stands there
            found = f"`{names[-2]}` as the name of a field"
        else:
            found = f"`{names[-1]}` is {_shown(node)}" if names else f"the file is {_shown(node)}"
        self.findings.misshapen.add(node)
        self.findings.mistake(node, found, _remedy(error, node))


def _remedy(error: ErrorDetails, node: Node) -> str:
    limits = error.get("ctx", {})
    if error["type"] == "literal_error":
        return instead(node.raw, re.findall(r"'([^']*)'", limits["expected"]))
    if error["type"] == "string_pattern_mismatch":
        return PATTERNS.get(limits["pattern"], f"text that matches {limits['pattern']}")
    return SHAPES.get(error["type"], re.sub("^(Input|String) should", "it should", error["msg"]))


def _shown(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    return "empty" if node.value is None else f"`{node.shown}`"


def _model_at(annotation: Any, place: Place) -> type[BaseModel] | None:
    """The model whose fields are named at this place of a value with this annotation."""
    for step in place:
        inner = _bare(annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            annotation = _fields(inner)[str(step)]
        else:  # the elements of a tuple, the values of a dict
            annotation = get_args(inner)[1 if get_origin(inner) is dict else 0]
    inner = _bare(annotation)
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """What stands in a pack's file and what it may be; `for` is a field there and no name in Python."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _bare(annotation: Any) -> Any:
    """Without `Annotated` and `| None`."""
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return _bare(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation
