"""Azure OpenAI logs: ticks, negative durations, properties in two forms, ids that repeat."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

RESOURCE = (
    "/SUBSCRIPTIONS/0/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/MYACCOUNT"
)
# 2026-11-10T12:00:00.1234567Z: (1794312000 + 62135596800) * 10^7 + 1234567.
TICKS = 639299088001234567


def azure_call(**changes: Any) -> dict[str, Any]:
    """A streamed call that took 2.5 s."""
    properties = {
        "apiName": "Azure OpenAI API",
        "requestTime": TICKS,
        "responseTime": TICKS + 25_000_000,
        "streamType": "Streaming",
        "modelDeploymentName": "my-chat",
        "modelName": "gpt-5.5",
        "objectId": "jane",
    }
    return {
        "time": "2026-11-10T12:00:00.9990000Z",
        "resourceId": RESOURCE,
        "category": "RequestResponse",
        "operationName": "ChatCompletions_Create",
        "correlationId": "c-1",
        "resultSignature": "200",
        "durationMs": 2500,
        "location": "westeurope",
        "properties": properties,
    } | changes


def azure_csv(records: list[dict[str, Any]]) -> str:
    """The same as Log Analytics exports it: other names, other case, JSON text."""
    rows = [
        {
            "TimeGenerated [UTC]": record["time"],
            "ResourceId": record["resourceId"],
            "Category": record["category"],
            "OperationName": record["operationName"],
            "CorrelationId": record["correlationId"],
            "ResultSignature": record["resultSignature"],
            "DurationMs": record["durationMs"],
            "location_s": record["location"],
            "properties_s": json.dumps(record["properties"]),
        }
        for record in records
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("shape", ["object", "text", "hub", "csv"])
def test_the_shapes_say_the_same(bench, shape):
    record = azure_call()
    if shape == "text":
        record["properties"] = json.dumps(record["properties"])
    if shape == "csv":
        bench.ingest(bench.write(azure_csv([record]), "log.csv"))
    else:
        bench.ingest(bench.write([{"records": [record]} if shape == "hub" else record]))
    assert bench.counts == (1, 1, 0, 0, 0)
    (row,) = bench.rows()
    assert row["request_id"] == f"c-1#{TICKS}"
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 123456, tzinfo=UTC)
    assert (row["duration_ms"], row["stream"], row["ttft_ms"]) == (2500, True, None)
    assert (row["provider"], row["model"], row["deployment"]) == ("azure", "gpt-5.5", "my-chat")
    assert (row["region"], row["http_status"], row["status"]) == ("westeurope", 200, "ok")
    assert row["input_tokens"] is None and row["cost_usd"] is None, "it logs no tokens"
    assert row["labels"]["account"] == "myaccount" and row["user_hash"] not in (None, "jane")


def test_a_negative_duration_is_none_but_the_ticks_may_tell(ingest_rows):
    rows = ingest_rows([
        azure_call(durationMs=-1021),
        azure_call(correlationId="c-2", durationMs=-1021, properties={"requestTime": TICKS}),
        azure_call(correlationId="c-3", durationMs=-5,
                   properties={"requestTime": TICKS, "responseTime": TICKS - 100_000}),
    ])  # fmt: skip
    assert [row["duration_ms"] for row in rows] == [2500, None, None]
    assert [row["stream"] for row in rows] == [True, None, None]


def test_one_correlation_id_may_be_two_calls(bench):
    later = azure_call()["properties"] | {"requestTime": TICKS + 10_000_000}
    bench.ingest(bench.write([azure_call(), azure_call(properties=later), azure_call()]))
    assert bench.counts == (3, 2, 1, 0, 0)


def test_without_properties_the_records_own_time_counts(ingest_rows):
    (row,) = ingest_rows([azure_call(properties=None, resultSignature="429", durationMs=12)])
    assert row["started_at"] == datetime(2026, 11, 10, 12, 0, 0, 999000, tzinfo=UTC)
    assert (row["status"], row["http_status"], row["model"]) == ("throttled", 429, None)


def test_a_deployment_is_no_model(ingest_rows):
    properties = {"requestTime": TICKS, "modelDeploymentName": "my-chat"}
    (row,) = ingest_rows([azure_call(properties=properties)])
    assert (row["deployment"], row["model"]) == ("my-chat", None)


def test_what_is_no_call_or_no_record(bench):
    bench.ingest(bench.write([
        azure_call(), azure_call(category="Audit"), azure_call(operationName="ListModels"),
        azure_call(operationName="Files_Upload"), azure_call(correlationId=None),
        azure_call(time=None, properties=None), "{broken",
    ]))  # fmt: skip
    assert bench.counts == (7, 1, 0, 3, 3)
    assert [reason for _, reason in bench.rejects()] == [
        "no request id",
        "no request id",
        "not JSON",
    ]
