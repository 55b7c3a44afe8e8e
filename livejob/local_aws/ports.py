"""TCP ports of 127.0.0.1: take one, or say who has it."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from livejob.errors import PortTaken

HOST = "127.0.0.1"
DEFAULT_PORT = 4610
"""The emulator's port when none is set; clear of LocalStack's 4510 to 4566 and of MiniStack's own 4566."""

NEXT_PORTS_COUNT = 50


def listen(port: int | None) -> socket.socket:
    """A socket that listens on 127.0.0.1.

    port: that one and no other (0: any free one); None: DEFAULT_PORT, or the next free one after it.

    Raises:
        PortTaken: somebody else listens there.
    """
    if port is not None:
        return _listen_on(port)
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + NEXT_PORTS_COUNT):
        try:
            return _listen_on(candidate)
        except PortTaken:
            continue
    return _listen_on(0)


def _listen_on(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Connections of an earlier emulator that are still in TIME_WAIT do not matter.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        is_held = error.errno == errno.EADDRINUSE
        reason = f"{holder_of(port)} listens there" if is_held else error.strerror
        raise PortTaken(
            f"Port {port} of {HOST} cannot be used: {reason}.", suggestion=_free_port()
        ) from error
    return listener


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def holder_of(port: int) -> str:
    """Who listens on the port, e.g. `python3 (pid 4711)`, as far as this user may know."""
    inodes = _listening_inodes(port)
    if not inodes:
        return "another program"
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        if _has_one_of(descriptors, inodes):
            process = descriptors.parent
            return f"{_command_of(process)} (pid {process.name})"
    return "a program of another user"


def _listening_inodes(port: int) -> frozenset[str]:
    """Inodes of the sockets in state LISTEN (0A) on the port. Source: proc(5), /proc/net/tcp."""
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return frozenset(inodes)


def _has_one_of(descriptors: Path, inodes: frozenset[str]) -> bool:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    try:
        return any(str(link.readlink()) in wanted for link in descriptors.iterdir())
    except OSError:  # another user's process, or it has just ended
        return False


def _command_of(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a program"
