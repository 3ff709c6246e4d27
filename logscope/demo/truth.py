"""The world the demo logs come from: tables of what is true, and the effects planted in it.

Everything the generator knows stands here as data, so that a test, or a doubting reader, can hold
what logscope finds against what was put in. Times are UTC, latencies ms, prices USD per 1M tokens.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

START = datetime(2026, 10, 19, tzinfo=UTC)  # Monday of 2026-W43
DAYS = 28
TEAMS = ("search", "support", "platform", "data", "legal")


@dataclass(frozen=True)
class Model:
    """How one model answers. TTFT = (base * size * load + region) * noise, log-normal."""

    name: str
    ttft_ms: float  # median in us-east-1, for a short prompt and average load
    per_50k: float  # TTFT grows by this share per 50,000 input tokens
    load_slope: float  # ... and by this share when the load is twice the average
    tpot_ms: float
    code_tokens: float  # output tokens on code, against gpt-5.4
    caching: str  # explicit (Anthropic), automatic (OpenAI, Google)
    input_usd: float
    cache_read_usd: float
    cache_write_5m_usd: float
    cache_write_1h_usd: float
    output_usd: float


MODELS = (
    Model("gpt-5.5", 500, 0.9, 0.06, 10.0, 0.60, "automatic", 5, 0.5, 5, 5, 30),
    Model("gpt-5.4", 450, 0.9, 0.06, 10.0, 1.00, "automatic", 2.5, 0.25, 2.5, 2.5, 15),
    Model("claude-opus-4-7", 560, 1.2, 0.25, 14.5, 1.25, "explicit", 5, 0.5, 6.25, 10, 25),
    Model("claude-sonnet-4-6", 460, 0.5, 0.02, 9.6, 1.10, "explicit", 3, 0.3, 3.75, 6, 15),
    Model("gemini-2.5-pro", 640, 0.6, 0.08, 8.5, 0.90, "automatic", 1.25, 0.125, 1.25, 1.25, 10),
)
MODEL_NAMES = tuple(model.name for model in MODELS)
TTFT_SIGMA = 0.32
TPOT_SIGMA = 0.12


@dataclass(frozen=True)
class Region:
    """Where requests are served; its people's day peaks at `peak_hour` UTC."""

    name: str
    share: float
    extra_ms: float  # on top of us-east-1's TTFT
    peak_hour: float


REGIONS = (
    Region("us-east-1", 0.48, 0, 18),
    Region("eu-west-1", 0.32, 70, 12),
    Region("ap-south-1", 0.20, 120, 7),
)
REGION_NAMES = tuple(region.name for region in REGIONS)


@dataclass(frozen=True)
class Task:
    """What requests of one kind look like, and which model callers name who ask for one."""

    name: str
    share: float  # of sessions
    input_tokens: float  # median, first operation of a session
    input_sigma: float
    output_tokens: float  # median, gpt-5.4
    output_sigma: float
    operations: float  # mean per session
    pause_s: float  # median between operations
    streamed: float
    tools: float
    temperature: float
    max_output_tokens: int
    scored: float
    features: tuple[str, str]
    teams: tuple[float, ...]  # weights, as TEAMS
    direct: tuple[float, ...]  # weights, as MODELS


TASKS = (
    Task(
        "extract", 0.46, 1800, 0.7, 210, 0.5, 2.0, 12, 0.35, 0.15, 0.0, 1024, 0.95,
        ("invoice_fields", "contract_terms"), (0.1, 0, 0, 0.6, 0.3), (0.1, 0.5, 0, 0.2, 0.2),
    ),
    Task(
        "code", 0.18, 8000, 0.8, 850, 0.7, 4.0, 90, 0.9, 0.7, 0.2, 8192, 0.8,
        ("pull_request", "migration"), (0, 0, 0.8, 0.2, 0), (0.3, 0.1, 0.4, 0.2, 0),
    ),
    Task(
        "research", 0.10, 22000, 1.0, 1300, 0.6, 2.5, 60, 0.7, 0.3, 0.7, 8192, 0.5,
        ("market_brief", "case_law"), (0.7, 0, 0, 0, 0.3), (0.4, 0.1, 0.3, 0, 0.2),
    ),
    Task(
        "chat", 0.20, 2400, 0.9, 330, 0.6, 3.5, 40, 0.95, 0.25, 0.7, 2048, 0.03,
        ("help_center", "site_search"), (0.2, 0.8, 0, 0, 0), (0.3, 0.3, 0, 0.2, 0.2),
    ),
    Task(
        "voice", 0.06, 900, 0.5, 60, 0.4, 6.0, 8, 1.0, 0.3, 0.5, 256, 0.05,
        ("phone_agent", "callback"), (0, 1, 0, 0, 0), (0.5, 0.4, 0, 0.1, 0),
    ),
    # A load test, seen by AIPerf alone.
    Task(
        "benchmark", 0.0, 550, 0.05, 110, 0.25, 1.0, 1, 1.0, 0.0, 0.7, 256, 0.0,
        ("load_test", "load_test"), (0, 0, 1, 0, 0), (0, 1, 0, 0, 0),
    ),
)  # fmt: skip
TASK_NAMES = tuple(task.name for task in TASKS)

