"""When within a week a share became another one: from an hour on, until one, or in between.

Each hour has so many requests, of which so many were slow. The stretch of hours is sought that, with
a share of its own, makes these counts likeliest. One change explains the week, or none; two (an
incident that ended) only if they do so much better. Hours are no coin tosses: what happens in one
goes on in the next. So the likelihood ratio is divided by how much more than binomially the hours
differ, and by how much each resembles the one before.

No library is used: `ruptures` finds where signals break, but not whether they do, needs Python below
3.14, and over 168 hours every pair of breaks can simply be tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_EVIDENCE = 25.0
LEAST_REQUESTS = 30
MOST_MEMORY = 0.95


@dataclass(frozen=True)
class Stretch:
    """Hours `start` to `stop` (exclusive) have a share of their own."""

    start: int
    stop: int
    share_inside: float
    share_outside: float


def changed_stretch(n: NDArray[np.int64], hits: NDArray[np.int64]) -> Stretch | None:
    """Return the stretch of hours whose share of hits is another one; None if none stands out.

    `n` and `hits` are the requests, and the slow ones among them, of each hour of a week.
    """
    hours = len(n)
    sums, hit_sums = (np.concatenate([[0], np.cumsum(counts)]) for counts in (n, hits))
    start, stop = np.triu_indices(hours + 1, 1)
    inside, inside_hits = sums[stop] - sums[start], hit_sums[stop] - hit_sums[start]
    possible = np.minimum(inside, sums[-1] - inside) >= LEAST_REQUESTS
    if not possible.any():
        return None
    gain = np.full(len(start), -np.inf)
    gain[possible] = (
        log_likelihood(inside_hits, inside)
        + log_likelihood(hit_sums[-1] - inside_hits, sums[-1] - inside)
        - log_likelihood(hit_sums[-1], sums[-1])
    )[possible]
    one_change = (start == 0) | (stop == hours)
    best, best_of_one = int(gain.argmax()), int(np.where(one_change, gain, -np.inf).argmax())
    scale = dispersion(n, hits, int(start[best]), int(stop[best]))
    chosen = best if 2 * (gain[best] - gain[best_of_one]) > LEAST_EVIDENCE * scale else best_of_one
    if 2 * gain[chosen] <= LEAST_EVIDENCE * scale:
        return None
    n_in, hits_in = int(inside[chosen]), int(inside_hits[chosen])
    return Stretch(
        int(start[chosen]),
        int(stop[chosen]),
        hits_in / n_in,
        float((hit_sums[-1] - hits_in) / (sums[-1] - n_in)),
    )


def log_likelihood(hits: NDArray[Any], n: NDArray[Any]) -> NDArray[np.float64]:
    """Return the log likelihood of `hits` among `n` at their own share."""
    missed = n - hits
    with np.errstate(divide="ignore", invalid="ignore"):
        of_hits = np.where(hits > 0, hits * np.log(hits / n), 0.0)
        return of_hits + np.where(missed > 0, missed * np.log(missed / n), 0.0)


def dispersion(n: NDArray[np.int64], hits: NDArray[np.int64], start: int, stop: int) -> float:
    """Return how much more the hours vary, inside and outside a stretch, than coin tosses; from 1.

    The sum of the products of neighbours' residuals tells how much an hour is like the next, freed
    of the binomial noise that hides it.
    """
    inside = np.zeros(len(n), dtype=bool)
    inside[start:stop] = True
    share = np.empty(len(n))
    for side in (inside, ~inside):
        share[side] = hits[side].sum() / max(n[side].sum(), 1)
    variance = n * share * (1 - share)
    counted = variance > 0
    residual = (hits - n * share)[counted] / np.sqrt(variance[counted])
    if len(residual) < 3:
        return 1.0
    squares = float(np.mean(residual**2))
    shared = max(squares - 1, 0.0)  # what is not binomial
    neighbours = max(float(np.mean(residual[1:] * residual[:-1])), 0.0)
    memory = min(neighbours / shared, MOST_MEMORY) if shared > 0 else 0.0
    return max(1.0, 1 + shared * (1 + memory) / (1 - memory))
