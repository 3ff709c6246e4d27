"""Refresh: what is stored already, by today's formats, rules and prices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logscope import identity, merging, staging
from logscope.config import Config
from logscope.intake import stamps
from logscope.prices import replace_prices
from logscope.rereading import Reread, changed_formats, read_again
from logscope.safe_sql import check_rules
from logscope.store import MEMORY_LIMIT, Store
from logscope.tables import new_connection


@dataclass(frozen=True)
class Refreshed:
    """How many requests changed by today's rules and prices, and what was read again."""

    changed: int
    reread: Reread


def refresh(store: Store, config: Config) -> Refreshed:
    """Read sources again whose format changed, then recompute all that follows from rules and prices.

    Each is one transaction: killed between the two, the store says that it is out of date.
    """
    check_rules(config)
    reread = Reread()
    with store.writing() as store, store.scratch() as scratch:
        formats = changed_formats(store)
        if formats:
            kept = {**stamps(config), **store.snapshot.stamps, "formats": stamps(config)["formats"]}
            reread = read_again(store, config, formats, scratch, kept)
            store = store.refreshed()
        return Refreshed(recompute(store, config, scratch), reread)


def recompute(store: Store, config: Config, scratch: Path) -> int:
    """Recompute names, task, team, region and cost of all requests; return how many changed.

    What the producers said is not touched.
    """
    if not store.files("requests"):
        store.commit({}, stamps(config))
        return 0
    connection: Any = new_connection(MEMORY_LIMIT, scratch)
    staging.prepare(connection)
    identity.open_rows(connection, store)
    connection.execute(f"create view rows as select {merging.as_logged()} from stored_requests")
    connection.execute("create table touched as select request_id from stored_requests")
    facts = merging.stream_facts(connection, store, has_streams=False)
    connection.execute(f"create table stream_facts as {facts}")
    merging.derive(connection, config)
    rewrites = {"requests": merging.replace_rows(connection, store, "requests")}
    changes = merging.write_rows(connection, store, rewrites)
    changes["prices"] = replace_prices(connection, store, whole=True)
    changed = connection.execute("select count(*) from changed_keys_of_requests").fetchone()[0]
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
    formats = changed_formats(store) if recorded.get("formats") != today["formats"] else []
    if formats:
        return (
            f"How {' and '.join(formats)} is read changed since: `logscope ingest --refresh` reads "
            "these logs again."
        )
    return None
