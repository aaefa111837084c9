"""Results as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bark.evaluation.measures import figure
from benchmarks.checks import agreement

Results = Mapping[str, Any]


def to_markdown(results: Results) -> str:
    """All tables of a comparison, and what they were made with."""
    lines = list(_circumstances(results))
    for shape, found in results["shapes"].items():
        lines += ["", f"## Shape `{shape}`", "", *_table(found)]
        lines += ["", *_remarks(found)]
    return "\n".join(lines).rstrip() + "\n"


def amount(value: float) -> str:
    """Three digits that count, but all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _circumstances(results: Results) -> Iterator[str]:
    machine, floor, load = results["machine"], results["floor"], results["load_average"]
    rates = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {name}" for name, rate in floor["flops"].items())
    one = f" ({floor['bandwidth_one_thread'] / 1e9:.1f} by one thread)" if floor["bandwidth_one_thread"] else ""
    yield f"`{results['command']}`, {results['when']}"
    yield ""
    yield f"- {machine['processor']}, {machine['threads']} threads of {machine['cores']} cores, {machine['device']}"
    yield f"- torch {machine['torch']}, Python {machine['python']}, load average {load['before']} → {load['after']}"
    yield f"- reads {floor['bandwidth'] / 1e9:.1f} GB/s{one}, multiplies at {rates}"
    yield f"- medians of {results['rounds']} rounds; in brackets, how many times as fast as the first column"


def _table(found: Results) -> list[str]:
    systems, at_best = found["systems"], found["at_best"]
    precisions = sorted({system["precision"] for system in systems.values()})
    best = [precision for precision in precisions if any(precision in values for values in at_best.values())]
    head = ["", *systems, *(f"at best, {precision}" for precision in best)]
    rows = [
        _row(name, systems, [at_best.get(name, {}).get(precision) for precision in best]) for name in _names(systems)
    ]
    return ["| " + " | ".join(cells) + " |" for cells in [head, ["---", *["---:"] * (len(head) - 1)], *rows]]


def _names(systems: Results) -> list[str]:
    """Figures that any system has, in the order in which they were measured."""
    return list(dict.fromkeys(name for system in systems.values() for name in system["figures"]))


def _row(name: str, systems: Results, floors: Sequence[float | None]) -> list[str]:
    shown = figure(name)
    medians = [system["figures"].get(name, {}).get("median") for system in systems.values()]
    cells = ["–" if value is None else amount(value) + _ratio(medians[0], value, shown.more) for value in medians]
    return [f"{shown.label}, {shown.unit}", *cells, *("" if floor is None else amount(floor) for floor in floors)]


def _ratio(first: float | None, value: float, more: bool) -> str:
    if not first or not value or first == value:
        return ""
    return f" ({value / first if more else first / value:.2f} ×)"


def _remarks(found: Results) -> Iterator[str]:
    """What is missing and why, and whether the systems say the same."""
    systems = found["systems"]
    for name, system in systems.items():
        for reason in dict.fromkeys(system["missing"].values()):
            measures = [measure for measure, its in system["missing"].items() if its == reason]
            yield f"- {name}: no {', '.join(measures)}: {next(iter(reason.splitlines()), 'no reason')}"
    reference = next((system["check"] for system in systems.values() if system["check"]), None)
    for name, system in systems.items():
        if reference and system["check"]:
            shares = [f"{stage} {share:.0%}" for stage, share in agreement(system["check"], reference).items()]
            yield f"- {name}: likeliest tokens as the first system's: {', '.join(shares)}"
