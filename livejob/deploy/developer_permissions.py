"""What a developer may do who deploys development stages and attaches a daemon to them.

Two managed policies, because one would be too large: `developer_policy` for development stages, and
`deployer_policy` besides for whoever deploys stages whose jobs run as builds.

The emulator's user `developer` has exactly both, so that a permission that is missing shows on the first
local run; docs/permissions.md prints it for real accounts. What CloudFormation does with the developer's
permissions is allowed through CloudFormation only.

Whoever may make roles and become them can give themselves whatever the account allows: hand this policy
to people who may do so, or put a permissions boundary on their `iam:CreateRole`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

POLICY_CHARS = 6144
"""The most that a managed policy may hold, white space not counted. Source: IAM quotas."""

_VIA_CLOUDFORMATION = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}

_STACK_ACTIONS = (
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:ListChangeSets",
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
)
_TABLE_ACTIONS = (
    "dynamodb:CreateTable",
    "dynamodb:DeleteTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:ListTagsOfResource",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTable",
    "dynamodb:UpdateTimeToLive",
)
_BUCKET_ACTIONS = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
)
_ROLE_ACTIONS = (
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
)
_FUNCTION_ACTIONS = (
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionEventInvokeConfig",
    "lambda:GetFunction",
    "lambda:GetFunctionCodeSigningConfig",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetFunctionRecursionConfig",
    "lambda:GetRuntimeManagementConfig",
    "lambda:ListTags",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "lambda:UpdateFunctionEventInvokeConfig",
)
_LOG_ACTIONS = (
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:DeleteRetentionPolicy",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
)
_PARAMETER_ACTIONS = (
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
    "ssm:RemoveTagsFromResource",
)
_RECORD_ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)


_INDEX_ACTIONS = ("dynamodb:Query", "dynamodb:Scan")

_BUILD_ROLES = ("invoker", "reconciler")

_PROJECT_ACTIONS = (
    "codebuild:BatchGetProjects",
    "codebuild:CreateProject",
    "codebuild:DeleteProject",
    "codebuild:UpdateProject",
)
_RULE_ACTIONS = (
    "events:DeleteRule",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
    "events:TagResource",
    "events:UntagResource",
)
_CALLER_ACTIONS = ("lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission")
_BUILD_LOG_READING = ("logs:FilterLogEvents", "logs:GetLogEvents")


def developer_policies(account: str, region: str) -> Sequence[Mapping[str, object]]:
    """All policies of somebody who develops and deploys."""
    return [developer_policy(account, region), deployer_policy(account, region)]


def deployer_policy(account: str, region: str) -> Mapping[str, object]:
    """What deploying stages with builds takes beside `developer_policy`, as an IAM policy document."""

    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{account}:{resource}"

    builds_log = arn("logs", "log-group:/aws/codebuild/livejob-*")
    roles = [f"arn:aws:iam::{account}:role/livejob-*-{each}" for each in _BUILD_ROLES]
    return _document(
        [
            _allow_stacks("Projects", _PROJECT_ACTIONS, arn("codebuild", "project/livejob-*")),
            _allow_stacks("Rules", _RULE_ACTIONS, arn("events", "rule/livejob-*")),
            _allow_stacks("RulesCall", _CALLER_ACTIONS, arn("lambda", "function:livejob-*")),
            _allow_stacks("BuildLogs", _LOG_ACTIONS, builds_log),
            _pass("FunctionsRoles", "lambda.amazonaws.com", *roles),
            _pass("JobsRoles", "codebuild.amazonaws.com", f"arn:aws:iam::{account}:role/livejob-*-job"),
            _allow("Builds", ["codebuild:BatchGetBuilds"], arn("codebuild", "project/livejob-*")),
            _allow("BuildLogLines", _BUILD_LOG_READING, builds_log, f"{builds_log}:*"),
        ]
    )


def developer_policy(account: str, region: str) -> Mapping[str, object]:
    """The statements as an IAM policy document; fits into one managed policy."""
    return _document(developer_statements(account, region))


def developer_statements(account: str, region: str) -> Sequence[Mapping[str, object]]:
    """IAM statements for everything of livejob's in one account and region."""
    return [*_deployment(account, region), *_daily_work(account, region)]


def _deployment(account: str, region: str) -> Sequence[Mapping[str, object]]:
    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{account}:{resource}"

    return [
        _allow("Stacks", _STACK_ACTIONS, arn("cloudformation", "stack/livejob-*/*")),
        _allow_stacks("Tables", _TABLE_ACTIONS, arn("dynamodb", "table/livejob-*")),
        _allow_stacks("Buckets", _BUCKET_ACTIONS, "arn:aws:s3:::livejob-*"),
        _allow_stacks("Roles", _ROLE_ACTIONS, f"arn:aws:iam::{account}:role/livejob-*"),
        _allow_stacks("Invokers", _FUNCTION_ACTIONS, arn("lambda", "function:livejob-*")),
        _allow_stacks("Logs", _LOG_ACTIONS, arn("logs", "log-group:/aws/lambda/livejob-*")),
        _allow_stacks("Parameters", _PARAMETER_ACTIONS, arn("ssm", "parameter/livejob/*")),
        _pass("StubsRole", "lambda.amazonaws.com", f"arn:aws:iam::{account}:role/livejob-*-stub"),
    ]


def _daily_work(account: str, region: str) -> Sequence[Mapping[str, object]]:
    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{account}:{resource}"

    return [
        _allow("Record", _RECORD_ACTIONS, arn("dynamodb", "table/livejob-*")),
        _allow(
            "RecordIndexes", ["dynamodb:Query", "dynamodb:Scan"], arn("dynamodb", "table/livejob-*/index/*")
        ),
        _allow("Objects", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], "arn:aws:s3:::livejob-*/*"),
        _allow("ObjectLists", ["s3:ListBucket"], "arn:aws:s3:::livejob-*"),
        _allow("Session", ["iot:Connect"], arn("iot", "client/ses_*")),
        _allow("Ring", ["iot:Publish", "iot:Receive"], arn("iot", "topic/livejob/*")),
        _allow("Hear", ["iot:Subscribe"], arn("iot", "topicfilter/livejob/*")),
        # Has no resource type. Source: Service Authorization Reference, AWS IoT.
        _allow("Broker", ["iot:DescribeEndpoint"], "*"),
        _allow("BecomeJobs", ["sts:AssumeRole"], f"arn:aws:iam::{account}:role/livejob-*-job"),
        _allow("StartRuns", ["lambda:InvokeFunction"], arn("lambda", "function:livejob-*")),
        _allow("FindInvokers", ["ssm:GetParameter", "ssm:GetParameters"], arn("ssm", "parameter/livejob/*")),
    ]


def _document(statements: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _pass(sid: str, service: str, *roles: str) -> Mapping[str, object]:
    """Making somebody become a role: one service, and nobody else."""
    condition = {"StringEquals": {"iam:PassedToService": service}}
    return {**_allow(sid, ["iam:PassRole"], *roles), "Condition": condition}


def _allow(sid: str, actions: Sequence[str], *resources: str) -> Mapping[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _allow_stacks(sid: str, actions: Sequence[str], resource: str) -> Mapping[str, object]:
    """What CloudFormation may do when it works for the developer, and the developer alone may not."""
    return {**_allow(sid, actions, resource), "Condition": _VIA_CLOUDFORMATION}
