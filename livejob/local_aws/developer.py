"""Makes the IAM user `developer` in the emulator: whom all of livejob's calls come from.

The root keys of the emulator are used here and nowhere else in the product.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import boto3

from livejob.local_aws.process import Keys

USER = "developer"
POLICY = "livejob-developer"


def create_developer(endpoint_url: str, region: str, root: Keys, policy: Mapping[str, object]) -> Keys:
    """Create the user with `policy` (an IAM policy document) as its only permissions; an access key of it."""
    session = boto3.Session(root.access_key_id, root.secret_access_key, region_name=region)
    iam = session.client("iam", endpoint_url=endpoint_url)
    iam.create_user(UserName=USER)
    iam.put_user_policy(UserName=USER, PolicyName=POLICY, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])
