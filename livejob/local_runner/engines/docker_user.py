"""As whom a worker's processes run, so that they can read the source, and nothing more.

    developer          source owned by   worker runs as
    a user             anybody           that user: it reads what the developer reads, mode 0600 too
    root               a user            the owner of the source
    root               root              sbx_user1051, as in Lambda; the files must be readable to others

Root is never used: without capabilities it could still read and signal what belongs to root. In the last
case a directory that is closed to others is refused before the start, with the command that opens it.
A rootless engine is the exception: there uid 0 in the container *is* the developer outside.
On other systems than Linux the engine's virtual machine shows every file as the worker's own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from livejob.errors import SourceUnreadable

SANDBOX_UID, SANDBOX_GID = 993, 990
"""Of sbx_user1051, the user that Lambda runs functions as."""


@dataclass(frozen=True, slots=True)
class User:
    """A user and group id inside the container."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


SANDBOX = User(SANDBOX_UID, SANDBOX_GID)
ROOT = User(0, 0)


@dataclass(frozen=True, slots=True)
class Host:
    """What decides: the daemon's own user, and the kind of engine. `system` is `sys.platform`."""

    system: str
    developer: User
    is_rootless: bool


def choose_user(host: Host, source_owner: User) -> User:
    """The user of a worker whose source belongs to `source_owner` (see the table above)."""
    if host.system != "linux":
        return SANDBOX
    if host.is_rootless:
        return ROOT
    if host.developer.uid != 0:
        return host.developer
    return source_owner if source_owner.uid != 0 else SANDBOX


def owner_of(path: Path) -> User:
    """Who owns a file or directory.

    Raises:
        OSError: it is not there.
    """
    status = path.stat()
    return User(status.st_uid, status.st_gid)


def refuse_unreadable(directories: Iterable[Path], user: User) -> None:
    """Look whether `user` may enter and list each directory itself (what is in it shows when it is read).

    Raises:
        SourceUnreadable: not so.
        OSError: a directory is not there.
    """
    for directory in directories:
        status = directory.stat()
        if not _may_enter(status, user):
            raise SourceUnreadable(
                f"the worker's user {user} may not read {directory} "
                f"({stat.filemode(status.st_mode)}, owner {status.st_uid}:{status.st_gid})",
                path=directory,
            )


def _may_enter(status: os.stat_result, user: User) -> bool:
    if user.uid == status.st_uid:
        needed = stat.S_IRUSR | stat.S_IXUSR
    elif user.gid == status.st_gid:
        needed = stat.S_IRGRP | stat.S_IXGRP
    else:
        needed = stat.S_IROTH | stat.S_IXOTH
    return status.st_mode & needed == needed
