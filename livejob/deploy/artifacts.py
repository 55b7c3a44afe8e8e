"""Puts what a deployment needs into the account's artifacts bucket, and makes the bucket where there is none.

The one bucket of an account and region, in a stack of its own, serves all apps. Every key holds the digest
of what lies there, so whatever is there already is right.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from livejob.aws import error_code, translated
from livejob.deploy.bundle import Bundle
from livejob.deploy.bundle_upload import upload_bundle
from livejob.deploy.packages import Package
from livejob.deploy.recovery import make_ready, until_free
from livejob.deploy.resources import Bucket, StageContext
from livejob.deploy.review import Review
from livejob.deploy.stack import Stacks, Template
from livejob.deploy.stack_events import OnEvent
from livejob.deploy.stack_view import Condition
from livejob.deploy.template import artifacts_template, with_digest
from livejob.wire.names import artifacts_bucket

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_s3 import S3Client

BOOTSTRAP_STACK = "livejob-bootstrap"


class DeployClients:
    """The services that a deployment speaks to. Each client is made when it is first needed: an
    unchanged stage needs one of them."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None) -> None:
        self._session = session
        self._endpoint_url = endpoint_url

    @cached_property
    def stacks(self) -> Stacks:
        return Stacks(self._session.client("cloudformation", endpoint_url=self._endpoint_url))

    @cached_property
    def s3(self) -> S3Client:
        return self._session.client("s3", endpoint_url=self._endpoint_url)

    @cached_property
    def ecr(self) -> ECRClient:
        return self._session.client("ecr", endpoint_url=self._endpoint_url)


class Artifacts:
    """The bucket, for the deployments to one account and region."""

    def __init__(self, clients: DeployClients, context: StageContext) -> None:
        self._clients = clients
        self._context = context
        self.bucket = artifacts_bucket(context.account, context.region)

    def ensure(self, on_event: OnEvent, review: Review) -> None:
        """Make the bucket, if this is the first deployment here.

        Raises:
            StackBusy, StackFailed, AwsError, and what `review` raises.
        """
        until_free(lambda: self._ensure(on_event, review))

    def _ensure(self, on_event: OnEvent, review: Review) -> None:
        stacks = self._clients.stacks
        before = stacks.view(BOOTSTRAP_STACK)
        if before.condition is not Condition.USABLE:
            before = make_ready(stacks, before, review, on_event)
        if before.condition is Condition.USABLE:
            return
        body, _ = with_digest(artifacts_template(Bucket(self.bucket, {}, is_kept=True)), {})
        tags = {"livejob:version": self._context.version}
        stacks.apply(before, Template(body=body), tags, on_event, adopts=True)

    def put_packages(self, packages: Iterable[Package]) -> None:
        """Upload the code of functions."""
        for package in packages:
            self._put(package.code_in(self.bucket).key, package.zip.data)

    def put_bundles(self, bundles: Iterable[Bundle]) -> None:
        """Upload bundles; large ones, so only those that are not there."""
        s3 = self._clients.s3
        for bundle in bundles:
            key = bundle.code_in(self.bucket).key
            if not self._is_there(key):
                with translated("s3:PutObject", f"{self.bucket}/{key}"):
                    upload_bundle(s3, self.bucket, key, bundle)

    def put_template(self, body: str, digest: str) -> str:
        """Upload a template; its URL."""
        key = f"templates/{digest}.json"
        self._put(key, body.encode())
        return f"{self._clients.s3.meta.endpoint_url}/{self.bucket}/{key}"

    def _put(self, key: str, data: bytes) -> None:
        with translated("s3:PutObject", f"{self.bucket}/{key}"):
            self._clients.s3.put_object(Bucket=self.bucket, Key=key, Body=data)

    def _is_there(self, key: str) -> bool:
        s3 = self._clients.s3
        with translated("s3:GetObject", f"{self.bucket}/{key}"):
            try:
                s3.head_object(Bucket=self.bucket, Key=key)
            except s3.exceptions.ClientError as error:
                if error_code(error) in ("404", "NoSuchKey"):
                    return False
                raise
        return True
