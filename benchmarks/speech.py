"""pup beside other voices that fit on a small machine: the same sentences, in turn, and how fast each is spoken."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import Any

from bark.evaluation.machine import load_average, this_machine, usable_cores
from benchmarks.environments import environment
from benchmarks.process import PeerError, Process
from benchmarks.report import amount
from benchmarks.systems import WORKERS

SENTENCES = Path(__file__).parent.parent / "recipes" / "pup" / "evaluation" / "en.txt"
WARM_UP = "One, two, three."
HEAD = ("", "threads", "× real time", "seconds a sentence", "load, s", "peak memory, GiB")


@dataclass(frozen=True)
class Speaker:
    """One who speaks.

    Attributes:
        name: how tables call it.
        kind: "bark", "hibari", "kokoro" or "piper".
        voice: that it speaks with; None for its only one.
        threads: that it may use. The teachers of `bark.evaluation` use one, whatever is said here.
        options: as its worker takes them.
    """

    name: str
    kind: str
    voice: str | None = None
    threads: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)


def speakers(model: str | None, voice: str | None, kokoro_voices: Path | None, piper: Path | None) -> list[Speaker]:
    """Those that can be asked here: pup on all threads and on one, as its peers; Kokoro if its voices are there.

    Args:
        model: name or folder of ours; None for pup.
        voice: of ours; None for none.
        kokoro_voices: the file that `npm pack kokoro-js` writes.
        piper: a voice of Piper's, `NAME.onnx` with `NAME.onnx.json` beside it; None for Joe, which installs.
    """
    cores = usable_cores()
    options = {"model": model}
    found = [Speaker(f"pup, {n} threads", "bark", voice, n, options) for n in dict.fromkeys((cores, 1))]
    found.append(Speaker("hibari", "hibari", "af_heart"))
    if kokoro_voices:
        found.append(Speaker("Kokoro", "kokoro", "af_heart", options={"voices": str(kokoro_voices.absolute())}))
    model_of_piper = {"model": str(piper.absolute())} if piper else {}
    return [*found, Speaker("Piper", "piper", threads=cores, options=model_of_piper)]


def compare_speech(asked: Sequence[Speaker], sentences: Sequence[str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Has all speak all sentences, a sentence at a time; plain values for JSON."""
    before, voices = load_average(), {speaker.name: speaker.voice for speaker in asked}
    said: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory(prefix="bark-benchmarks-") as work, ExitStack() as stack:
        running = {}
        for speaker in asked:
            tell(f"loading {speaker.name}")
            try:
                running[speaker.name], said[speaker.name] = _started(speaker, Path(work), stack)
            except (PeerError, CalledProcessError) as error:  # it doesn't run, or can't be installed
                said[speaker.name] = {"missing": str(error)}
        for number, sentence in enumerate(sentences):
            tell(f"sentence {number + 1} of {len(sentences)}")
            for name, process in running.items():
                answer = process.run("say", text=sentence, voice=voices[name], seed=number)
                said[name]["seconds"].append(answer["seconds"])
                said[name]["durations"].append(answer["duration"])
        for name, process in running.items():
            said[name]["memory"] = process.run("memory")["memory"]
    return {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": asdict(this_machine()),
        "load_average": {"before": before, "after": load_average()},
        "sentences": list(sentences),
        "speakers": said,
    }


def speech_markdown(results: Mapping[str, Any]) -> str:
    """A table, and who is missing."""
    machine, load = results["machine"], results["load_average"]
    lines = [
        f"`{results['command']}`, {results['when']}",
        "",
        f"- {machine['processor']}, {machine['cores']} cores, load average {load['before']} → {load['after']}",
        f"- {len(results['sentences'])} sentences, each spoken by all before the next",
        "",
        "| " + " | ".join(HEAD) + " |",
        "| --- |" + " ---: |" * (len(HEAD) - 1),
    ]
    for name, said in results["speakers"].items():
        if "missing" in said:
            lines.append(f"| {name} |" + " – |" * (len(HEAD) - 1))
            continue
        rate = sum(said["durations"]) / sum(said["seconds"])
        values = (rate, statistics.median(said["seconds"]), said["load"], said["memory"])
        lines.append(f"| {name} | {said['threads']} | " + " | ".join(amount(value) for value in values) + " |")
    missing = {name: said["missing"] for name, said in results["speakers"].items() if "missing" in said}
    lines += [f"\n- {name}: {reason.splitlines()[0]}" for name, reason in missing.items()]
    return "\n".join(lines) + "\n"


def _started(speaker: Speaker, work: Path, stack: ExitStack) -> tuple[Process, dict[str, Any]]:
    """A process that has loaded, and spoken a sentence that doesn't count."""
    apart = speaker.kind == "piper"
    worker = WORKERS / ("piper_tts.py" if apart else "speaker.py")
    log = work / f"{len(list(work.iterdir()))}.log"
    process = stack.enter_context(Process(worker, environment("piper" if apart else None), log, speaker.threads))
    loaded = process.ask({"kind": speaker.kind, "threads": speaker.threads, "options": dict(speaker.options)})
    process.run("say", text=WARM_UP, voice=speaker.voice, seed=0)
    seen = {"threads": speaker.threads, "load": loaded["import"] + loaded["load"], "seconds": [], "durations": []}
    return process, seen
