"""Finds the run that is meant on the command line: by its id, or by the end of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from livejob.errors import RunNotFound
from livejob.runs.model import Run
from livejob.runs.store import RunStore
from livejob.wire.ids import RunId, is_run_id

LOOKED_THROUGH = 100
"""How many of each job's latest runs are looked through for the end of an id."""

_ENDING = re.compile(r"[0-9a-f]{4,31}")


def find_run(runs: RunStore, jobs: Iterable[str], text: str) -> Run:
    """The run whose id is `text`, or ends with it.

    Raises:
        RunNotFound: none, or more than one.
    """
    if is_run_id(text):
        return runs.get(RunId(text))
    if not _ENDING.fullmatch(text):
        raise RunNotFound(f"{text!r} is neither a run's id nor the last digits of one (4 at least)")
    recent = (run for job in jobs for run in runs.recent_runs(job, LOOKED_THROUGH))
    found = [run.id for run in recent if run.id.endswith(text)]
    if not found:
        raise RunNotFound(f"none of the latest runs has an id that ends with {text}")
    if len(found) > 1:
        raise RunNotFound(f"several runs have an id that ends with {text}: {', '.join(found)}")
    return runs.get(found[0])
