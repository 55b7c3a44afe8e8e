"""The emulator that the other tests rely on."""

from __future__ import annotations

from tests.support.local_aws_fixtures import LocalAwsUnderTest


def test_developer_is_an_iam_user(local_aws: LocalAwsUnderTest) -> None:
    """livejob's own calls come from an IAM user, because root may do anything."""
    sts = local_aws.developer.client("sts", endpoint_url=local_aws.endpoint_url)

    identity = sts.get_caller_identity()

    assert f"arn:aws:iam::{local_aws.account}:user/developer" == identity["Arn"]
