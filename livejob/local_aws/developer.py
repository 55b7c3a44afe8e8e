"""Makes the IAM user `developer` in the emulator: whom all of livejob's calls come from.

The root keys of the emulator are used here and nowhere else in the product.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from livejob.local_aws.process import Keys

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

USER = "developer"
POLICY = "livejob-developer"


def open_iam(endpoint_url: str, region: str, root: Keys) -> IAMClient:
    """IAM as root. Calls nothing, so it may be opened while the emulator still starts."""
    # Loading the SDK takes as long as the emulator's start: here the two happen at the same time.
    import boto3

    session = boto3.Session(root.access_key_id, root.secret_access_key, region_name=region)
    return session.client("iam", endpoint_url=endpoint_url)


def create_developer(iam: IAMClient, policy: Mapping[str, object]) -> Keys:
    """Create the user with `policy` (an IAM policy document) as its only permissions; an access key of it."""
    iam.create_user(UserName=USER)
    iam.put_user_policy(UserName=USER, PolicyName=POLICY, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])
