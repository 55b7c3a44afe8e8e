"""Which AWS a command means."""

from collections.abc import Iterator

import pytest

from livejob.deploy.developer_permissions import developer_policies
from livejob.local_aws.launcher import ACCOUNT, LocalAws, LocalAwsConfig, open_local_aws
from tests.support.cli_fixtures import AppUnderTest


@pytest.fixture
def local(app: AppUnderTest) -> Iterator[LocalAws]:
    """A local AWS of the app's own, in which its stage is not deployed, beside the account that has it."""
    region = app.stage.aws.region
    config = LocalAwsConfig(
        state_dir=app.root / ".livejob/local-aws",
        developer_policies=developer_policies(ACCOUNT, region),
        port=0,
        region=region,
    )
    opened = open_local_aws(config)
    try:
        yield opened
    finally:
        opened.stop()


@pytest.mark.parametrize("arguments", [[], ["--local"]])
def test_local_aws_that_runs_is_meant(app: AppUnderTest, local: LocalAws, arguments: list[str]) -> None:
    """While the app's local AWS runs, commands speak to it; here, to say that nothing is deployed there."""
    told = app.livejob("runs", *arguments)

    assert 4 == told.code
    assert "error: LJ-803" in told.err


def test_aws_means_the_account(app: AppUnderTest, local: LocalAws) -> None:
    """--aws means the account that the environment names, whatever else runs."""
    told = app.livejob("runs", "--aws")

    assert (0, "No runs of any job in stage dev.\n") == (told.code, told.err)


def test_local_aws_that_has_gone_is_not_meant(app: AppUnderTest, local: LocalAws) -> None:
    """Once the local AWS has ended, commands speak to the account again."""
    local.stop()

    told = app.livejob("runs")

    assert (0, "No runs of any job in stage dev.\n") == (told.code, told.err)


def test_doctor_looks_at_the_local_aws_that_runs(app: AppUnderTest, local: LocalAws) -> None:
    """Where it runs it is told with its address, and asked like any account."""
    findings = {each["what"]: each["found"] for each in app.livejob("doctor", "--json").json["findings"]}

    assert findings["local AWS"].startswith(f"runs at {local.state.endpoint_url} (MiniStack ")
    assert f"account {ACCOUNT}, " in findings["AWS"]
    assert "stage dev is not deployed here yet" == findings["sessions"]
