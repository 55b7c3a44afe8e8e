"""Which permissions livejob's own functions need, as data: the least that their code uses.

The deployed roles are made from it, and the tests run the functions under roles made from it. It knows
nothing of stacks or of how a role is made. Each function gives IAM statements, ready for a policy
document.
"""

from __future__ import annotations

from livejob.wire.names import StageNames, document_key

Statement = dict[str, object]


def stub_statements(names: StageNames, account: str, region: str) -> list[Statement]:
    """What the stub Lambda of any job in the stage may do.

    `iot:Publish` cannot be narrower than the stage: which sessions attach is not known at deployment.
    No index, no Scan and no delete: the stub reads single runs and the list of sessions.
    """
    bucket = f"arn:aws:s3:::{names.bucket(account, region)}"
    return [
        _allow(
            ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"],
            f"arn:aws:dynamodb:{region}:{account}:table/{names.table}",
        ),
        _allow(["iot:Publish"], f"arn:aws:iot:{region}:{account}:topic/{names.topic_root}/*"),
        _allow(["s3:PutObject"], f"{bucket}/{document_key('payloads', '*')}"),
        # A presigned URL grants what its signer may do: the caller reads a large result through it.
        _allow(["s3:GetObject"], f"{bucket}/{document_key('results', '*')}"),
        _allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            f"arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{names.invoker('*')}:*",
        ),
    ]


def _allow(actions: list[str], resource: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
