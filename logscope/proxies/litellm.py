"""LiteLLM proxy: the weights of the deployments of a model group.

Measured with LiteLLM 1.106: the router chooses at random by `litellm_params.weight`, for each
request anew; a deployment without a weight counts 0 as soon as another of its group has one; weight
goes before rpm, rpm before tpm; all that only with the routing strategy simple-shuffle, the
default. The YAML cannot tell requests apart within a group, so a route gets one split, whatever its
types.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from logscope import splits
from logscope.errors import UsageError
from logscope.names import canonical_model
from logscope.proxies import Export
from logscope.recommendation import EXPLORE, LIKELY, SWITCH, Recommendation, TypeSplit
from logscope.yaml_edit import Document, Path

TITLE = "LiteLLM proxy: weights of the deployments in its config.yaml"
EXPORTABLE = (EXPLORE, LIKELY, SWITCH)
SAME_SPLIT = 0.03  # types whose splits differ by less can share one set of weights
AS_TODAY = 0.005
SHUFFLE = "simple-shuffle"
PRECEDENCE = ("weight", "rpm", "tpm")
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*[A-Za-z0-9]")
NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off"}


@dataclass(frozen=True)
class Group:
    """The split that a model group is to get, and how it came about."""

    route: str
    split: dict[str, float]
    about: str


class NotExportedError(Exception):
    """Why a route is left as it is."""


def export(recommendation: Recommendation, base: str | None, name: str) -> Export:
    """Return the exportable splits as YAML: a fragment, or `base` with its weights changed."""
    groups, notes = [], []
    for route in dict.fromkeys(one.route for one in recommendation.types):
        try:
            groups.append(group_split([one for one in recommendation.types if one.route == route]))
        except NotExportedError as reason:
            notes.append(f"{shown(route)}: {reason}")
    if base is None:
        return Export(fragment(recommendation, groups, notes), tuple(notes))
    document = Document(base, name)
    if not document.length(("model_list",)):
        raise UsageError(f"{name} has no model_list. Give LiteLLM's config.yaml.")
    changed = False
    for group in groups:
        try:
            weights, changes = apply(document, group)
            changed = changed or changes
            state = "" if changes else " (as it is)"
            notes.append(f"{shown(group.route)}: {weights}{state}; {group.about}")
        except NotExportedError as reason:
            notes.append(f"{shown(group.route)}: not exported, {reason}")
    strategy = document.scalar(("router_settings", "routing_strategy"))
    if changed and strategy not in (None, SHUFFLE):
        notes.append(
            f"LiteLLM reads weights only with routing_strategy {SHUFFLE}; here it is "
            f"{shown(strategy)}."
        )
    if changed:
        notes.append("Restart LiteLLM for it to read the change.")
    return Export(document.text(), tuple(notes))


def group_split(types: Sequence[TypeSplit]) -> Group:
    """Return the one split for all types of a route, or say why there is none."""
    # An exploration that is under way already proposes today's split: then there is nothing to do.
    moving = [
        one
        for one in types
        if one.verdict in EXPORTABLE and not splits.alike(one.current, one.proposed, AS_TODAY)
    ]
    if not moving:
        verdicts = ", ".join(dict.fromkeys(one.verdict for one in types))
        raise NotExportedError(f"nothing to export ({verdicts}), the split stays as it is")
    route = types[0].route
    if len(types) == 1:
        return Group(
            route, dict(moving[0].proposed), f"{moving[0].verdict} {shown(moving[0].name)}"
        )
    for one in types[1:]:
        if not splits.alike(one.current, types[0].current, by_chance(one, types[0])):
            raise NotExportedError(
                "not exported, its types are routed differently today and LiteLLM's YAML has one "
                "set of weights for all"
            )
    for one in moving[1:]:
        if not splits.alike(one.proposed, moving[0].proposed, by_chance(one, moving[0])):
            names = " and ".join(repr(shown(one.name)) for one in (moving[0], one))
            raise NotExportedError(
                f"not exported, its types {names} want different splits and LiteLLM's YAML cannot "
                "tell them apart"
            )
    shares = [(one.share, one.proposed if one in moving else one.current) for one in types]
    names = ", ".join(shown(one.name) for one in moving)
    which = f"{names}; the others as today" if len(moving) < len(types) else "alike in all"
    about = f"average of its {len(types)} types by share ({moving[0].verdict}: {which})"
    return Group(route, splits.rounded(splits.averaged(shares)), about)


def by_chance(one: TypeSplit, other: TypeSplit) -> float:
    """Return by how much the shares of two types may differ without meaning it."""
    smaller = min(one.n, other.n)
    return max(SAME_SPLIT, 1.5 / smaller**0.5) if smaller else 1.0


def fragment(recommendation: Recommendation, groups: Sequence[Group], notes: Sequence[str]) -> str:
    """Return a piece of configuration to be copied; without a split only comments."""
    lines = [f"# {recommendation.config_id} of logscope, weights for LiteLLM's config.yaml"]
    lines += [f"# {note}" for note in notes]
    lines += [f"# {shown(group.route)}: {group.about}" for group in groups]
    if groups:
        lines.append("# `model` is the plain name: keep your own, with provider and keys.")
        lines.append("model_list:")
    for group in groups:
        weights = splits.whole_weights(group.split, total_for(group.split))
        for model, weight in weights.items():
            lines += [
                f"- model_name: {text(group.route)}",
                "  litellm_params:",
                f"    model: {text(model)}",
                f"    weight: {weight}",
            ]
    if groups:
        lines += ["router_settings:", f"  routing_strategy: {SHUFFLE}  # only it reads the weights"]
    return "\n".join(lines) + "\n"


def text(value: str) -> str:
    """Return a text as a YAML value; what comes from a log stays a text."""
    if PLAIN.fullmatch(value) and value.lower() not in NOT_TEXT:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def shown(value: str) -> str:
    """Return a text for a comment or a terminal: on one line, whatever counts as a line break."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)


