"""Refresh: recompute what follows from rules and prices, for rows that are stored already."""

from __future__ import annotations

from typing import Any

from logscope import identity, merging, staging
from logscope.config import Config
from logscope.delta import Change
from logscope.ingest import scratch_folder, stamps
from logscope.store import MEMORY_LIMIT, Store, new_connection


def refresh(store: Store, config: Config) -> int:
    """Recompute names, task, team, region and cost of all requests in one transaction.

    Returns the number of requests that changed. What the producers said is not touched.
    """
    with store.writing() as store, scratch_folder(store) as scratch:
        connection: Any = new_connection(MEMORY_LIMIT, scratch)
        staging.prepare(connection)
        identity.open_rows(connection, store)
        connection.execute(f"create view rows as select {merging.as_logged()} from stored_requests")
        connection.execute("create table touched as select request_id from stored_requests")
        facts = merging.stream_facts(connection, store, has_streams=False)
        connection.execute(f"create table stream_facts as {facts}")
        merging.derive(connection, config)
        changes = {"requests": merging.replace_rows(connection, store, "requests")}
        book = store.write_parquet(connection, "prices", "select * from prices order by all")
        changes["prices"] = Change(adds=book, removes=store.files("prices"))
        changed = connection.execute("select count(*) from changed_keys").fetchone()[0]
        store.commit(changes, stamps(config))
        connection.close()
    return int(changed)


def staleness(store: Store, config: Config) -> str | None:
    """Return one line if rules, prices or formats changed since the last commit, else None."""
    recorded, today = store.snapshot.stamps, stamps(config)
    differ = [
        name for name in ("rules", "prices") if recorded.get(name, today[name]) != today[name]
    ]
    if differ:
        return (
            f"The {' and the '.join(differ)} changed since these logs were read: "
            "`logscope ingest --refresh` brings the store up to date."
        )
    if recorded.get("formats", today["formats"]) != today["formats"]:
        return (
            "The log formats changed since these logs were read; new files are read by the new ones. "
            "To read the old ones again, ingest them into a new store."
        )
    return None
