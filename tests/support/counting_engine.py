"""An engine that tells what it was asked for."""

from __future__ import annotations

import threading

from livejob.local_runner.engines.port import WorkerSpec
from livejob.local_runner.engines.process import ProcessEngine, ProcessWorker


class CountingEngine(ProcessEngine):
    """Tells when a worker is launched, and of which jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[str] = []
        self.is_launched = threading.Event()

    async def launch(self, spec: WorkerSpec) -> ProcessWorker:
        self.jobs.append(spec.job)
        self.is_launched.set()
        return await super().launch(spec)
