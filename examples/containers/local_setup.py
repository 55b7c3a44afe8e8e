"""Makes the bucket into which StoreRoot writes.

`livejob start --local` runs it as administrator of the local AWS, before the stage is deployed.
"""

import boto3

boto3.client("s3").create_bucket(Bucket="containers-roots")
