"""Exports to LiteLLM: the weights by hand, the user's file untouched but for them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from logscope.cli import app
from logscope.errors import UsageError
from logscope.proxies import export, find_proxies, read_base, unified_diff
from logscope.recommendation import (
    EXPLORE,
    KEEP,
    SWITCH,
    UNMEASURED,
    Recommendation,
    TypeSplit,
    effects_of,
)
from logscope.rules import Condition
from logscope.splits import exploring, moved_to, rounded, stepped, whole_weights, without

GOLDEN = Path(__file__).parent / "golden" / "exports"
OPUS, SONNET, GPT = "claude-opus-4-7", "claude-sonnet-4-6", "gpt-5.5"
TODAY = {OPUS: 0.6, SONNET: 0.4, GPT: 0.0}
TRY_GPT = {OPUS: 0.55, SONNET: 0.4, GPT: 0.05}


def kind(**fields: Any) -> TypeSplit:
    given = {
        "name": "all requests",
        "route": "smart",
        "rule_id": "smart/1",
        "rule": (),
        "share": 1.0,
        "candidates": (OPUS, SONNET, GPT),
        "excluded": (),
        "current": TODAY,
        "proposed": TRY_GPT,
        "verdict": EXPLORE,
        "provenance": "randomised",
        "n": 10_000,
        "ess": None,
        "covered": 0.95,
        "effects": effects_of(EXPLORE),
    }
    return TypeSplit(**{**given, **fields})


def of(*types: TypeSplit) -> Recommendation:
    since = {"since": "2026-11-02T12:00:00.000Z", "until": "2026-11-11T12:00:00.000Z"}
    verdict = types[0].verdict
    return Recommendation(
        created_at="2026-11-12T00:00:00.000Z",
        trained_on={**since, "requests": 1, "operations": 1, "sessions": 1},
        proved_on=None,
        policy={},
        verdict=verdict,
        effects=effects_of(verdict),
        types=types,
    )


def same_as_golden(text: str, name: str, update: bool) -> None:
    path = GOLDEN / name
    if update:
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode(), f"{name} differs: see pytest --update-goldens"


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(StringIO(text))


def weights(text: str, group: str = "smart") -> list[int | None]:
    return [
        item["litellm_params"].get("weight")
        for item in load(text)["model_list"]
        if item["model_name"] == group
    ]


def base(*deployments: str, rest: str = "") -> str:
    lines = "".join(f"- model_name: smart\n  litellm_params: {{{one}}}\n" for one in deployments)
    return f"model_list:\n{lines}{rest}"


OPUS_AT, SONNET_AT, GPT_AT = (
    f"model: anthropic/{OPUS}",
    f"model: anthropic/{SONNET}",
    f"model: openai/{GPT}",
)


def test_proxies_are_found_by_their_files() -> None:
    assert find_proxies() == ["litellm"]
    with pytest.raises(UsageError, match=r"Did you mean litellm\?"):
        export(of(kind()), "litelm")


def test_only_the_weights_change_in_the_users_file(update_goldens: bool) -> None:
    before = read_base(GOLDEN / "proxy.base.yaml")
    done = export(of(kind()), "litellm", before)
    assert weights(done.text) == [55, 40, 5]
    same_as_golden(done.text, "proxy.yaml", update_goldens)
    diff = unified_diff(before, done.text, "proxy.yaml")
    same_as_golden(diff, "proxy.diff", update_goldens)
    assert [line for line in diff.splitlines() if line[0] == "-" and line[:3] != "---"] == [
        "-      weight: 60"
    ]
    assert done.notes == (
        "smart: claude-opus-4-7 55, claude-sonnet-4-6 40, gpt-5.5 5; EXPLORE all requests",
        "Restart LiteLLM for it to read the change.",
    )


def test_exporting_what_is_there_changes_nothing() -> None:
    before = read_base(GOLDEN / "proxy.base.yaml")
    once = export(of(kind()), "litellm", before).text
    again = export(of(kind()), "litellm", once)
    assert again.text == once
    assert again.notes == (
        "smart: claude-opus-4-7 55, claude-sonnet-4-6 40, gpt-5.5 5 (as it is); "
        "EXPLORE all requests",
    )
    assert unified_diff(once, again.text, "x") == ""


def test_windows_line_breaks_stay(tmp_path: Path) -> None:
    unix = read_base(GOLDEN / "proxy.base.yaml")
    given, base = tmp_path / "recommendation.json", tmp_path / "proxy.yaml"
    given.write_text(of(kind()).text())
    base.write_bytes(unix.replace("\n", "\r\n").encode())
    done = CliRunner().invoke(app, ["export", str(given), "--base", str(base), "--write"])
    assert done.exit_code == 0, done.output
    after = base.read_bytes().decode()
    assert after.replace("\r\n", "\n") == export(of(kind()), "litellm", unix).text
    assert "\n" not in after.replace("\r\n", "")


def test_a_fragment_is_written_to_the_file_named(tmp_path: Path) -> None:
    given, target = tmp_path / "recommendation.json", tmp_path / "weights.yaml"
    given.write_text(of(kind()).text())
    done = CliRunner().invoke(app, ["export", str(given), "-o", str(target), "--write"])
    assert done.exit_code == 0, done.output
    assert target.read_text() == export(of(kind()), "litellm").text


def test_a_base_that_is_none_is_named(tmp_path: Path) -> None:
    given, empty = tmp_path / "recommendation.json", tmp_path / "em.yaml"
    given.write_text(of(kind()).text())
    empty.write_text("")
    done = CliRunner().invoke(app, ["export", str(given), "--base", str(empty)])
    assert done.exit_code == 2 and f"{empty} is no configuration" in done.stderr


def test_a_fragment_is_complete(update_goldens: bool) -> None:
    done = export(of(kind(), kind(route="fast", verdict=KEEP, proposed=TODAY)), "litellm")
    same_as_golden(done.text, "fragment.yaml", update_goldens)
    assert weights(done.text) == [55, 40, 5]
    assert load(done.text)["router_settings"]["routing_strategy"] == "simple-shuffle"
    assert done.notes == ("fast: nothing to export (KEEP), the split stays as it is",)


@pytest.mark.parametrize("verdict", [KEEP, UNMEASURED])
def test_what_is_not_proven_exports_nothing(verdict: str) -> None:
    before = read_base(GOLDEN / "proxy.base.yaml")
    done = export(of(kind(verdict=verdict)), "litellm", before)
    assert done.text == before
    assert done.notes == (f"smart: nothing to export ({verdict}), the split stays as it is",)
    fragment = export(of(kind(verdict=verdict)), "litellm")
    assert load(fragment.text) is None and fragment.notes == done.notes


def test_an_exploration_under_way_exports_nothing() -> None:
    under_way = kind(current={OPUS: 0.5504, SONNET: 0.3996, GPT: 0.05})
    before = read_base(GOLDEN / "proxy.base.yaml")
    done = export(of(under_way), "litellm", before)
    assert done.text == before
    assert done.notes == ("smart: nothing to export (EXPLORE), the split stays as it is",)


def test_weights_are_whole_and_sum_up() -> None:
    # 0.333 and twice 0.3335: thousandths by largest remainder, the first name of equals first.
    done = export(of(kind(proposed={OPUS: 0.333, SONNET: 0.3335, GPT: 0.3335})), "litellm")
    assert weights(done.text) == [333, 334, 333]


def test_deployments_of_one_model_share_as_they_did() -> None:
    two = (OPUS_AT + ", weight: 30", OPUS_AT + ", weight: 10", SONNET_AT + ", weight: 40")
    done = export(of(kind()), "litellm", base(*two, GPT_AT))
    # 55 % in the ratio 3 to 1: 412.5 and 137.5 thousandths, of equal remainders the first.
    assert weights(done.text) == [413, 137, 400, 50]
    by_rpm = (OPUS_AT + ", rpm: 900", OPUS_AT + ", rpm: 100", SONNET_AT + ", rpm: 1")
    assert weights(export(of(kind()), "litellm", base(*by_rpm, GPT_AT)).text) == [495, 55, 400, 50]
    alike = base(OPUS_AT, OPUS_AT, SONNET_AT, GPT_AT)
    assert weights(export(of(kind()), "litellm", alike).text) == [275, 275, 400, 50]


def test_a_drained_deployment_stays_drained() -> None:
    drained = base(OPUS_AT + ", weight: 60", OPUS_AT + ", weight: 0", SONNET_AT, GPT_AT)
    assert weights(export(of(kind()), "litellm", drained).text) == [55, 0, 40, 5]
    unknown = base(OPUS_AT, SONNET_AT, GPT_AT, "model: openai/gpt-9, weight: 0")
    assert weights(export(of(kind()), "litellm", unknown).text) == [55, 40, 5, 0]


@pytest.mark.parametrize(
    ("deployments", "why"),
    [
        ((OPUS_AT, SONNET_AT), "no deployment of gpt-5.5 in this group"),
        ((OPUS_AT, SONNET_AT, GPT_AT, "model: openai/gpt-9"), "which the logs never saw there"),
        ((OPUS_AT, "api_key: x"), "no litellm_params.model"),
    ],
)
def test_a_group_that_does_not_fit_is_left_alone(deployments: tuple[str, ...], why: str) -> None:
    before = base(*deployments)
    done = export(of(kind()), "litellm", before)
    assert done.text == before
    (note,) = done.notes
    assert note.startswith("smart: not exported, ") and why in note


def test_a_route_that_is_not_in_the_file_is_named() -> None:
    done = export(of(kind(route="elsewhere")), "litellm", base(OPUS_AT))
    assert done.notes == ("elsewhere: not exported, the base file has no model group of this name",)


EXTRACT = (Condition("task", "=", "extract"),)


def test_one_exportable_type_is_averaged_with_the_others() -> None:
    """A quarter explores gpt at 5 %: 1.25 % of the whole group, from opus."""
    types = (
        kind(name="extract", rule=EXTRACT, share=0.25),
        kind(name="rest", rule_id="smart/2", share=0.75, verdict=KEEP, proposed=TODAY),
    )
    done = export(of(*types), "litellm")
    # 0.5875, 0.4 and 0.0125 in thousandths by largest remainder; of equal ones the first.
    assert weights(done.text) == [588, 400, 12]
    assert (
        "# smart: average of its 2 types by share (EXPLORE: extract; the others as today)"
        in done.text
    )


def test_types_that_agree_are_one_split() -> None:
    types = (
        kind(
            name="a", rule=EXTRACT, share=0.5, verdict=SWITCH, proposed={OPUS: 0.05, SONNET: 0.95}
        ),
        kind(name="b", share=0.5, verdict=SWITCH, proposed={OPUS: 0.07, SONNET: 0.93}),
    )
    done = export(of(*types), "litellm")
    assert weights(done.text) == [6, 94]
    assert "(SWITCH: alike in all)" in done.text


def test_types_that_disagree_are_refused_with_the_reason() -> None:
    types = (
        kind(
            name="a", rule=EXTRACT, share=0.5, verdict=SWITCH, proposed={OPUS: 0.05, SONNET: 0.95}
        ),
        kind(name="b", share=0.5),
    )
    assert export(of(*types), "litellm").notes == (
        "smart: not exported, its types 'a' and 'b' want different splits and LiteLLM's YAML "
        "cannot tell them apart",
    )
    differently = (types[0], kind(name="b", share=0.5, verdict=KEEP, current={OPUS: 1.0}))
    assert "routed differently today" in export(of(*differently), "litellm").notes[0]


HOSTILE = [
    "smart\nmodel_list: []",
    "a: b # c",
    "- x",
    "!!python/object:os.system",
    "*alias",
    "yes",
    "null",
    "\u2028evil: 1",
    "quote\" and \\ backslash",
    "tab\there \x85 \x1b[31m",
    "\N{GRINNING FACE} & {x}",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_a_log_stays_a_text(text: str) -> None:
    done = export(of(kind(route=text, name=text, proposed={text: 0.5, OPUS: 0.5})), "litellm")
    data = load(done.text)
    assert set(data) == {"model_list", "router_settings"}
    assert [
        (item["model_name"], item["litellm_params"]["weight"]) for item in data["model_list"]
    ] == [(text, 50)] * 2
    assert text in {item["litellm_params"]["model"] for item in data["model_list"]}
    keep = export(of(kind(route=text, verdict=KEEP)), "litellm")
    assert load(keep.text) is None
    assert all(c.isprintable() for note in keep.notes for c in note)


def test_the_same_recommendation_gives_the_same_bytes() -> None:
    before = read_base(GOLDEN / "proxy.base.yaml")
    first = export(of(kind()), "litellm", before)
    assert export(of(kind()), "litellm", before) == first
    assert json.loads(json.dumps(first.notes)) == list(first.notes)


def test_the_strategy_that_reads_no_weights_is_named() -> None:
    rest = "router_settings:\n  routing_strategy: latency-based-routing\n"
    done = export(of(kind()), "litellm", base(OPUS_AT, SONNET_AT, GPT_AT, rest=rest))
    assert done.notes[1] == (
        "LiteLLM reads weights only with routing_strategy simple-shuffle; here it is "
        "latency-based-routing."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_list: [", "not valid YAML"),
        ("a: 1", "no model_list"),
        ("just text", "no configuration"),
        ("", "no configuration"),
        ("model_list: &x [*x]", "nested too deeply"),
        ("model_list: []\n--- 1\n", "not valid YAML"),
    ],
)
def test_what_is_no_configuration_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        export(of(kind()), "litellm", text)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_shared_values_are_not_changed_for_others() -> None:
    shared = base(OPUS_AT + ", weight: &w 60", SONNET_AT + ", weight: *w ", GPT_AT + ", weight: 0")
    with pytest.raises(UsageError, match="anchors"):
        export(of(kind()), "litellm", shared)
    merged = base(f"<<: *d, {OPUS_AT}", f"<<: *d, {SONNET_AT}", f"<<: *d, {GPT_AT}")
    done = export(of(kind()), "litellm", f"defaults: &d {{timeout: 5, weight: 1}}\n{merged}")
    assert weights(done.text) == [55, 40, 5]
    assert load(done.text)["defaults"] == {"timeout": 5, "weight": 1}


def test_a_weight_goes_behind_the_model_wherever_that_stands() -> None:
    before = (
        "m: &name anthropic/claude-opus-4-7\nmodel_list:\n"
        "- litellm_params:\n    model: *name\n    api_key: x\n  model_name: smart\n"
        f"- model_name: smart\n  litellm_params:\n    {SONNET_AT}  # the good one\n"
        f"- model_name: smart\n  litellm_params:\n    {GPT_AT}"
    )
    after = export(of(kind()), "litellm", before).text
    assert after == (
        "m: &name anthropic/claude-opus-4-7\nmodel_list:\n"
        "- litellm_params:\n    weight: 55\n    model: *name\n    api_key: x\n  model_name: smart\n"
        f"- model_name: smart\n  litellm_params:\n    {SONNET_AT}  # the good one\n    weight: 40\n"
        f"- model_name: smart\n  litellm_params:\n    {GPT_AT}\n    weight: 5"
    )


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no UTF-8 text"):
        read_base(tmp_path / "x.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_base(tmp_path / "none.yaml")


def test_a_diff_says_where_a_last_line_has_no_end() -> None:
    assert unified_diff("a\nb", "a\nc", "f") == (
        "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n"
        "+c\n\\ No newline at end of file\n"
    )


def test_arithmetic_of_splits() -> None:
    assert whole_weights({"a": 1, "b": 1, "c": 1}, 100) == {"a": 34, "b": 33, "c": 33}
    assert whole_weights({"a": 0.55, "b": 0.45}, 1000) == {"a": 550, "b": 450}
    # A share too small for the units still gets one, and the largest pays.
    assert whole_weights({"a": 0.9999, "b": 0.0001, "c": 0.0}, 100) == {"a": 99, "b": 1, "c": 0}
    assert rounded({"a": 1 / 3, "b": 2 / 3}) == {"a": 0.333, "b": 0.667}
    assert exploring({"a": 0.9, "b": 0.1}, ["c", "b"], 0.05) == pytest.approx(
        {"a": 0.85, "b": 0.1, "c": 0.05}
    )
    # Not more than half of the largest at once.
    many = exploring({"a": 1.0}, [f"m{i:02}" for i in range(20)], 0.05)
    assert many["a"] == pytest.approx(0.5) and len(many) == 11
    assert moved_to({"a": 0.6, "b": 0.3, "c": 0.1}, "b", ["a", "b", "c"], 0.05) == pytest.approx(
        {"a": 0.05, "b": 0.9, "c": 0.05}
    )
    assert stepped({"a": 1.0}, {"b": 1.0}, 0.25) == {"a": 0.75, "b": 0.25}
    assert without({"a": 0.6, "b": 0.3, "c": 0.1}, {"a"}) == pytest.approx(
        {"a": 0.0, "b": 0.9, "c": 0.1}
    )
