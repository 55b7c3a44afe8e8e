"""The quickstart's jobs. `livejob start --local` in the directory above runs them on this machine."""

import time

import boto3

from livejob import Context, JobCancelled, job

BUCKET = "quickstart-reports"


@job(
    timeout="10 minutes",
    memory="1 GB",
    permissions=[{"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::quickstart-reports/*"]}],
)
def monthly_report(payload, context: Context):
    """Write an object that only this job's role may write, and tell who it is."""
    print(f"report for {payload['month']}, attempt {context.attempt}")
    me = boto3.client("sts").get_caller_identity()["Arn"]
    print(f"running as {me}")
    key = f"{payload['month']}.txt"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"all is well")
    print(f"wrote s3://{BUCKET}/{key}")
    return {"key": key, "as": me, "greeting": greeting()}


def greeting():
    return "hello"


@job(timeout="1 minute")
def divide(payload):
    """Fails when asked to."""
    return payload["a"] / payload["b"]


@job(timeout="2 seconds")
def count_sheep(payload):
    """Takes longer than it may, unless it is cancelled first."""
    try:
        for sheep in range(payload["sheep"]):
            print(f"{sheep + 1} sheep")
            time.sleep(0.5)
    except JobCancelled:
        print("woken up")
        raise
