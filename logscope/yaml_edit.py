"""Changing numbers in somebody's YAML file and nothing else: every other character stays.

The parser tells where each value stands; the text is changed there and parsed again, and unless
exactly the wanted values differ, the change is refused.
"""

from __future__ import annotations

from typing import Any

from logscope.errors import UsageError

Path = tuple[str | int, ...]
MAX_DEPTH = 60


class Document:
    """A YAML text whose root is a mapping. Raises UsageError if it is anything else."""

    def __init__(self, text: str, name: str = "The base file") -> None:
        self.name = name
        self.before = text
        self.root = self._compose(text)
        self._edits: list[tuple[int, int, str]] = []
        self._wanted = _plain(self.root, self.name)

    def set_whole(self, path: Path, key: str, value: int, after: str) -> bool:
        """Set `key` of the mapping at `path` to a whole number; tell whether that changes anything.

        A new key is written behind the key `after`, which must be there.
        """
        mapping = self.find(path)
        number = str(value)
        old = _pair(mapping, key)
        if old is not None:
            if old[1].value == number:
                return False
            start, end = old[1].start_mark.index, old[1].end_mark.index
            self._edits.append((start, end, number))
        else:
            self._edits.append(self._insertion(mapping, after, f"{key}: {number}"))
        _set(self._wanted, path, key, number)
        return True

    def find(self, path: Path) -> Any:
        """Return the node at a path of keys and positions, None if there is none."""
        node = self.root
        for step in path:
            if isinstance(step, int):
                items = node.value if _kind(node) == "seq" else []
                node = items[step] if step < len(items) else None
            else:
                pair = _pair(node, step)
                node = pair[1] if pair else None
        return node

    def length(self, path: Path) -> int:
        """Return the number of items of the list at a path, 0 if there is no list."""
        node = self.find(path)
        return len(node.value) if _kind(node) == "seq" else 0

    def scalar(self, path: Path) -> str | None:
        """Return the text of the value at a path, None if there is no single value."""
        node = self.find(path)
        return str(node.value) if _kind(node) == "scalar" else None

    def text(self) -> str:
        """Return the changed text; UsageError if the change could not be made alone."""
        after = self.before
        for start, end, new in sorted(self._edits, reverse=True):
            after = after[:start] + new + after[end:]
        if self._edits and not self._as_wanted(after):
            raise UsageError(
                f"{self.name} shares values between places (anchors, aliases), so one cannot be "
                "changed alone. Write the weights of these deployments out, then export again."
            )
        return after

    def _as_wanted(self, after: str) -> bool:
        try:
            return bool(_plain(self._compose(after), self.name) == self._wanted)
        except UsageError:
            return False

    def _compose(self, text: str) -> Any:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            root = YAML(pure=True).compose(text)
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" (line {mark.line + 1})" if mark is not None else ""
            raise UsageError(f"{self.name} is not valid YAML{where}. Mend it first.") from error
        if _kind(root) != "map":
            raise UsageError(f"{self.name} is no configuration: its top is no mapping of keys.")
        return root

    def _insertion(self, mapping: Any, after: str, entry: str) -> tuple[int, int, str]:
        """Return where a new entry of a mapping goes, and its text."""
        pair = _pair(mapping, after)
        if pair is None:
            raise UsageError(f"{self.name}: a mapping has no {after!r} to write {entry!r} behind.")
        key, value = pair
        start, end = key.start_mark, value.end_mark
        plain = _kind(value) == "scalar" and value.start_mark.line == end.line == start.line
        # An alias has its place where its anchor stands; then the entry goes before the key.
        if not plain or value.start_mark.index < start.index:
            gap = ", " if mapping.flow_style else self._line_break(start.index) + " " * start.column
            return start.index, start.index, entry + gap
        if mapping.flow_style:
            return end.index, end.index, f", {entry}"
        line_end = self._end_of_line(end.index)
        return line_end, line_end, self._line_break(end.index) + " " * start.column + entry

    def _end_of_line(self, index: int) -> int:
        end = self.before.find("\n", index)
        if end < 0:
            return len(self.before)
        return end - 1 if self.before[end - 1] == "\r" else end

    def _line_break(self, index: int) -> str:
        """Return the line break in use around a place."""
        end = self.before.find("\n", index)
        end = end if end >= 0 else self.before.find("\n")
        return "\r\n" if end > 0 and self.before[end - 1] == "\r" else "\n"


def _kind(node: Any) -> str:
    """Return scalar, seq, map, or nothing for no node."""
    return getattr(node, "id", "").replace("sequence", "seq").replace("mapping", "map")


def _pair(node: Any, key: str) -> tuple[Any, Any] | None:
    """Return the nodes of a key and its value; of repeated keys the last counts."""
    found = None
    for pair in node.value if _kind(node) == "map" else ():
        if _kind(pair[0]) == "scalar" and pair[0].value == key:
            found = pair
    return found


def _plain(node: Any, name: str, depth: int = 0) -> Any:
    """Return a node as dicts, lists and (tag, text), so that two documents can be compared."""
    if depth > MAX_DEPTH:
        raise UsageError(f"{name} is nested too deeply, or holds itself. Mend it first.")
    kind = _kind(node)
    if kind == "scalar":
        return (str(node.tag), node.value)
    if kind == "seq":
        return [_plain(item, name, depth + 1) for item in node.value]
    return {
        repr(_plain(key, name, depth + 1)): _plain(value, name, depth + 1)
        for key, value in node.value
    }


def _set(plain: Any, path: Path, key: str, number: str) -> None:
    for step in path:
        plain = plain[step if isinstance(step, int) else repr(("tag:yaml.org,2002:str", step))]
    plain[repr(("tag:yaml.org,2002:str", key))] = ("tag:yaml.org,2002:int", number)