# Truth of the score `correct`, by task, in the order of MODELS.
QUALITY = {
    "extract": (0.97, 0.94, 0.97, 0.97, 0.93),
    "code": (0.84, 0.72, 0.86, 0.67, 0.66),
    "research": (0.82, 0.72, 0.84, 0.74, 0.76),
    "chat": (0.90, 0.87, 0.90, 0.89, 0.86),
    "voice": (0.89, 0.87, 0.88, 0.88, 0.85),
    "benchmark": (0.0, 0.0, 0.0, 0.0, 0.0),
}
TOOL_ARGS = (0.95, 0.91, 0.95, 0.93, 0.90)
REFUSAL = (0.92, 0.88, 0.95, 0.93, 0.84)
MISSING_RECORD = 0.12  # share of the extract requests whose record does not exist

# The router's weights, in the order of MODELS. Chosen at random for each request.
ROUTES = {
    "smart": (0.10, 0.0, 0.50, 0.40, 0.0),
    "fast": (0.25, 0.35, 0.0, 0.20, 0.20),
}
ROUTE_NAMES = tuple(ROUTES)
CONFIG_ID = "c-7f3a"
# Before this moment the proxy's callback did not log its propensities yet.
PROPENSITY_SINCE = datetime(2026, 10, 20, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Home:
    """Which log sees a session, and how its callers ask for a model (else by name)."""

    name: str
    share: float
    smart: float
    fast: float
    retries: bool


HOMES = (
    Home("litellm_standard", 0.385, 0.58, 0.27, True),
    Home("litellm_spendlogs", 0.215, 0.0, 0.60, True),
    Home("otlp_genai", 0.177, 0.0, 0.0, True),
    Home("bedrock_invocation", 0.108, 0.0, 0.0, False),
    Home("native_requests", 0.115, 0.0, 0.30, True),
    Home("aiperf_profile", 0.0, 0.0, 0.0, False),
)
HOME_NAMES = tuple(home.name for home in HOMES)
BEDROCK_MODELS = ("claude-opus-4-7", "claude-sonnet-4-6")
BEDROCK_OPUS = 0.45  # of the requests that go to Bedrock directly
TWINS = 0.16  # share of litellm_standard's answers that a client span tells of, too


@dataclass(frozen=True)
class Window:
    """A stretch of time in which one model does something unusual."""

    model: str
    region: str | None  # None: everywhere
    starts_at: datetime
    ends_at: datetime
    size: float


THROTTLING = Window(
    "claude-opus-4-7", "us-east-1",
    datetime(2026, 11, 11, 14, tzinfo=UTC), datetime(2026, 11, 11, 16, tzinfo=UTC), 0.62,
)  # fmt: skip
INCIDENT = Window(
    "gemini-2.5-pro", None,
    datetime(2026, 11, 5, 9, tzinfo=UTC), datetime(2026, 11, 5, 10, tzinfo=UTC), 0.75,
)  # fmt: skip
REGRESSION = Window(
    "gpt-5.5", "eu-west-1",
    datetime(2026, 11, 11, 14, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC), 1.25,
)  # fmt: skip


@dataclass(frozen=True)
class Storm:
    """Sessions beyond the daily rhythm: `share` of all requests within a short window."""

    share: float
    starts_at: datetime
    minutes: int
    region: str
    task: str
    team: str
    home: str
    model: str  # asked for by name
    most: int | None = None


STORMS = (
    Storm(
        0.018, THROTTLING.starts_at, 115, "us-east-1", "code", "platform",
        "litellm_standard", "claude-opus-4-7",
    ),
    Storm(
        0.008, INCIDENT.starts_at, 55, "us-east-1", "chat", "search",
        "litellm_spendlogs", "gemini-2.5-pro",
    ),
    Storm(
        0.034, datetime(2026, 11, 10, 5, tzinfo=UTC), 10, "us-east-1", "benchmark", "platform",
        "aiperf_profile", "gpt-5.4", most=2000,
    ),
)  # fmt: skip

# Ordinary bad luck, of all attempts.
ERROR_TYPES = (
    "RateLimitError", "InternalServerError", "ServiceUnavailableError", "Timeout",
    "BadRequestError", "ClientDisconnect",
)  # fmt: skip
ERROR_CODES = (429, 500, 503, 504, 400, 499)
ERROR_RATES = (0.0015, 0.0012, 0.0015, 0.0008, 0.001, 0.0)
OPUS_THROTTLED = 0.003  # claude-opus-4-7 is short of quota all the time
CANCELLED = 0.015  # of the streams
STALLED = 0.08  # of the streams with 20 or more output tokens
STALL_MS = (1_100.0, 6_000.0)
STREAMS = 0.034  # of all requests have a native stream log
STREAMS_MOST = 2000
MAX_ATTEMPTS = 3

# Texts for the prompts, by task; the counts of tokens do not follow from their length.
SYSTEM_TEXTS = (
    "Extract the fields named by the user. Answer in JSON.",
    "You are a careful reviewer of Python and SQL.",
    "You are an analyst. Cite the passage for every statement.",
    "You help customers of Lorem Ltd. Be brief and kind.",
    "You speak on the telephone. One sentence at a time.",
    "Repeat after me.",
)
USER_TEXTS = (
    (
        "Lorem ipsum dolor sit amet: number, date, total.",
        "Consectetur adipiscing elit. Which party pays, and when?",
        "1. Find the dates\n2. Find the sums\n3. Answer as a table",
        "Sed do eiusmod tempor incididunt ut labore et dolore.",
    ),
    (
        "Why does this fail?\n```python\nlorem = [ipsum for ipsum in dolor]\n```",
        "1. Read the diff\n2. List the risks\n3. Propose a test\n4. Write it",
        "Ut enim ad minim veniam, quis nostrud exercitation.",
        "Port this:\n```sql\nselect lorem from ipsum where dolor\n```\n- same order\n- no loops",
    ),
    (
        "Compare lorem and ipsum. What differs? Since when? Why?",
        "Duis aute irure dolor in reprehenderit in voluptate velit.",
        "1. Summarise\n2. Name the sources\n3. Say what is missing",
        "Excepteur sint occaecat cupidatat non proident?",
    ),
    (
        "Where is my lorem?",
        "Sunt in culpa qui officia deserunt mollit anim.",
        "Can I return an ipsum? Until when?",
        "Thank you, and the dolor?",
    ),
    ("Hello?", "I would like to change my lorem.", "Yes.", "What does ipsum cost?"),
    ("Lorem ipsum.", "Dolor sit amet.", "Consectetur.", "Adipiscing elit."),
)


def planted() -> dict[str, Any]:
    """Return the planted effects: name -> what is true, how large, and when.

    Shares and probabilities are fractions, ratios are factors; times are ISO 8601.
    """
    sonnet, opus = MODEL_NAMES.index("claude-sonnet-4-6"), MODEL_NAMES.index("claude-opus-4-7")
    gpt55, gpt54 = (next(m for m in MODELS if m.name == name) for name in ("gpt-5.5", "gpt-5.4"))
    return {
        "weeks": ("2026-W43", "2026-W44", "2026-W45", "2026-W46"),
        "throttling": window(THROTTLING) | {"measure": "share of attempts answered with 429"},
        "incident": window(INCIDENT) | {"measure": "share of attempts answered with 5xx"},
        "ttft_regression": window(REGRESSION) | {"measure": "ratio of TTFT, after to before"},
        "region_extra_ms": {region.name: region.extra_ms for region in REGIONS},
        "ttft_ms": {model.name: model.ttft_ms for model in MODELS},
        "ttft_growth_per_50k": {model.name: model.per_50k for model in MODELS},
        "ttft_load_slope": {model.name: model.load_slope for model in MODELS},
        "tpot_ms": {model.name: model.tpot_ms for model in MODELS},
        "code_output_tokens_gpt55_to_gpt54": gpt55.code_tokens / gpt54.code_tokens,
        "quality": {
            task: dict(zip(MODEL_NAMES, row, strict=True)) for task, row in QUALITY.items()
        },
        "quality_sonnet_minus_opus": {
            task: round(row[sonnet] - row[opus], 4) for task, row in QUALITY.items()
        },
        "routes": {
            route: dict(zip(MODEL_NAMES, row, strict=True)) for route, row in ROUTES.items()
        },
        "propensity_since": PROPENSITY_SINCE.isoformat(),
        "config_id": CONFIG_ID,
        "cancelled_streams": CANCELLED,
        "stalled_streams": STALLED,
        "stall_ms": STALL_MS,
        "twins": TWINS,
        "prices_usd_per_mtok": {
            model.name: {key: value for key, value in asdict(model).items() if key.endswith("_usd")}
            for model in MODELS
        },
    }


def window(effect: Window) -> dict[str, Any]:
    return {
        "model": effect.model,
        "region": effect.region,
        "starts_at": effect.starts_at.isoformat(),
        "ends_at": effect.ends_at.isoformat(),
        "size": effect.size,
    }
