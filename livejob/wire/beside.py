"""Messages about what runs beside a worker, in its network: the command of a container job.

They go through the worker's channel like those of `worker`, which encodes and decodes them.

    daemon     --GrantCredentials, RevokeCredentials, OpenStream, StreamBytes, StreamClosed-->
    supervisor --CredentialsGranted, StreamOpened, StreamBytes, StreamClosed-->
"""

from __future__ import annotations

from dataclasses import dataclass, field


class BesideMessage:
    """Of what runs beside a worker without attempts, in its network: the command of a container job."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class GrantCredentials(BesideMessage):
    """Open the credential endpoint for what runs beside this worker, in its network; see CredentialsGranted.

    Not while the worker has an attempt, which has the endpoint for itself.
    """


@dataclass(frozen=True, slots=True)
class CredentialsGranted:
    """Answer to GrantCredentials: the endpoint's address on the loopback, and its token."""

    uri: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RevokeCredentials(BesideMessage):
    """What ran beside this worker has ended: its token is worth nothing any more."""


@dataclass(frozen=True, slots=True)
class OpenStream(BesideMessage):
    """Connect to a port on the worker's loopback; StreamOpened or StreamClosed is the answer.

    stream: a number that the daemon has not used in this worker.
    """

    stream: int
    port: int


@dataclass(frozen=True, slots=True)
class StreamOpened(BesideMessage):
    """The port listens, and is connected."""

    stream: int


@dataclass(frozen=True, slots=True)
class StreamBytes(BesideMessage):
    """Both ways: bytes of an open stream; dropped when it is closed."""

    stream: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class StreamClosed(BesideMessage):
    """Both ways: nothing more will come, and nothing more is taken."""

    stream: int
