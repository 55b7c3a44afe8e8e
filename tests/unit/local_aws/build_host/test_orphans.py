"""Whose containers may be removed."""

from __future__ import annotations

import pytest

from livejob.local_aws.build_host.orphans import is_dead, this_host


def test_own_containers_are_in_use() -> None:
    """A host that lives is not dead."""
    assert not is_dead(this_host())


@pytest.mark.parametrize(
    ("part", "value", "is_so"),
    [
        (0, "another-machine", False),
        (1, "another-boot", True),
        (2, "4194305", True),  # above the kernel's largest process id
        (3, "1", True),  # the id belongs to another process by now
    ],
)
def test_label_tells_the_dead(part: int, value: str, is_so: bool) -> None:
    """Another boot, a process that is gone or another one means dead; another machine may be alive."""
    parts = this_host().split("/")
    parts[part] = value

    assert is_so == is_dead("/".join(parts))


def test_label_that_cannot_be_read_is_let_alone() -> None:
    """What somebody else has labelled so is not ours to remove."""
    assert not is_dead("something else")
