"""CodeBuild's projects: MiniStack keeps them, this adds what it drops and refuses what AWS refuses.

Called for the API's CreateProject and UpdateProject, and for CloudFormation's AWS::CodeBuild::Project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from livejob.local_aws.build_host.messages import Fields
from livejob.local_aws.plugs.codebuild.request import Refused, check_project

KEPT_FIELDS = (
    "autoRetryLimit",
    "cache",
    "concurrentBuildLimit",
    "fileSystemLocations",
    "logsConfig",
    "queuedTimeoutInMinutes",
    "secondaryArtifacts",
    "secondarySources",
    "vpcConfig",
)
"""Fields of a project that MiniStack does not know, as the API spells them."""

CheckRole = Callable[[str, str], None]
"""(role ARN, project name); raises Refused."""


def check_fields(fields: Mapping[str, Any], known: Mapping[str, Any] | None, check_role: CheckRole) -> None:
    """Check a project that is made of `fields`, over those of `known` when it is changed.

    Raises:
        Refused: as AWS does.
    """
    check_project({**(known or {}), **fields})
    if fields.get("serviceRole"):
        check_role(str(fields["serviceRole"]), str(fields.get("name", "")))


def keep_fields(project: Fields, fields: Mapping[str, Any]) -> None:
    """Put into MiniStack's record what it has dropped of a request."""
    project.update({name: fields[name] for name in KEPT_FIELDS if name in fields})
    if project.get("concurrentBuildLimit") == -1:  # says that there is to be none any more
        del project["concurrentBuildLimit"]


def kept_fields(project: Mapping[str, Any]) -> Fields:
    """What `keep_fields` has put there, for an answer."""
    return {name: project[name] for name in KEPT_FIELDS if name in project}


def fields_of_resource(properties: Mapping[str, Any]) -> Fields:
    """A CloudFormation resource's properties as the API spells them; numbers may be texts there."""
    fields: Fields = {_camel(name): _renamed(value) for name, value in properties.items()}
    for name in ("concurrentBuildLimit", "queuedTimeoutInMinutes", "timeoutInMinutes"):
        if name in fields:
            fields[name] = int(fields[name])
    return fields


def _renamed(value: object) -> object:
    if isinstance(value, Mapping):
        renamed = {_camel(name): _renamed(each) for name, each in value.items()}
        return {("buildspec" if name == "buildSpec" else name): each for name, each in renamed.items()}
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    return value


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def refusal_text(refused: Refused) -> str:
    """A refusal as CloudFormation shows it in a resource's status reason."""
    return f"{refused} (Service: AWSCodeBuild; Status Code: 400; Error Code: {refused.code})"
