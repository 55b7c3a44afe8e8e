"""A backend in memory: the twin of CodeBuild, for tests. Executes nothing; a test says how things end."""

from __future__ import annotations

from typing import Literal

from livejob.errors import AwsError, BuildNotStarted
from livejob.stub_lambda.backend import BuildEnd, Order


class MemoryBackend:
    """Remembers what it was asked.

    refusal: raised by the next `start`, once.
    ends:    execution id -> how it ended.
    trouble_about: execution id about which it gives no answer.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.stopped: list[str] = []
        self.ends: dict[str, BuildEnd] = {}
        self.refusal: BuildNotStarted | None = None
        self.trouble_about = ""

    @property
    def name(self) -> Literal["codebuild"]:
        return "codebuild"

    def start(self, order: Order) -> str:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        execution_id = f"memory_{order.job}:{order.run_id}-{order.attempt}"
        self.orders[execution_id] = order
        return execution_id

    def stop(self, execution_id: str) -> None:
        if execution_id in self.orders and execution_id not in self.ends:
            self.stopped.append(execution_id)
            self.ends[execution_id] = BuildEnd(execution_id, "STOPPED")

    def end(self, execution_id: str) -> BuildEnd | None:
        if execution_id == self.trouble_about:
            raise AwsError("the backend is away")
        return self.ends.get(execution_id)
