"""Every instrument, declared once. Nobody else makes one, so this page is the catalogue of what can be seen."""

from functools import cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

M = TypeVar("M", Counter, Gauge, Histogram)

REGISTRY = CollectorRegistry()

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

HTTP_REQUESTS = Counter("yijian_http_requests_total", "HTTP requests answered.", ["route", "status"], registry=REGISTRY)
HTTP_SECONDS = Histogram("yijian_http_seconds", "Time to answer an HTTP request.", ["route"], buckets=_FAST, registry=REGISTRY)
ACCEPTED = Counter("yijian_messages_accepted_total", "Messages answered 202 for the first time.", ["channel"], registry=REGISTRY)
REPEATED = Counter("yijian_messages_repeated_total", "Submissions recognised as repeats.", ["channel"], registry=REGISTRY)
REFUSED = Counter("yijian_messages_refused_total", "Submissions refused, by reason.", ["reason"], registry=REGISTRY)
SHED = Counter("yijian_shed_total", "Requests turned away for their number, by reason.", ["reason"], registry=REGISTRY)
IN_FLIGHT_MESSAGES = Gauge("yijian_in_flight_messages", "Messages between the door and their answer.", registry=REGISTRY)
IN_FLIGHT_BYTES = Gauge("yijian_in_flight_bytes", "Bytes of bodies between the door and their answer.", registry=REGISTRY)
PUBLISHED = Counter("yijian_outbox_published_total", "Events published by the relay.", registry=REGISTRY)
REPUBLISHED = Counter("yijian_reconciler_republished_total", "Messages published again by the reconciler.", registry=REGISTRY)
HANDLED = Counter("yijian_loop_handled_total", "Records handled.", ["group"], registry=REGISTRY)
HANDLING_SECONDS = Histogram("yijian_loop_batch_seconds", "Time to handle a batch.", ["group"], buckets=_FAST, registry=REGISTRY)
PAUSED = Counter("yijian_loop_paused_total", "Pauses of a loop for a dependency's trouble.", ["group"], registry=REGISTRY)
LOOP_STATE = Gauge(
    "yijian_loop_state", "How a loop is: 0 it flows, 1 it pauses for a dependency, 2 it has stopped itself.", ["group"],
    registry=REGISTRY,
)  # fmt: skip
DEAD_LETTERS = Counter(
    "yijian_dead_letters_total", "Records kept as dead letters, by reason.", ["group", "reason"], registry=REGISTRY
)
BREACHED_MINUTES = Gauge("yijian_account_breached_minutes", "Minutes whose messages do not all have a case.", registry=REGISTRY)
MISSING_CASES = Gauge("yijian_account_missing_cases", "Messages known to have no case.", registry=REGISTRY)
CHECK_FAILING = Gauge("yijian_check_failing", "Whether a check of readiness fails (1).", ["check"], registry=REGISTRY)
ACCOUNT = Gauge("yijian_account_figure", "The figures of /v1/account, by name.", ["figure"], registry=REGISTRY)
LOOP_BEAT = Gauge("yijian_loop_last_progress_seconds", "When a loop last made progress (epoch).", ["loop"], registry=REGISTRY)
MISSED_EVENTS = Counter(
    "yijian_follower_missed_events_total", "Events of cases that never came, by their numbers: the log has lost records.",
    registry=REGISTRY,
)  # fmt: skip
CLASSIFIED = Counter("yijian_classified_total", "Messages classified.", ["outcome"], registry=REGISTRY)
CASES = Counter("yijian_cases_opened_total", "Cases opened, by disposition.", ["disposition"], registry=REGISTRY)
UNLOGGED = Counter("yijian_log_lines_lost_total", "Lines that could not be written to the service's own log.", registry=REGISTRY)
EMERGENCIES = Counter("yijian_emergencies_total", "Messages classified as emergencies.", registry=REGISTRY)


@cache
def child(instrument: M, *labels: str) -> M:
    """The instrument with these labels; found again without the lock and the checks of `labels`."""
    return instrument.labels(*labels)
