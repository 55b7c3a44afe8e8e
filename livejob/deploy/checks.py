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

RULE_CHARS = 64
"""Source: EventBridge PutRule, Name."""

RESOURCES_MAX = 500
"""Source: CloudFormation quotas, 'Resources'."""

STACK_CHARS = 128
"""Source: CloudFormation CreateStack, StackName."""

_STAGES_OWN = 4
_RECONCILERS = 7
_JOBS = 5
_PROJECTS = 2
"""How many resources each part of a stage has; the tests count them."""


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
    limit = jobs_max(is_built=stage.reconciler is not None)
    if len(stage.jobs) > limit:
        raise TooManyJobs(f"The app has {len(stage.jobs)} jobs.", limit=limit)


def jobs_max(*, is_built: bool) -> int:
    """How many jobs fit into one stage's template; `is_built`: with their projects."""
    if is_built:
        return (RESOURCES_MAX - _STAGES_OWN - _RECONCILERS) // (_JOBS + _PROJECTS)
    return (RESOURCES_MAX - _STAGES_OWN) // _JOBS


def _names(stage: StageResources) -> Iterator[tuple[str, str, int]]:
    yield "stack", stage.context.names.stack, STACK_CHARS
    yield "stage's bucket", stage.bucket.name, BUCKET_CHARS
    yield "role of the invokers", stage.invoker_role.name, ROLE_CHARS
    if stage.reconciler is not None:
        yield "reconciler", stage.reconciler.function.name, FUNCTION_CHARS
        yield "sweep's rule", stage.reconciler.sweep.name, RULE_CHARS
        yield "role of the reconciler", stage.reconciler.role.name, ROLE_CHARS
    for each in stage.jobs:
        yield f"invoker of {each.job}", each.invoker.name, FUNCTION_CHARS
        yield f"role of {each.job}", each.role.name, ROLE_CHARS
