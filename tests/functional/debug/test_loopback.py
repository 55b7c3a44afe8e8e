"""Only their own user's connections get at a person's runs."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from livejob.local_runner.debug.loopback import is_own_connection

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
ROW = (
    "   0: 0100007F:A000 0100007F:162E 01 00000000:00000000 00:00000000 00000000 {uid} 0 1 1 0 20 4 30 10 -1"
)
PEER, OWN = ("127.0.0.1", 0xA000), ("127.0.0.1", 5678)

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the row is of such a machine")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "tcp"


@little_endian
def test_a_connection_of_another_user_is_refused(table: Path) -> None:
    """The kernel's table says whose the other end is; root may look at everything anyway."""
    owners = {"own": os.getuid(), "root": 0, "other": os.getuid() + 1000}
    taken = {}

    for name, uid in owners.items():
        table.write_text(f"{HEAD}\n{ROW.format(uid=uid)}\n")
        taken[name] = is_own_connection(PEER, OWN, table)

    assert {"own": True, "root": True, "other": False} == taken


def test_where_nothing_is_known_everybody_is_taken(table: Path) -> None:
    """Without a table, or without that connection in it, the loopback itself is the only fence."""
    without_table = is_own_connection(PEER, OWN, table)
    table.write_text(f"{HEAD}\n")

    assert (True, True) == (without_table, is_own_connection(PEER, OWN, table))


def test_a_real_connection_is_ones_own() -> None:
    """A connection that this process makes is taken."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        connection, peer = server.accept()
        with connection:
            assert is_own_connection(peer, connection.getsockname())
