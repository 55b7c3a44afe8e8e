"""Which resource a request is about, where MiniStack takes it for `*` and AWS does not. Pure.

Without this a role that may stop the builds of one project could stop none, and one that may read one
parameter could not read it the way CodeBuild does.
Source: Service Authorization Reference, 'AWS CodeBuild' and 'AWS Systems Manager'; tried on real CodeBuild.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from livejob.local_aws.build_host.messages import Fields
from livejob.local_aws.plugs.codebuild.ports import Scope
from livejob.local_aws.plugs.codebuild.record import id_of

_PROJECT_OF_ARN = re.compile(r"arn:aws:codebuild:[^:]*:[^:]*:project/(?P<name>[^:]+)")


def resource_of(service: str, headers: Mapping[str, str], body: bytes, scope: Scope) -> str | None:
    """The ARN to authorize for; None when MiniStack knows it itself."""
    if service not in ("codebuild", "ssm"):
        return None
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    return _project(fields, scope) if service == "codebuild" else _parameter(fields, headers, scope)


def _project(fields: Fields, scope: Scope) -> str | None:
    """Of requests that name builds, or several projects. Several projects need a permission for all."""
    builds = [fields["id"]] if "id" in fields else fields.get("ids", [])
    names = {id_of(str(each)).rpartition(":")[0] for each in builds}
    for each in fields.get("names", []):
        matched = _PROJECT_OF_ARN.fullmatch(str(each))
        names.add(matched["name"] if matched else str(each))
    if not names:
        return None
    return scope.arn(f"project/{names.pop() if len(names) == 1 else '*'}")


def _parameter(fields: Fields, headers: Mapping[str, str], scope: Scope) -> str | None:
    """Of a GetParameters for one parameter."""
    names = fields.get("Names")
    is_get = headers.get("x-amz-target", "").endswith(".GetParameters")
    if not is_get or not isinstance(names, list) or len(names) != 1 or str(names[0]).startswith("arn:"):
        return None
    return f"arn:aws:ssm:{scope.region}:{scope.account}:parameter/{str(names[0]).lstrip('/')}"
