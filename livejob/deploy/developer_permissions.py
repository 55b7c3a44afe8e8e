"""What a developer may do who deploys development stages and attaches a daemon to them.

The emulator's user `developer` has exactly this, so that a missing permission shows on the first local
run; docs/permissions.md prints it for real accounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livejob.wire.names import artifacts_bucket


def developer_policy(account: str, region: str) -> Mapping[str, object]:
    """The statements as an IAM policy document."""
    return {"Version": "2012-10-17", "Statement": list(developer_statements(account, region))}


def developer_statements(account: str, region: str) -> Sequence[Mapping[str, object]]:
    """IAM statements, for one account and region."""
    artifacts = artifacts_bucket(account, region)

    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{account}:{resource}"

    return [
        _allow(
            "Deploy",
            [
                "cloudformation:CreateChangeSet",
                "cloudformation:DeleteChangeSet",
                "cloudformation:DeleteStack",
                "cloudformation:DescribeChangeSet",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
                "cloudformation:ExecuteChangeSet",
            ],
            [arn("cloudformation", "stack/livejob-*/*")],
        ),
        _allow(
            "RunRecord",
            [
                "dynamodb:BatchGetItem",
                "dynamodb:ConditionCheckItem",
                "dynamodb:DeleteItem",
                "dynamodb:DescribeTable",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ],
            [arn("dynamodb", "table/livejob-*"), arn("dynamodb", "table/livejob-*/index/*")],
        ),
        _allow(
            "StageObjects",
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            ["arn:aws:s3:::livejob-*/*"],
        ),
        _allow("StageBuckets", ["s3:ListBucket"], ["arn:aws:s3:::livejob-*", f"arn:aws:s3:::{artifacts}"]),
        _allow(
            "Bridge",
            ["iot:Connect", "iot:Publish", "iot:Receive", "iot:Subscribe"],
            [
                arn("iot", "client/livejob-*"),
                arn("iot", "client/ses_*"),
                arn("iot", "topic/livejob/*"),
                arn("iot", "topicfilter/livejob/*"),
            ],
        ),
        # Has no resource type. Source: Service Authorization Reference, AWS IoT.
        _allow("BridgeEndpoint", ["iot:DescribeEndpoint"], ["*"]),
        _allow("BecomeJobs", ["sts:AssumeRole"], [f"arn:aws:iam::{account}:role/livejob/*"]),
        _allow("StartRuns", ["lambda:InvokeFunction"], [arn("lambda", "function:*")]),
        _allow(
            "FindInvokers",
            ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
            [arn("ssm", "parameter/livejob/*")],
        ),
    ]


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Mapping[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
