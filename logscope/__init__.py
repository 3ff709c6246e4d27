"""logscope: exact latency, true cost and proven routing from the LLM request logs you already have.

>>> import logscope
>>> store = logscope.open("logscope-store")
>>> store.latency(by=["model"])          # a polars frame
"""

from __future__ import annotations

from logscope.about import __version__
from logscope.api import Logs, open
from logscope.errors import InputError, LogscopeError, NoDataError, StoreError, UsageError

__all__ = [
    "InputError",
    "Logs",
    "LogscopeError",
    "NoDataError",
    "StoreError",
    "UsageError",
    "__version__",
    "open",
]
