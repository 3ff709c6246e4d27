"""Rules: conditions on what is known before the answer, as a proxy can check them.

A rule is a list of conditions that must all hold. A list of rules sorts requests: the first rule
that holds wins, and the last one is empty, so that every request has its place. A column that is
unknown (NULL) satisfies no condition, `not in` included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logscope.config import column_sql, quote
from logscope.errors import InputError, did_you_mean

OPS = ("<=", ">", "=", "in", "not in")
NUMBER_OPS = ("<=", ">")
SET_OPS = ("in", "not in")

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Condition:
    """A column, an operator of OPS, and a value: a number, a text, true or false, or several."""

    column: str
    op: str
    value: Scalar | tuple[Scalar, ...]

    def as_json(self) -> dict[str, Any]:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"column": self.column, "op": self.op, "value": value}

    def sql(self) -> str:
        """Return the condition over the table `requests`; it is NULL where the column is."""
        column = column_sql(self.column)
        if isinstance(self.value, tuple):
            # SQL has no empty list: in it is nothing, outside it all that is known.
            if not self.value:
                return f"({column} is not null and {str(self.op == 'not in').lower()})"
            return f"{column} {self.op} ({', '.join(map(literal, self.value))})"
        return f"{column} {self.op} {literal(self.value)}"

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Tell whether the condition holds for one request, given as column -> value."""
        have = row.get(self.column)
        if have is None:
            return False
        if isinstance(self.value, tuple):
            return (have in self.value) is (self.op == "in")
        if self.op == "=":
            return bool(have == self.value)
        return bool(have <= self.value) if self.op == "<=" else bool(have > self.value)


Rule = tuple[Condition, ...]


def rule_sql(rule: Sequence[Condition]) -> str:
    """Return the SQL condition of a rule over the table `requests`; an empty rule holds always."""
    return " and ".join(condition.sql() for condition in rule) or "true"


def first_match_sql(rules: Sequence[Sequence[Condition]]) -> str:
    """Return the SQL expression for the number (from 0) of the first rule that holds, else NULL."""
    cases = " ".join(f"when {rule_sql(rule)} then {i}" for i, rule in enumerate(rules))
    return f"case {cases} end" if rules else "null"


def first_match(rules: Sequence[Sequence[Condition]], row: Mapping[str, Any]) -> int | None:
    """Return the number (from 0) of the first rule that holds for one request, None without one."""
    for i, rule in enumerate(rules):
        if all(condition.holds(row) for condition in rule):
            return i
    return None


def literal(value: Scalar) -> str:
    """Return a value of a condition as SQL; text from a log stays text."""
    if isinstance(value, bool):
        return str(value).lower()
    return quote(value) if isinstance(value, str) else repr(value)


def parse_rule(value: Any, place: str) -> Rule:
    """Read a rule from JSON; anything else is an InputError that names `place`."""
    if not isinstance(value, list):
        raise InputError(
            f"{place}: a rule is a list of conditions, each with column, op and value."
        )
    return tuple(_parse_condition(item, place) for item in value)


def _parse_condition(item: Any, place: str) -> Condition:
    if not isinstance(item, dict) or set(item) != {"column", "op", "value"}:
        raise InputError(f"{place}: a condition has exactly column, op and value.")
    column, op, value = item["column"], item["op"], item["value"]
    if not isinstance(column, str) or op not in OPS:
        raise InputError(
            f"{place}: {op!r} is no operator of a condition.{did_you_mean(str(op), OPS)}"
        )
    values = value if isinstance(value, list) else [value]
    if (op in SET_OPS) is not isinstance(value, list) or not all(map(_is_scalar, values)):
        raise InputError(f"{place}: the value of {column!r} {op} must be {_wanted(op)}.")
    if op in NUMBER_OPS and (isinstance(value, bool | str)):
        raise InputError(f"{place}: the value of {column!r} {op} must be {_wanted(op)}.")
    return Condition(column, op, tuple(value) if isinstance(value, list) else value)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | bool) or (
        isinstance(value, float) and math.isfinite(value)
    )


def _wanted(op: str) -> str:
    if op in SET_OPS:
        return "a list of texts or numbers"
    return "a number" if op in NUMBER_OPS else "a text, a number, true or false"


def simplified(rule: Sequence[Condition]) -> Rule:
    """Return the same rule without conditions that another one of the same column implies."""
    kept: dict[tuple[str, str], Condition] = {}
    for condition in rule:
        # A set in a set: the later one came from splitting what the earlier one let through.
        kind = "in" if condition.op in ("in", "=") else condition.op
        key = (condition.column, kind)
        before = kept.get(key)
        if before is None or kind == "in":
            kept[key] = condition
        elif kind == "not in":
            both = dict.fromkeys((*_values(before), *_values(condition)))
            kept[key] = Condition(condition.column, "not in", tuple(both))
        else:
            tightest = min if kind == "<=" else max
            kept[key] = tightest(before, condition, key=lambda one: one.value)
    return tuple(kept.values())


def _values(condition: Condition) -> tuple[Scalar, ...]:
    return condition.value if isinstance(condition.value, tuple) else (condition.value,)
