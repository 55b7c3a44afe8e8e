"""As whom a worker runs."""

from __future__ import annotations

import pytest

from livejob.local_runner.engines.docker_user import ROOT, SANDBOX, Host, User, choose_user

MIA = User(1000, 1000)
OTHER = User(1001, 1001)


@pytest.mark.parametrize(
    ("host", "source_owner", "expected"),
    [
        pytest.param(Host("linux", MIA, is_rootless=False), MIA, MIA, id="developer's own source"),
        pytest.param(Host("linux", MIA, is_rootless=False), OTHER, MIA, id="somebody else's source"),
        pytest.param(Host("linux", MIA, is_rootless=False), ROOT, MIA, id="root's source, read by a user"),
        pytest.param(Host("linux", ROOT, is_rootless=False), MIA, MIA, id="root with a user's source"),
        pytest.param(Host("linux", ROOT, is_rootless=False), ROOT, SANDBOX, id="root with root's source"),
        pytest.param(
            Host("linux", MIA, is_rootless=True), MIA, ROOT, id="rootless: root inside is the developer"
        ),
        pytest.param(Host("darwin", User(501, 20), is_rootless=False), User(501, 20), SANDBOX, id="a Mac"),
    ],
)
def test_worker_runs_as_somebody_who_reads_the_source(host: Host, source_owner: User, expected: User):
    """The worker is the developer; for root it is the source's owner, or nobody in particular."""
    assert expected == choose_user(host, source_owner)
