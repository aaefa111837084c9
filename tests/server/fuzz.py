"""Sends a server of pup whatever its schema allows and forbids, for some minutes: `python -m tests.server.fuzz`.

Beside the answers, which schemathesis holds to the schema, it looks at what the server counted: no status of 500 or
above but 503, every worker alive, and nothing left once nobody asks.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.server.process import Running, running

FLAGS = ("--max-audio", "2", "--max-text", "200", "--max-queue", "16", "--threads", "1")  # short, thus many
UNKNOWABLE = "positive_data_acceptance"  # that a text can be said, and a file is a voice
STATUS = re.compile(r'bark_http_requests_total\{.*status="(\d+)"\}')


def fuzz(server: Running, seconds: int, folder: Path) -> int:
    """Runs schemathesis against a server, and gives its exit status.

    In one thread: in Python 3.11, two that parse source at once disturb each other. Finding examples may take its time.
    """
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    command += ["--max-time", str(seconds), "--exclude-checks", UNKNOWABLE, "--continue-on-failure"]
    command += ["--request-timeout", "120", "--no-color", "--suppress-health-check", "all"]
    return subprocess.run(command, cwd=folder, check=False).returncode


def told(server: Running) -> list[str]:
    """What went wrong by the server's own counts."""
    faults = []
    for name, count in server.metrics().items():
        status = STATUS.fullmatch(name)
        if status and status[1] >= "500" and status[1] != "503" and count:
            faults.append(f"{count:g} × {name}")
    for _ in range(300):  # what was given up takes a step to end
        left = server.metrics()["bark_jobs"]
        if not left:
            break
        time.sleep(0.1)
    else:
        faults.append(f"{left:g} jobs are left")
    if restarts := server.metrics()["bark_worker_restarts_total"]:
        faults.append(f"{restarts:g} workers died")
    return faults


def main() -> int:
    """0 if nothing is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    seconds: int = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as place, running(Path(place), "--model", "pup", *FLAGS) as server:
        server.until_ready()
        failed = fuzz(server, seconds, Path(place))
        faults = told(server)
        counts = {name: count for name, count in server.metrics().items() if STATUS.fullmatch(name)}
        server.end()
        log = server.log.read_text()
    for name, count in sorted(counts.items()):
        print(f"{count:8g} {name}")
    faults += ["the log has a traceback"] if "Traceback" in log else []
    print("\n".join(faults) or "the server counted nothing wrong")
    return int(bool(failed or faults))


if __name__ == "__main__":
    sys.exit(main())
