"""Makes what the quickstart needs beside its jobs: a bucket into which only the job's role may write.

`livejob start --local` runs it as administrator of the local AWS, before the stage is deployed.
"""

import json

import boto3

BUCKET = "quickstart-reports"
ROLE = "livejob-quickstart-*-MonthlyReport-job"
WRITERS = [f"arn:aws:iam::*:role/{ROLE}", f"arn:aws:sts::*:assumed-role/{ROLE}/*"]

s3 = boto3.client("s3")
s3.create_bucket(Bucket=BUCKET)
s3.put_bucket_policy(
    Bucket=BUCKET,
    Policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OnlyTheReportWrites",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{BUCKET}/*",
                    "Condition": {"ArnNotLike": {"aws:PrincipalArn": WRITERS}},
                }
            ],
        }
    ),
)
