"""Refuses what AWS would refuse, before anything is called. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from livejob.deploy.resources import StageResources
from livejob.errors import NameTooLong, TooManyJobs

FUNCTION_CHARS = 64
"""Source: Lambda CreateFunction, FunctionName."""

ROLE_CHARS = 64
"""Source: IAM CreateRole, RoleName."""

BUCKET_CHARS = 63
"""Source: S3, bucket naming rules."""

JOBS_MAX = 98
"""So many jobs, of five resources each, and the stage's own stay within a template's 500 resources.
Source: CloudFormation quotas, 'Resources'."""

STACK_CHARS = 128
"""Source: CloudFormation CreateStack, StackName."""


def check_stage(stage: StageResources) -> None:
    """Nothing, if the stage can be deployed as far as its own text tells.

    Raises:
        NameTooLong: a resource's name is; the message says which and by how much.
        TooManyJobs
    """
    for what, name, limit in _names(stage):
        if len(name) > limit:
            raise NameTooLong(
                f"The {what} would be called {name}: {len(name)} characters, and AWS allows {limit}."
            )
    if len(stage.jobs) > JOBS_MAX:
        raise TooManyJobs(f"The app has {len(stage.jobs)} jobs.", limit=JOBS_MAX)


def _names(stage: StageResources) -> Iterator[tuple[str, str, int]]:
    yield "stack", stage.context.names.stack, STACK_CHARS
    yield "stage's bucket", stage.bucket.name, BUCKET_CHARS
    yield "role of the invokers", stage.stub_role.name, ROLE_CHARS
    for each in stage.jobs:
        yield f"invoker of {each.job}", each.invoker.name, FUNCTION_CHARS
        yield f"role of {each.job}", each.role.name, ROLE_CHARS
