"""A build's log in CloudWatch Logs: one event for each line, sent with the permissions of its role.

As in CodeBuild: every message ends with a newline, the agent's own lines begin with `[Container]` and the
time, and what came from Parameter Store, Secrets Manager or is an access key is not shown.

Source: AWS CodeBuild, 'Environment variables in build environments', 'Identifying sensitive information';
CloudWatch Logs quotas, 'Event size' and 'Batch size'.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from livejob.clock import Clock
from livejob.local_aws.build_host.messages import BuildOrder
from livejob.local_aws.build_host.phases import CLIENT_ERROR, PhaseFailed

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

LINE_BYTES = 256 * 1024 - 64
"""A longer line becomes several events."""

_BATCH_EVENTS = 1000
_BATCH_BYTES = 1024 * 1024
_EVENT_OVERHEAD_BYTES = 26
_FLUSH_AFTER_S = 0.1

_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_SECRET_MIN_CHARS = 4
"""A shorter secret would make the log unreadable and is no secret."""


class BuildLog(Protocol):
    """Where the lines of a build go."""

    def hide(self, secrets: Iterable[str]) -> None:
        """Show none of these from here on."""
        ...

    def write(self, line: str) -> None:
        """A line of a command's output, without its end."""
        ...

    def say(self, text: str) -> None:
        """A message of the build itself; may have several lines."""
        ...

    def flush(self, is_urgent: bool) -> None:
        """Send what waits, if it has waited long enough or is urgent."""
        ...


class NoLog:
    """The log of a project that has it turned off."""

    def hide(self, secrets: Iterable[str]) -> None: ...

    def write(self, line: str) -> None: ...

    def say(self, text: str) -> None: ...

    def flush(self, is_urgent: bool) -> None: ...


class CloudWatchLog:
    """The log in its stream. A stream that is deleted while the build runs ends the log, not the build."""

    def __init__(self, client: CloudWatchLogsClient, group: str, stream: str, clock: Clock) -> None:
        self._client = client
        self._group = group
        self._stream = stream
        self._clock = clock
        self._waiting: list[InputLogEventTypeDef] = []
        self._waiting_bytes = 0
        self._waiting_since_s = 0.0
        self._secrets: list[str] = []
        self._is_lost = False

    def hide(self, secrets: Iterable[str]) -> None:
        usable = {secret for secret in secrets if len(secret) >= _SECRET_MIN_CHARS}
        self._secrets = sorted(usable, key=len, reverse=True)

    def write(self, line: str) -> None:
        for secret in self._secrets:
            line = line.replace(secret, "***")
        line = _ACCESS_KEY.sub("***", line)
        size = len(line.encode()) + 1 + _EVENT_OVERHEAD_BYTES
        if self._waiting_bytes + size > _BATCH_BYTES or len(self._waiting) >= _BATCH_EVENTS:
            self.flush(is_urgent=True)
        if not self._waiting:
            self._waiting_since_s = self._clock.monotonic_s()
        self._waiting.append({"timestamp": self._clock.now_ms(), "message": f"{line}\n"})
        self._waiting_bytes += size

    def say(self, text: str) -> None:
        moment = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        first, *others = text.split("\n")
        self.write(f"[Container] {moment:%Y/%m/%d %H:%M:%S.%f} {first}")
        for line in others:
            self.write(line)

    def flush(self, is_urgent: bool) -> None:
        waited_s = self._clock.monotonic_s() - self._waiting_since_s
        if not self._waiting or not (is_urgent or waited_s >= _FLUSH_AFTER_S):
            return
        events, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if self._is_lost:
            return
        try:
            self._client.put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=events
            )
        except (ClientError, BotoCoreError) as error:
            self._is_lost = True
            sys.stderr.write(f"The log {self._group} {self._stream} takes no more lines: {error}\n")


def open_log(
    client: CloudWatchLogsClient, group: str, stream: str, clock: Clock, order: BuildOrder
) -> CloudWatchLog:
    """Create the stream, and the group if it is not there.

    Raises:
        PhaseFailed: the role may not; in CodeBuild's words.
    """
    try:
        _create_stream(client, group, stream)
    except ClientError as error:
        raise PhaseFailed(
            "ACCESS_DENIED",
            f"Service role {order.role_arn} does not allow AWS CodeBuild to create Amazon CloudWatch Logs "
            f"log streams for build {order.arn}. Error message: {error.response['Error'].get('Message')}",
            CLIENT_ERROR,
        ) from error
    return CloudWatchLog(client, group, stream, clock)


def _create_stream(client: CloudWatchLogsClient, group: str, stream: str) -> None:
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except client.exceptions.ResourceNotFoundException:
        with suppress(client.exceptions.ResourceAlreadyExistsException):  # another build was faster
            client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=stream)
