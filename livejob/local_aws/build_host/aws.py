"""AWS as one build's service role: clients of the emulator, with credentials that renew themselves.

They come from the same place as the container's own, so a build of 36 hours outlives its first session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import ContainerProvider, CredentialResolver
from botocore.loaders import Loader

from livejob.local_aws.build_host.messages import BuildOrder

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient


def credential_variables(order: BuildOrder) -> dict[str, str]:
    """The environment in which every SDK finds the credentials of the build's role."""
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": order.credentials_url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": order.credentials_token,
    }


class RoleAws:
    """The services that a build itself uses. Made for one build, used by its thread alone."""

    def __init__(self, order: BuildOrder, loader: Loader) -> None:
        """loader: of botocore's service models; shared, because reading them takes longest."""
        self._endpoint_url = order.endpoint_url
        session = botocore.session.Session()
        session.register_component("data_loader", loader)
        provider = ContainerProvider(environ=credential_variables(order))
        session.register_component("credential_provider", CredentialResolver([provider]))
        self._session = boto3.Session(botocore_session=session, region_name=order.region)
        self._config = Config(retries={"total_max_attempts": 3}, s3={"addressing_style": "path"})

    def ecr(self) -> ECRClient:
        return self._session.client("ecr", endpoint_url=self._endpoint_url, config=self._config)

    def logs(self) -> CloudWatchLogsClient:
        return self._session.client("logs", endpoint_url=self._endpoint_url, config=self._config)

    def s3(self) -> S3Client:
        return self._session.client("s3", endpoint_url=self._endpoint_url, config=self._config)

    def ssm(self) -> SSMClient:
        return self._session.client("ssm", endpoint_url=self._endpoint_url, config=self._config)

    def secrets_manager(self) -> SecretsManagerClient:
        return self._session.client("secretsmanager", endpoint_url=self._endpoint_url, config=self._config)
