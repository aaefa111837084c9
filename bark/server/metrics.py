"""What is measured, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from bark.server.jobs import Snapshot
from bark.server.requests import Call

SECONDS = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 600)
STATES = ("idle", "loading", "ready", "draining", "stopped", "failed")


class Metrics:
    """Counters of one app, beside what its scheduler tells when it is asked.

    Args:
        snapshot: of the scheduler.
    """

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(Scheduled(snapshot))
        self._requests = Counter(
            "bark_http_requests", "Requests.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "bark_http_request_seconds",
            "From a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.first_audio = Histogram(
            "bark_first_audio_seconds",
            "From a request for speech to its first audio.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self.speech = Histogram(
            "bark_speech_seconds",
            "From a request for speech to the end of its answer, where it was whole.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self.audio = Counter("bark_audio_sent_seconds", "Audio that was sent.", ("format",), registry=self._registry)

    def count(self, method: str, route: str, call: Call) -> None:
        """Counts a request at its end."""
        self._requests.labels(method, route, str(call.status)).inc()
        self._seconds.labels(route).observe(call.seconds)

    def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)


class Scheduled:
    """What a scheduler says of itself, asked for at each look."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        """Nothing: a registry would otherwise look while the app is being made."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families of a look."""
        now = self._snapshot()
        state = GaugeMetricFamily("bark_state", "1 for the state that the server is in.", labels=["state"])
        for name in STATES:
            state.add_metric([name], float(now.state == name))
        yield state
        waiting = GaugeMetricFamily("bark_queue_jobs", "Jobs that wait for a row.", labels=["priority"])
        waiting.add_metric(["interactive"], now.waiting)
        waiting.add_metric(["bulk"], now.waiting_bulk)
        yield waiting
        yield GaugeMetricFamily("bark_jobs", "Jobs that are taken and not ended.", now.jobs)
        yield GaugeMetricFamily("bark_held_jobs", "Jobs that wait for their client to take audio.", now.held)
        yield GaugeMetricFamily("bark_rows", "Lines that are being spoken: the batch.", now.rows)
        yield GaugeMetricFamily("bark_slots", "Lines that there is room for.", now.slots)
        fill = now.rows / now.slots if now.slots else 0.0
        yield GaugeMetricFamily("bark_batch_fill_ratio", "Part of the room that is in use.", fill)
        yield GaugeMetricFamily("bark_audio_rate", "Seconds of audio made a second, of late.", now.audio_rate)
        yield CounterMetricFamily("bark_audio_made_seconds", "Audio that was made.", now.audio_seconds)
        yield CounterMetricFamily("bark_worker_restarts", "Workers that died.", now.restarts)
        yield from _ended_and_workers(now)


def _ended_and_workers(now: Snapshot) -> Iterator[Metric]:
    ended = CounterMetricFamily("bark_jobs_ended", "Jobs by how they ended.", labels=["how"])
    for how, count in now.ended.items():
        ended.add_metric([how], count)
    yield ended
    memory = GaugeMetricFamily("bark_worker_memory_bytes", "Resident memory.", labels=["worker"])
    rows = GaugeMetricFamily("bark_worker_rows", "Lines that are being spoken.", labels=["worker"])
    for number, worker in enumerate(now.workers):
        memory.add_metric([str(number)], worker.memory)
        rows.add_metric([str(number)], worker.rows)
    yield from (memory, rows)
