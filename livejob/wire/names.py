"""Names on which parts that run in different places agree: topics, environment, AWS resources.

Everything is derived from app, stage and job, so nothing has to be looked up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
"""An app, stage or job name: 1 to 40 letters, digits and hyphens, first a letter.

The three with prefix and suffix fit the 64 characters of a Lambda or role name only when short: a
deployment checks the whole.
"""

ENV_APP = "LIVEJOB_APP"
ENV_STAGE = "LIVEJOB_STAGE"
ENV_MODE = "LIVEJOB_MODE"
ENV_JOB = "LIVEJOB_JOB"
ENV_RUN_ID = "LIVEJOB_RUN_ID"
ENV_ATTEMPT = "LIVEJOB_ATTEMPT"
ENV_PAYLOAD = "LIVEJOB_PAYLOAD"
ENV_PAYLOAD_SST = "SST_PAYLOAD"
ENV_PAYLOAD_FILE = "LIVEJOB_PAYLOAD_FILE"
ENV_TABLE = "LIVEJOB_TABLE"
ENV_BUCKET = "LIVEJOB_BUCKET"
ENV_WHEN_DISCONNECTED = "LIVEJOB_WHEN_DISCONNECTED"
ENV_HANDLER = "LIVEJOB_HANDLER"
ENV_TIMEOUT = "LIVEJOB_TIMEOUT"
"""Seconds that one attempt of the job may take."""

ENV_QUEUE_TIMEOUT = "LIVEJOB_QUEUE_TIMEOUT"
"""Seconds that a run of the job may wait for a machine."""

ENV_RETRIES = "LIVEJOB_RETRIES"
"""How many further attempts a failed run gets; 0 for none."""

ENV_BACKOFF = "LIVEJOB_BACKOFF"
"""Seconds before the second attempt; before each later one it is twice as long."""

ENV_BUNDLE = "LIVEJOB_BUNDLE"
"""Digest of the code that a build runs: the bundle's, or of a container job `image_label` of its image's."""

ENV_CONTAINER = "LIVEJOB_CONTAINER"
"""`1` in the invoker of a container job; absent in every other."""

ENV_CREDENTIALS_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
ENV_CREDENTIALS_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
ENV_TASK_ROOT = "LAMBDA_TASK_ROOT"
ENV_WORKER = "LIVEJOB_WORKER"
"""Label of the processes of a worker of the process engine."""

TASK_ROOT = "/var/task"
"""Where Lambda puts the function's code, and so do we. ENV_TASK_ROOT says so inside."""

DEPENDENCIES_ROOT = "/opt/python"
"""Where Lambda looks for a layer's Python packages."""

RUNTIME_ROOT = "/opt/livejob"
"""Where a worker finds the livejob package itself."""

DEBUGGER_ROOT = "/opt/debugger"
"""Where a container that is debugged finds the debugger's packages."""

BUNDLE_TASK = "task"
BUNDLE_DEPENDENCIES = "python"
BUNDLE_RUNTIME = "livejob"
"""Folders of a bundle: what a build sees at TASK_ROOT, DEPENDENCIES_ROOT and RUNTIME_ROOT."""

DocumentKind = Literal["payloads", "results"]
"""Folders in the stage's bucket for documents that are too large for the run's record."""

PAYLOAD_FILE = "payload.json"
"""What a container job finds in the directory that it starts in."""

LABEL_OWNER = "dev.livejob.owner"
LABEL_APP = "dev.livejob.app"
LABEL_STAGE = "dev.livejob.stage"
LABEL_JOB = "dev.livejob.job"


