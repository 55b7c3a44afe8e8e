"""Whose a connection over the loopback is: a debugger may do all that a run may.

Source: proc(5), /proc/net/tcp. Where there is no such file (macOS), everybody of this machine may connect,
as with debugpy itself.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

_TABLE = Path("/proc/net/tcp")
_LOCAL, _REMOTE, _OWNER = 1, 2, 7


def is_own_connection(peer: tuple[str, int], own: tuple[str, int], table: Path = _TABLE) -> bool:
    """True unless the system says that the other end belongs to another user.

    peer, own: addresses of the other end and of this one. table: the system's, of open connections.
    """
    owner = _owner(table, peer, own)
    return owner in (None, os.getuid(), 0)


def _owner(table: Path, peer: tuple[str, int], own: tuple[str, int]) -> int | None:
    """User id of the process at the other end; None if that is not to be known."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return None
    wanted = (_hex(peer), _hex(own))
    for fields in (line.split() for line in lines):
        if (fields[_LOCAL], fields[_REMOTE]) == wanted:
            return int(fields[_OWNER])
    return None


def _hex(address: tuple[str, int]) -> str:
    host, port = address[:2]
    # The kernel prints the address as one number in this machine's byte order.
    [number] = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"
