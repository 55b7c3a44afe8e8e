"""Where the output of a run is read from: the file that a daemon on this machine writes, or a build's log.

A run's record says which, and with its next attempt it may be another. The log of a build holds what
CodeBuild and the runner say too; only what the handler, or a container job's command, wrote is given: see
`build_output`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypedDict

from livejob.aws import translated
from livejob.cli.build_output import CommandOutput, HandlerOutput
from livejob.local_runner.logs import LogLine, LogReader
from livejob.runs.model import Run
from livejob.wire.names import BuildLog, read_build_log
from livejob.wire.states import State

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient


class OutputSource:
    """The output of one run, as far as it has been written."""

    def __init__(self, local: LogReader, open_logs: Callable[[], CloudWatchLogsClient]) -> None:
        """`open_logs` is called when a build's log is read for the first time."""
        self._local = local
        self._open_logs = open_logs
        self._client: CloudWatchLogsClient | None = None
        self._readers: dict[BuildLog, _BuildLogReader] = {}

    def read_new(self, run: Run) -> Sequence[LogLine]:
        """What has been added since the last call.

        Raises:
            AwsError
        """
        place = read_build_log(run.log)
        if place is None:
            return list(self._local.read_new())
        return self._reader(place, run).read_new(run)

    def is_complete(self, run: Run) -> bool:
        """Nothing more will come for a run that has ended: a build's log follows its record with a delay."""
        place = read_build_log(run.log)
        return place is None or self._reader(place, run).is_complete(run)

    def _reader(self, place: BuildLog, run: Run) -> _BuildLogReader:
        if self._client is None:
            self._client = self._open_logs()
        return self._readers.setdefault(place, _BuildLogReader(self._client, place, run))


class _From(TypedDict, total=False):
    nextToken: str


class _BuildLogReader:
    def __init__(self, client: CloudWatchLogsClient, place: BuildLog, run: Run) -> None:
        self._client = client
        self._place = place
        self._token: str | None = None
        self._output = CommandOutput() if run.is_container else HandlerOutput(run.id)

    def is_complete(self, run: Run) -> bool:
        """Also when nobody is left to say a last word."""
        return self._output.is_complete or (run.is_container and run.state is State.CANCELLED)

    def read_new(self, run: Run) -> list[LogLine]:
        lines: list[LogLine] = []
        while True:
            answer = self._page()
            if answer is None:
                return lines
            events, token = answer
            for timestamp_ms, message in events:
                texts = self._output.take(message.removesuffix("\n"))
                lines += [LogLine(timestamp_ms, run.attempt_number, "stdout", text, "\n") for text in texts]
            if token == self._token:
                return lines
            self._token = token

    def _page(self) -> tuple[list[tuple[int, str]], str] | None:
        """Events and the token of the page after them; None while there is no log."""
        given: _From = {} if self._token is None else {"nextToken": self._token}
        with translated("logs:GetLogEvents", f"log-group{self._place.group}"):
            try:
                answer = self._client.get_log_events(
                    logGroupName=self._place.group,
                    logStreamName=self._place.stream,
                    startFromHead=True,
                    **given,
                )
            except self._client.exceptions.ResourceNotFoundException:
                return None
        events = [(each.get("timestamp", 0), each.get("message", "")) for each in answer["events"]]
        return events, answer["nextForwardToken"]
