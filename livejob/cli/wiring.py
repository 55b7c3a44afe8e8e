"""The composition root: which AWS is meant, and the objects that speak to it.

Every command gets a `Target` here. After it, nothing asks any more whether AWS is real: there is a boto3
session and, for the local AWS, an endpoint.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from livejob.aws import translated
from livejob.cli.stage_home import StageHome
from livejob.errors import AwsError, LocalAwsNotRunning
from livejob.local_aws.state import EmulatorState, find_local_aws
from livejob.project.loading import find_root, load_settings
from livejob.project.places import Place, Places
from livejob.project.settings import Settings
from livejob.wire.names import StageNames

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_codebuild.client import CodeBuildClient
    from mypy_boto3_iot.client import IoTClient
    from mypy_boto3_iot_data.client import IoTDataPlaneClient
    from mypy_boto3_sts.client import STSClient
    from mypy_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef

    from livejob.cli.options import GlobalOptions
    from livejob.cli.output_source import OutputSource
    from livejob.runs.documents import S3Documents
    from livejob.runs.dynamodb import DynamoRunStore
    from livejob.runs.dynamodb_sessions import DynamoSessionStore
    from livejob.sdk import Client
    from livejob.wire.ids import RunId

LOCAL_AWS_DIRECTORY = "local-aws"
"""Below the app's `.livejob/`: the state of its local AWS."""


def open_settings(options: GlobalOptions, flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of the app in the working directory, or in --app-dir.

    flags: of the command itself, by setting.

    Raises:
        ProjectNotFound, SettingsInvalid
    """
    root = find_root(options.app_dir.resolve())
    given = {"stage": options.stage, "region": options.region, "profile": options.profile, **(flags or {})}
    return load_settings(root, given, os.environ, getpass.getuser())


@dataclass(frozen=True)
class Target:
    """An app's stage in one AWS account and region, and the ways to its parts.

    endpoint_url: of the local AWS; None for the real one. For making clients, not for asking.
    home:         where the stage has to be; None where it may be anywhere.
    """

    names: StageNames
    session: boto3.Session
    endpoint_url: str | None
    home: StageHome | None = None

    @property
    def region(self) -> str:
        return self.session.region_name

    @cached_property
    def account(self) -> str:
        """The account's 12 digits, asked of AWS once.

        Raises:
            CredentialsExpired, CredentialsMissing, AwsError
            WrongAccount: the stage is in another one.
        """
        account = self.identify(self.open_sts())["Account"]
        if self.home is not None:
            self.home.check(account)
        return account

    def identify(self, sts: STSClient) -> GetCallerIdentityResponseTypeDef:
        """Whose credentials these are."""
        with translated("sts:GetCallerIdentity", "the account"):
            return sts.get_caller_identity()

    def remember(self) -> None:
        """The stage has been deployed here."""
        if self.home is not None:
            self.home.places.remember(self.names.stage, Place(self.account, self.region))

    def forget(self) -> None:
        """The stage is not deployed any more."""
        if self.home is not None:
            self.home.places.forget(self.names.stage)

    @property
    def other_region(self) -> str:
        """The region that the stage was deployed to, if that is another one; else ""."""
        last = self.home.last if self.home is not None else None
        return last.region if last is not None and last.region != self.region else ""

    def open_sts(self) -> STSClient:
        return self.session.client("sts", endpoint_url=self.endpoint_url)

    def open_iot(self) -> IoTClient:
        return self.session.client("iot", endpoint_url=self.endpoint_url)

    def open_iot_data(self) -> IoTDataPlaneClient:
        return self.session.client("iot-data", endpoint_url=self.endpoint_url)

    def open_codebuild(self) -> CodeBuildClient:
        return self.session.client("codebuild", endpoint_url=self.endpoint_url)

    def open_runs(self) -> DynamoRunStore:
        """The stage's run record."""
        from livejob.runs.dynamodb import DynamoRunStore

        client = self.session.client("dynamodb", endpoint_url=self.endpoint_url)
        return DynamoRunStore(client, self.names.table)

    def open_sessions(self) -> DynamoSessionStore:
        """The sessions that are attached to the stage."""
        from livejob.runs.dynamodb_sessions import DynamoSessionStore

        client = self.session.client("dynamodb", endpoint_url=self.endpoint_url)
        return DynamoSessionStore(client, self.names.table)

    def open_output(self, livejob_directory: Path, run_id: RunId) -> OutputSource:
        """The output of one run, wherever it is."""
        from livejob.cli.output_source import OutputSource
        from livejob.local_runner.logs import LogReader, RunLogs

        local = LogReader(RunLogs(livejob_directory).path(run_id))
        return OutputSource(local, lambda: self.session.client("logs", endpoint_url=self.endpoint_url))

    def open_documents(self) -> S3Documents:
        """The stage's payloads and results."""
        from livejob.runs.documents import S3Documents

        client = self.session.client("s3", endpoint_url=self.endpoint_url)
        return S3Documents(client, self.names.bucket(self.account, self.region))

    def open_client(self) -> Client:
        """What starts and cancels runs, as any caller does it."""
        from livejob.sdk import Client

        return Client(self.names.app, self.names.stage, session=self.session, endpoint_url=self.endpoint_url)


def open_target(settings: Settings, is_local: bool | None) -> Target:
    """The AWS that is meant.

    is_local: True for the local AWS, False for the real one. None: the local one of this app if it runs,
    else the real one. A profile given on the command line means the real one; one in the environment,
    which many people have set all day, does not.

    Raises:
        LocalAwsNotRunning: the local AWS is asked for and does not run.
        AwsError: no region is known for the real one.
    """
    if is_local is None and settings.origins.get("profile") == "--profile":
        is_local = False
    if is_local is not False:
        state = find_local_aws(local_aws_directory(settings))
        if state is not None:
            return local_target(settings, state)
        if is_local:
            raise LocalAwsNotRunning(f"no local AWS runs for {settings.app} in {settings.root}")
    return _real_target(settings)


def local_aws_directory(settings: Settings) -> Path:
    """Where the state of the app's local AWS lies."""
    return settings.livejob_directory / LOCAL_AWS_DIRECTORY


def local_target(settings: Settings, state: EmulatorState) -> Target:
    """The stage in a local AWS that runs."""
    import boto3

    session = boto3.Session(state.access_key_id, state.secret_access_key, region_name=state.region)
    return Target(StageNames(settings.app, settings.stage), session, state.endpoint_url)


def _real_target(settings: Settings) -> Target:
    import boto3

    with translated("the AWS configuration", "this machine"):
        session = boto3.Session(profile_name=settings.profile, region_name=settings.region)
    if session.region_name is None:
        raise AwsError(
            "neither the settings nor the AWS profile say which region is meant",
            remedy="Give one: --region, AWS_REGION, or `region` in livejob.toml. "
            "For the local AWS start it first: `livejob start --local`.",
        )
    fixed = (settings.accounts or {}).get(settings.stage)
    home = StageHome(settings.stage, Places(settings.livejob_directory), fixed)
    return Target(StageNames(settings.app, settings.stage), session, None, home)
