"""Safe SQL: what a user's text may reach, told from its syntax tree before it runs.

A question or a condition reads the views of the store; a table function could read any file.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb

from logscope.config import DEFAULT_SOURCE, Config
from logscope.errors import UsageError
from logscope.queries import find_queries
from logscope.tables import new_connection, scan_sql

GENERATORS = {"range", "generate_series", "unnest"}


def check_select(connection: Any, text: str) -> None:
    """Raise UsageError unless `text` is one SELECT over tables, views, named queries, generators."""
    if reason := refusal(connection, text):
        raise UsageError(f"This SQL is refused: {reason}")


def check_condition(connection: Any, condition: str, place: str = "--where") -> None:
    """Raise UsageError unless a text is a condition over the view `requests`; `place` is where it stands."""
    # Without brackets of ours, because `a) or (b` is whole only within them.
    reason = refusal(connection, f"select {condition}\n from requests")
    if not reason:
        question = f"describe select ({condition}) from requests"
        try:
            kinds = [row[1] for row in connection.execute(question).fetchall()]
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
        else:
            if kinds != ["BOOLEAN"]:
                reason = f"it gives {', '.join(kinds)}, not true or false."
    if reason:
        raise UsageError(f"{place} {condition!r} is no SQL condition: {reason}")


def check_rules(config: Config) -> None:
    """Raise UsageError for a rule of logscope.toml that is no SQL over a request's columns."""
    if not any(config.section(name) for name in DEFAULT_SOURCE):
        return
    with new_connection() as connection:
        connection.execute(f"create view requests as {scan_sql('requests', [])}")
        for name in DEFAULT_SOURCE:
            rule = config.rule_sql(name)
            for given in config.section(name).get("rules", []):
                place = f"{config.path}: [[{name}.rules]] when ="
                check_condition(connection, str(given["when"]), place)
            try:
                connection.execute(f"select {rule} from requests")
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                raise UsageError(f"{config.path}: [{name}] from: {reason}") from error


def refusal(connection: Any, text: str) -> str | None:
    """Return why a text is not one SELECT that stays inside the store; None if it is."""
    tree = json.loads(
        connection.execute("select json_serialize_sql($text)", {"text": text}).fetchone()[0]
    )
    if tree.get("error"):
        message = str(tree.get("error_message", "it cannot be parsed"))
        if "Only SELECT" in message:
            message = "only a SELECT may run here"
        return f"{message}. Write one SELECT over the store's views."
    if len(tree["statements"]) != 1:
        return "one SELECT at a time."
    for name in table_functions(tree):
        if name not in GENERATORS | set(find_queries()):
            return (
                f"{name}() may reach outside the store. Read the views (requests, operations, "
                "sessions, streams, scores, files, rejects); other files go in by `ingest`."
            )
    return None


def table_functions(node: Any) -> list[str]:
    """Return the names of all table functions in a serialised syntax tree."""
    names: list[str] = []
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            names.append(str(node["function"]["function_name"]).lower())
        for value in node.values():
            names += table_functions(value)
    elif isinstance(node, list):
        for value in node:
            names += table_functions(value)
    return names
