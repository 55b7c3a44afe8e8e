"""What a job may do, in the words of SST's `permissions`, given to its role.

    "ses"                        every action of the service, on everything
    "arn:aws:s3:::photos/*"      every action of that resource's service, on it
    a construct                  the CDK's grants for using it, see GRANTS
    [construct, "grantRead"]     one grant of the CDK, also spelled grant_read
    PolicyStatement              as it is

`"*"`, SST's word for everything, is refused: nothing then says what a job works with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aws_cdk import aws_iam
from constructs import IConstruct

from livejob_infra.props import invalid

Permission = str | IConstruct | aws_iam.PolicyStatement | Sequence[object]
"""One entry of `permissions`."""

GRANTS: Sequence[Sequence[str]] = (
    ["grant_run"],  # a job
    ["grant_read_write_data"],  # a table
    ["grant_read_write"],  # a bucket, a stream
    ["grant_send_messages", "grant_consume_messages"],  # a queue
    ["grant_publish"],  # a topic
    ["grant_put_events_to"],  # an event bus
    ["grant_start_execution"],  # a state machine
    ["grant_encrypt_decrypt"],  # a key
    ["grant_invoke"],  # a function
    ["grant_read"],  # a parameter, a secret
)
"""What a construct alone stands for: the first of these that it has. By methods and not by classes, so
that what another stack or account has (`Bucket.from_bucket_name`) counts as well."""

_SERVICE = re.compile(r"[a-z][a-z0-9-]*")
_ARN = re.compile(r"arn:[a-z-]+:(?P<service>[a-z0-9-]+):")


def give(owner: str, role: aws_iam.IRole, permission: object) -> None:
    """Give one permission to the role.

    owner: the job's name, for messages.

    Raises:
        JobSpecInvalid: it is none of the forms above.
    """
    if isinstance(permission, str):
        role.add_to_principal_policy(_statement_of_text(owner, permission))
    elif isinstance(permission, aws_iam.PolicyStatement):
        role.add_to_principal_policy(permission)
    elif isinstance(permission, list | tuple):
        _call_grant(owner, role, permission)
    else:
        for method in _grants_of(owner, permission):
            getattr(permission, method)(role)


def _statement_of_text(owner: str, text: str) -> aws_iam.PolicyStatement:
    arn = _ARN.match(text)
    if arn is not None:
        return aws_iam.PolicyStatement(actions=[f"{arn['service']}:*"], resources=[text])
    if _SERVICE.fullmatch(text):
        return aws_iam.PolicyStatement(actions=[f"{text}:*"], resources=["*"])
    raise invalid(
        f"Invalid permission for the {owner} Job: {text!r}.",
        'Name a service ("ses"), an ARN, or give a construct or a PolicyStatement.',
    )


def _grants_of(owner: str, construct: object) -> Sequence[str]:
    for methods in GRANTS:
        if all(callable(getattr(construct, method, None)) for method in methods):
            return methods
    raise invalid(
        f"Invalid permission for the {owner} Job: a {type(construct).__name__} stands for no permission.",
        'Say which of its grants you mean: permissions=[[table, "grantReadData"]].',
    )


def _call_grant(owner: str, role: aws_iam.IRole, pair: Sequence[object]) -> None:
    if len(pair) != 2 or not isinstance(pair[1], str):
        raise invalid(f"Invalid permission for the {owner} Job: {pair!r}.", 'Write it [bucket, "grantRead"].')
    construct, name = pair
    method = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", str(name)).lower()
    known = [each for each in dir(construct) if each.startswith("grant")]
    if method not in known:
        raise invalid(
            f"Invalid permission for the {owner} Job: a {type(construct).__name__} has no {name!r}.",
            f"It has {', '.join(known)}." if known else "It has no grants; give a PolicyStatement.",
        )
    getattr(construct, method)(role)
