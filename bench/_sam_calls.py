"""What is done to SAM in one row: saves, calls at once after each, and another function called throughout.

`python -m bench._sam_calls --measure < row.json`, run in the network of SAM's engine; prints what was seen
as JSON. The standard library alone, and the same steps as `bench.reload`, with one difference: there the
first call after a save has the new code; here calls are repeated until one has it, and the ones before are
counted.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CALL_S = 30.0
LONG_CALL_S = 900.0
READY_S = 120.0
SAVE_S = 60.0
CALM_S = 3.0
PAUSE_S = 0.005
"""After a call that has failed: the next one is not sent into the same instant."""


@dataclass(frozen=True)
class Row:
    """What to do. text: of the module `source`, with {version} in it. gate: that the long call waits for."""

    port: int
    source: str
    text: str
    gate: str
    gate_in_container: str
    saves: int
    pause_s: float
    calls_per_s: float
    waiting_max: int


@dataclass
class SamSeen:
    """What came of it.

    stale:            answers of old code to calls after a save.
    failed:           of all calls but the one in flight.
    never:            saves whose code no call has met within SAVE_S.
    calm_calls_per_s: what the caller comes to before anything is saved.
    """

    save_ms: list[float] = field(default_factory=list)
    stale: int = 0
    failed: int = 0
    never: int = 0
    calls: int = 0
    background: int = 0
    calls_per_s: float = 0.0
    calm_calls_per_s: float = 0.0
    is_kept: bool = False
    reasons: Counter[str] = field(default_factory=Counter)


class CallFailed(Exception):
    """No answer, or one that is not the handler's."""


def call(port: int, job: str, payload: object = None, timeout_s: float = CALL_S) -> object:
    """The handler's result. Raises CallFailed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST", f"/2015-03-31/functions/{job}/invocations", json.dumps(payload))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise CallFailed(f"{type(error).__name__}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise CallFailed(f"HTTP {answer.status}")
    try:
        result: object = json.loads(body)
    except ValueError as error:
        raise CallFailed("200 and no JSON" if body else "200 and nothing") from error
    if isinstance(result, dict):  # no handler of the bench returns one
        raise CallFailed(f"200 and {result.get('errorType', 'an error')}")
    return result


def wait_ready(port: int) -> None:
    until_s = time.monotonic() + READY_S
    for job in ("Tick", "Other"):
        while True:
            try:
                call(port, job)
                break
            except CallFailed as failure:
                if time.monotonic() > until_s:
                    raise SystemExit(f"bench: SAM does not answer: {failure}") from failure
                time.sleep(0.2)


def save_and_call(row: Row, version: int, seen: SamSeen) -> None:
    """One save; calls until one has the new code."""
    wrote_ns = time.time_ns()
    Path(row.source).write_text(row.text.replace("{version}", str(version)))
    while time.time_ns() - wrote_ns < SAVE_S * 1e9:
        seen.calls += 1
        try:
            result = call(row.port, "Tick")
        except CallFailed as failure:
            seen.failed += 1
            seen.reasons[str(failure)] += 1
            time.sleep(PAUSE_S)
            continue
        assert isinstance(result, list)
        if result[1] == version:
            seen.save_ms.append((result[0] - wrote_ns) / 1e6)
            return
        seen.stale += 1
    seen.never += 1


@contextmanager
def called_throughout(row: Row, seen: SamSeen) -> Iterator[None]:
    """Somebody calls another function 100 times in a second, with at most so many calls waiting."""
    is_over, waiting, lock = threading.Event(), 0, threading.Lock()

    def one() -> None:
        nonlocal waiting
        try:
            call(row.port, "Other")
        except CallFailed as failure:
            with lock:
                seen.failed += 1
                seen.reasons[str(failure)] += 1
        with lock:
            seen.background += 1
            waiting -= 1

    def caller() -> None:
        nonlocal waiting
        began_s = time.monotonic()
        with ThreadPoolExecutor(row.waiting_max) as calls:
            turn = 0
            while not is_over.is_set():
                with lock:
                    is_free = waiting < row.waiting_max
                    waiting += is_free
                if is_free:
                    calls.submit(one)
                turn += 1
                time.sleep(max(0.0, began_s + turn / row.calls_per_s - time.monotonic()))

    calling = threading.Thread(target=caller)
    calling.start()
    try:
        yield
    finally:
        is_over.set()
        calling.join()


@contextmanager
def in_flight(row: Row, seen: SamSeen) -> Iterator[None]:
    """One call goes on from the first save to the last, and then is let go."""

    def long() -> None:
        try:
            seen.is_kept = call(row.port, "Long", row.gate_in_container, LONG_CALL_S) == 0
        except CallFailed as failure:
            seen.reasons[f"in flight: {failure}"] += 1

    running = threading.Thread(target=long)
    running.start()
    time.sleep(1.0)  # it tells nobody that it has begun: its answer comes at its end
    try:
        yield
    finally:
        Path(row.gate).touch()
        running.join()


def measure(row: Row) -> SamSeen:
    calm, seen = SamSeen(), SamSeen()
    with called_throughout(row, calm):
        time.sleep(CALM_S)
    seen.calm_calls_per_s = calm.background / CALM_S
    with in_flight(row, seen), called_throughout(row, seen):
        began_s = time.monotonic()
        for version in range(1, row.saves + 1):
            save_and_call(row, version, seen)
            time.sleep(row.pause_s)
        seen.calls_per_s = seen.background / (time.monotonic() - began_s)
    return seen


def main() -> None:
    """`--ready` waits until SAM answers, `--measure` measures; the row comes as JSON on stdin."""
    row = Row(**json.load(sys.stdin))
    wait_ready(row.port)
    print(json.dumps(vars(measure(row)) if sys.argv[1] == "--measure" else {}))


if __name__ == "__main__":
    main()
