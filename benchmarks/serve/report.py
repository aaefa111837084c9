"""What the server did under load, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MIB = 2**20
RATES = ("clients", "audio s a second", "times one client's", "first audio, p50", "p95", "whole answer, p50", "p95",
         "answers", "equal to the byte", "wrong", "429", "memory at most, MiB")  # fmt: skip
ENDS = ("", "clients", "begun", "of these finished", "cut", "wrong", "refused by 503", "no connection",
        "seconds until the end", "exit code")  # fmt: skip


def serving_markdown(results: Mapping[str, Any]) -> str:
    """All tables of the runs that there are."""
    runs = results["runs"]
    lines = [
        "Clients and server are on one machine, and answers are streamed as pcm. Every answer that came to its end",
        "is held against the same text, voice and seed, spoken alone by `Bark`; what is neither equal nor wrong",
        "differs in the last of a sample's 16 bits.",
    ]
    for title, mode, tables in (
        ("So many clients at a time", ("rates",), _rates),
        ("More than can be done", ("overload",), _overload),
        ("Clients that hang up", ("hangup",), _hangup),
        ("Told to end under load", ("term", "term-group"), _ends),
    ):
        found = {name: runs[name] for name in mode if name in runs}
        if found:
            made = dict.fromkeys(map(_made, found.values()))  # once, where they were made together
            lines += ["", f"## {title}", "", *made, "", *tables(found), *_faults(found)]
    return "\n".join(lines) + "\n"


def _made(run: Mapping[str, Any]) -> str:
    machine, load, flags = run["machine"], run["load_average"], " ".join(run["flags"]) or "no flags"
    where = f"{machine['processor']}, {machine['cores']} cores, load average {load['before']} → {load['after']}"
    texts = f"{len(run['texts'])} texts in turn"
    return f"- `{run['command']}`: {run['when'][:10]}; {where}; `bark serve` with {flags}; {texts}"


def _rates(found: Mapping[str, Any]) -> Iterator[str]:
    runs = found["rates"]["clients"]
    yield from _head(RATES)
    for run in runs:
        yield _row(
            run["clients"],
            f"{run['audio_rate']:.2f}",
            f"{run['audio_rate'] / runs[0]['audio_rate']:.2f} ×" if runs[0]["audio_rate"] else "–",
            *_latencies(run),
            run["whole"],
            run["equal"],
            run["wrong"] + run["cut"],
            run["statuses"].get("429", 0),
            f"{run['memory']['peak'] / MIB:.0f}",
        )


def _overload(found: Mapping[str, Any]) -> Iterator[str]:
    run = found["overload"]
    memory = {name: f"{value / MIB:.0f}" for name, value in run["memory"].items()}
    possible, pace = f"{run['possible']:.2f} answers a second", f"{run['pace']:.2f}"
    yield f"{possible} can be given; for {run['seconds']:.0f} s, {pace} are asked for."
    yield ""
    yield from _head(("", "figure"))
    yield _row("asked", run["asked"])
    for status, count in run["statuses"].items():
        yield _row(f"answered by {status}" if status != "0" else "not answered", count)
    yield _row("whole", run["whole"])
    yield _row("equal to the byte", run["equal"])
    yield _row("wrong or cut", run["wrong"] + run["cut"])
    yield _row("audio s a second", f"{run['audio_rate']:.2f}")
    names = ("first audio, p50, s", "first audio, p95, s", "whole answer, p50, s", "whole answer, p95, s")
    yield from (_row(name, value) for name, value in zip(names, _latencies(run), strict=True))
    yield _row("memory before, MiB", memory["before"])
    yield _row("at most in the first tenth", memory["first_tenth"])
    yield _row("at most in the last tenth", memory["last_tenth"])
    yield _row("at most", memory["peak"])


def _hangup(found: Mapping[str, Any]) -> Iterator[str]:
    run = found["hangup"]
    yield f"{run['clients']} clients, of whom {run['left_half_way']} left half-way through their audio."
    seconds, rows = f"{run['seconds_until_free']:.2f} s after the last", f"{run['rows']:.0f} rows"
    yield f"{seconds}, {run['jobs']:.0f} jobs and {rows} were left."
    yield f"The next answer was {'right' if run['answers_after'] else 'wrong'}."
    yield ""
    yield from _head(("", "before", "after"))
    for name, label in (("processes", "processes"), ("threads", "threads"), ("files", "open files and connections"),
                        ("left", "temporary files")):  # fmt: skip
        yield _row(label, run["before"][name], run["after"][name])
    yield _row("memory, MiB", *(f"{run[when]['memory'] / MIB:.0f}" for when in ("before", "after")))


def _ends(found: Mapping[str, Any]) -> Iterator[str]:
    yield from _head(ENDS)
    names = {"term": "SIGTERM to the server", "term-group": "SIGTERM to all of its processes"}
    for mode, run in found.items():
        counts = [run[name] for name in ("clients", "begun", "finished", "cut", "wrong")]
        statuses = [run["statuses"].get(status, 0) for status in ("503", "0")]
        yield _row(names[mode], *counts, *statuses, f"{run['seconds_until_the_end']:.1f}", run["exit_code"])


def _faults(found: Mapping[str, Any]) -> Iterator[str]:
    faults = [fault for run in found.values() for fault in run["faults"]]
    if faults:
        yield ""
        yield from (f"- the server said: {fault}" for fault in faults)


def _latencies(run: Mapping[str, Any]) -> list[str]:
    found = [run[name].get(share) for name in ("first", "total") for share in ("p50", "p95")]
    return ["–" if value is None else f"{value:.2f}" for value in found]


def _head(names: tuple[str, ...]) -> Iterator[str]:
    yield _row(*names)
    yield "| --- |" + " ---: |" * (len(names) - 1)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