def apply(document: Document, group: Group) -> tuple[str, bool]:
    """Set the weights of a group's deployments; return them in words, and whether any changed."""
    places = deployments(document, group)
    shares: dict[Path, float] = {}
    for model, share in group.split.items():
        mine = [place for place, its in places.items() if its == model]
        if share and not mine:
            raise NotExportedError(
                f"the base file has no deployment of {shown(model)} in this group"
            )
        parts = within(document, mine, list(places))
        shares |= {place: share * part for place, part in zip(mine, parts, strict=True)}
    keyed = {f"{i:06}": shares[place] for i, place in enumerate(places) if place in shares}
    weights = list(splits.whole_weights(keyed, total_for(keyed)).values())
    changed = False
    words = []
    for place, weight in zip([place for place in places if place in shares], weights, strict=True):
        changes = document.set_whole((*place, "litellm_params"), "weight", weight, after="model")
        changed = changed or changes
        words.append(f"{shown(places[place] or '')} {weight}")
    return ", ".join(words), changed


def deployments(document: Document, group: Group) -> dict[Path, str | None]:
    """Return the deployments of a group with the model of the split that each serves.

    None is one that gets nothing today and stays so.
    """
    places: dict[Path, str | None] = {}
    for i in range(document.length(("model_list",))):
        place: Path = ("model_list", i)
        if document.scalar((*place, "model_name")) != group.route:
            continue
        named = document.scalar((*place, "litellm_params", "model"))
        if named is None:
            raise NotExportedError("a deployment of this group has no litellm_params.model")
        provider = document.scalar((*place, "litellm_params", "custom_llm_provider"))
        # The name of an Azure deployment is the user's own; its model stands in model_info.
        based = document.scalar((*place, "model_info", "base_model"))
        names = [canonical_model(provider, name) for name in (based, named) if name]
        model = next((name for name in names if name in group.split), None)
        if model is None and amount(document, place, "weight") != 0:
            raise NotExportedError(
                f"the base file has {shown(named)} in this group, which the logs never saw there; "
                "give it weight 0, or ingest the logs since it is there"
            )
        places[place] = model
    if not places:
        raise NotExportedError("the base file has no model group of this name")
    return places


def within(document: Document, mine: Sequence[Path], group: Sequence[Path]) -> list[float]:
    """Return how the deployments of one model share its traffic today: by weight, rpm or tpm."""
    for key in PRECEDENCE:
        if any(amount(document, place, key) is not None for place in group):
            amounts = [amount(document, place, key) or 0.0 for place in mine]
            if sum(amounts) > 0:
                return [value / sum(amounts) for value in amounts]
            break
    return [1 / len(mine)] * len(mine)


def amount(document: Document, place: Path, key: str) -> float | None:
    """Return a number of a deployment's litellm_params, None without one."""
    found = document.scalar((*place, "litellm_params", key))
    try:
        value = float(found) if found is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None


def total_for(split: splits.Split) -> int:
    """Return the sum for the weights: 100 where percents say it exactly, else 1,000."""
    percents = splits.whole_weights(split, 100)
    exact = all(abs(percents[name] / 100 - share) < 1e-9 for name, share in split.items())
    return 100 if exact else splits.UNITS
