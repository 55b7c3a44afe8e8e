"""Stores the square root of the payload's number in a bucket, under the job's role."""

import json
import math
import os

import boto3

number = json.loads(os.environ["LIVEJOB_PAYLOAD"])["number"]
s3 = boto3.client("s3")
s3.put_object(Bucket="containers-roots", Key=f"{number}.txt", Body=str(math.sqrt(number)).encode())
print(f"stored {number}.txt")
