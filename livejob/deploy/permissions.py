"""Which permissions livejob's own parts need, as data: the least that their code uses.

The deployed roles are made from it, and the tests run the functions under roles made from it. It knows
nothing of stacks or of how a role is made. Each function gives IAM statements, ready for a policy
document.
"""

from __future__ import annotations

from livejob.runs.schema import OPEN_INDEX
from livejob.wire.names import StageNames, document_key

Statement = dict[str, object]


def stub_statements(names: StageNames, account: str, region: str) -> list[Statement]:
    """What the stub Lambda of any job in a development stage may do.

    `iot:Publish` cannot be narrower than the stage: which sessions attach is not known at deployment.
    """
    return [
        _record(names, account, region, "GetItem", "PutItem", "UpdateItem", "Query"),
        _allow(["iot:Publish"], f"arn:aws:iot:{region}:{account}:topic/{names.topic_root}/*"),
        *_documents_of_invoker(names, account, region),
        function_log(region, account, names.invoker("*")),
    ]


def invoker_statements(names: StageNames, account: str, region: str) -> list[Statement]:
    """What the invoker of any job in a production stage may do."""
    return [
        _record(names, account, region, "GetItem", "PutItem", "UpdateItem"),
        *_documents_of_invoker(names, account, region),
        builds(names, account, region),
        function_log(region, account, names.invoker("*")),
    ]


def reconciler_statements(names: StageNames, account: str, region: str) -> list[Statement]:
    """What the function may do that closes runs, and starts their next attempts."""
    return [
        _record(names, account, region, "BatchGetItem", "GetItem", "UpdateItem"),
        _allow(
            ["dynamodb:Scan"],  # of what has not ended, for which this index is
            f"arn:aws:dynamodb:{region}:{account}:table/{names.table}/index/{OPEN_INDEX}",
        ),
        builds(names, account, region),
        function_log(region, account, names.reconciler),
    ]


def build_statements(names: StageNames, account: str, region: str, job: str, bundles: str) -> list[Statement]:
    """What a build of the job may do beside what the job itself is permitted: the handler runs under the
    same role, so this is what a handler could do to the record of its stage.

    bundles: `bucket/pattern` of what it may read to run it.
    """
    bucket = f"arn:aws:s3:::{names.bucket(account, region)}"
    return [
        _record(names, account, region, "GetItem", "UpdateItem"),
        _allow(["s3:GetObject"], f"{bucket}/{document_key('payloads', '*')}"),
        _allow(["s3:PutObject"], f"{bucket}/{document_key('results', '*')}"),
        _allow(["s3:GetObject", "s3:GetObjectVersion"], f"arn:aws:s3:::{bundles}"),
        _log(region, account, f"/aws/codebuild/{names.project(job)}"),
    ]


def builds(names: StageNames, account: str, region: str) -> Statement:
    """Starting, stopping and looking at the builds of a stage."""
    project = f"arn:aws:codebuild:{region}:{account}:project/{names.project('*')}"
    return _allow(["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"], project)


def function_log(region: str, account: str, function: str) -> Statement:
    """Writing to a function's log; `*` in the name is a pattern."""
    return _log(region, account, f"/aws/lambda/{function}")


def _record(names: StageNames, account: str, region: str, *actions: str) -> Statement:
    """No Scan and no delete: livejob's own parts read single runs and the list of sessions."""
    table = f"arn:aws:dynamodb:{region}:{account}:table/{names.table}"
    return _allow([f"dynamodb:{action}" for action in actions], table)


def _documents_of_invoker(names: StageNames, account: str, region: str) -> list[Statement]:
    bucket = f"arn:aws:s3:::{names.bucket(account, region)}"
    return [
        # To store a payload, to see that one was uploaded, and to begin a rerun with it.
        _allow(["s3:GetObject", "s3:PutObject"], f"{bucket}/{document_key('payloads', '*')}"),
        # A presigned URL grants what its signer may do: the caller reads a large result through it.
        _allow(["s3:GetObject"], f"{bucket}/{document_key('results', '*')}"),
    ]


def _log(region: str, account: str, group: str) -> Statement:
    arn = f"arn:aws:logs:{region}:{account}:log-group:{group}"
    # Some actions are checked on the group, some on its streams.
    # Source: CodeBuild, "Create a CodeBuild service role", which grants both.
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn, f"{arn}:*")


def _allow(actions: list[str], *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