@dataclass(frozen=True, slots=True)
class StageNames:
    """The names of everything in one stage of one app."""

    app: str
    stage: str

    @property
    def prefix(self) -> str:
        """Start of every resource name, and the stack's. By `livejob-` policies know what is livejob's."""
        return f"livejob-{self.app}-{self.stage}"

    @property
    def stack(self) -> str:
        return self.prefix

    @property
    def table(self) -> str:
        return f"{self.prefix}-runs"

    def bucket(self, account: str, region: str) -> str:
        """The stage's bucket; bucket names are global, so account and region are in it."""
        return f"{self.prefix.lower()}-{account}-{region}"

    @property
    def stub_role(self) -> str:
        """Role of the stage's invokers. No job's role can be called the same: those end in `-job`."""
        return f"{self.prefix}-stub"

    def job_role(self, job: str) -> str:
        """Role that the job's runs have, in whatever way they are executed."""
        return f"{self.prefix}-{job}-job"

    def job_role_arn(self, account: str, job: str) -> str:
        return f"arn:aws:iam::{account}:role/{self.job_role(job)}"

    @property
    def invoker_role(self) -> str:
        """Role of the invokers of a production stage."""
        return f"{self.prefix}-invoker"

    @property
    def reconciler(self) -> str:
        """Function, and rule that calls it, which close the runs of builds that ended without a word.

        No app, stage or job has an underscore in its name, so no invoker can be called the same.
        """
        return f"{self.prefix}_reconciler"

    @property
    def starts_rule(self) -> str:
        """Rule that tells the reconciler of the starts of container jobs."""
        return f"{self.prefix}_starts"

    @property
    def sweep(self) -> str:
        """Rule that calls the reconciler by a schedule."""
        return f"{self.reconciler}-sweep"

    @property
    def reconciler_role(self) -> str:
        return f"{self.prefix}-reconciler"

    @property
    def repository(self) -> str:
        """ECR repository of the stage's images. Source: ECR CreateRepository, repositoryName: no capitals,
        and no two hyphens in a row."""
        return re.sub("-+", "-", self.prefix.lower()).rstrip("-")

    def project(self, job: str) -> str:
        """CodeBuild project of the job; with `*`, the pattern of all of the stage and of no other.

        The underscore makes it so: `livejob-shop-prod_*` leaves out stage `prod-eu`.
        """
        return f"{self.prefix}_{job}"

    def invoker(self, job: str) -> str:
        """Name of the Lambda function that callers invoke."""
        return f"{self.prefix}-{job}"

    def invoker_parameter(self, job: str) -> str:
        """SSM parameter whose value is the invoker's name."""
        return f"/livejob/{self.app}/{self.stage}/jobs/{job}/invoker"

    @property
    def topic_root(self) -> str:
        """Without a leading slash: with one the IAM resource would have to be `topic//...`."""
        return f"livejob/{self.app}/{self.stage}"

    def session_topic(self, session: str) -> str:
        """The topic on which one session hears its messages."""
        return f"{self.topic_root}/{session}"


def document_key(kind: DocumentKind, run_id: str) -> str:
    """S3 key in the stage's bucket; with run id `*`, the pattern of all of that kind."""
    return f"{kind}/{run_id}.json"


def input_key(run_id: str) -> str:
    """S3 key in the stage's bucket of what a build of a container job begins with: a zip of its payload.

    With run id `*`, the pattern of all.
    """
    return f"inputs/{run_id}.zip"


def image_label(digest: str) -> str:
    """What a run's record says of its code when that is an image. digest: of what the image is made from."""
    return f"image:{digest}"


def bundle_key(digest: str) -> str:
    """S3 key of a bundle in the account's artifacts bucket."""
    return f"bundles/{digest}.zip"


def build_log(region: str, build_id: str, stream: str) -> str:
    """Where a build's output is: `cloudwatch://<region>/aws/codebuild/<project>/<stream>`."""
    return f"cloudwatch://{region}/aws/codebuild/{build_id.partition(':')[0]}/{stream}"


@dataclass(frozen=True, slots=True)
class BuildLog:
    """A stream of CloudWatch Logs that holds a build's output."""

    region: str
    group: str
    stream: str


_BUILD_LOG = re.compile(r"cloudwatch://(?P<region>[a-z0-9-]+)(?P<group>/.+)/(?P<stream>[^/]+)")


def read_build_log(log: str) -> BuildLog | None:
    """The place that `build_log` named; None for a log of another kind."""
    found = _BUILD_LOG.fullmatch(log)
    return BuildLog(found["region"], found["group"], found["stream"]) if found else None


def artifacts_bucket(account: str, region: str) -> str:
    """The account's bucket for what deployments upload (invokers' code, bundles)."""
    return f"livejob-artifacts-{account}-{region}"


def invoker_env(job: str) -> str:
    """Environment variable that gives a caller the invoker's name without a look-up."""
    return "LIVEJOB_INVOKER_" + re.sub(r"[^A-Za-z0-9]", "_", job)
