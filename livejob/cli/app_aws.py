"""Opens the local AWS of an app, and lets the app's `local_setup` script fill one that is new."""

from __future__ import annotations

import os

from livejob.cli.local_setup import run_local_setup
from livejob.cli.wiring import local_aws_directory
from livejob.deploy.developer_permissions import developer_policies
from livejob.local_aws.launcher import ACCOUNT, LocalAws, LocalAwsConfig, open_local_aws
from livejob.local_aws.process import engine_variables
from livejob.project.settings import Settings

LOCAL_REGION = "us-east-1"


def open_app_aws(settings: Settings) -> LocalAws:
    """The local AWS of the app: the one that runs, or else a new one. Blocks.

    Raises:
        EmulatorMissing, PortTaken, EmulatorDied: see `open_local_aws`.
    """
    region = settings.region or LOCAL_REGION
    return open_local_aws(
        LocalAwsConfig(
            state_dir=local_aws_directory(settings),
            developer_policies=developer_policies(ACCOUNT, region),
            port=settings.local_aws_port,
            region=region,
            engine=engine_variables(os.environ),
        )
    )


def set_up_app_aws(settings: Settings, local: LocalAws) -> None:
    """Run the app's script. A local AWS that was running already has been set up by whoever started it.

    Raises:
        LocalSetupFailed
    """
    if local.is_owner and settings.local_setup is not None:
        run_local_setup(settings.root / settings.local_setup, local.state.admin_environment())
