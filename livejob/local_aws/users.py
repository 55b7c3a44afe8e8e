"""Makes the IAM users in the emulator: `developer`, whom all of livejob's calls come from, and `admin`.

The root keys of the emulator are used here and nowhere else in the product.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from livejob.local_aws.process import Keys

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ADMIN_POLICY: Mapping[str, object] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""Of a person who makes resources of their own. An IAM user, not root, whom the emulator lets assume any
role: trust policies hold for it as in AWS."""


def open_iam(endpoint_url: str, region: str, root: Keys) -> IAMClient:
    """IAM as root. Calls nothing, so it may be opened while the emulator still starts."""
    # Loading the SDK takes as long as the emulator's start: here the two happen at the same time.
    import boto3

    session = boto3.Session(root.access_key_id, root.secret_access_key, region_name=region)
    return session.client("iam", endpoint_url=endpoint_url)


def create_user(iam: IAMClient, name: str, policies: Sequence[Mapping[str, object]]) -> Keys:
    """Create a user with these IAM policy documents as its only permissions; an access key of it."""
    iam.create_user(UserName=name)
    for number, policy in enumerate(policies, 1):
        # Managed policies, as people have them in an account: inline ones have 2,048 characters in all.
        document = json.dumps(policy, separators=(",", ":"))
        made = iam.create_policy(PolicyName=f"livejob-{name}-{number}", PolicyDocument=document)
        iam.attach_user_policy(UserName=name, PolicyArn=made["Policy"]["Arn"])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])
