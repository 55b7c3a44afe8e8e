"""Limits, AWS's and our own, each in one place and with its source.

Sizes are bytes, durations are seconds.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

LAMBDA_SYNC_PAYLOAD_BYTES = 6 * MIB
"""Request and response of a synchronous Invoke. Source: Lambda quotas, 'Invocation payload'."""

IOT_MESSAGE_BYTES = 128 * 1000
"""IoT Core drops the connection above it. Source: AWS IoT Core quotas, 'Maximum payload size'."""

BRIDGE_MESSAGE_BYTES = 96 * KIB
"""What we let onto the bridge: below IoT's limit with room for the envelope."""

DYNAMODB_ITEM_BYTES = 400 * KIB
"""Source: DynamoDB quotas, 'Item size'."""

INLINE_DOCUMENT_BYTES = 64 * KIB
"""A payload or a result up to this size lives in the run's record; a larger one in S3.

Two of them, the attempts and an index projection stay below DYNAMODB_ITEM_BYTES.
"""

PAYLOAD_BYTES = LAMBDA_SYNC_PAYLOAD_BYTES - 64 * KIB
"""The largest payload that fits into an invocation (64 KiB are left for the envelope).

A larger one is uploaded to the stage's bucket before the invocation.
"""

DOCUMENT_BYTES = 128 * MIB
"""The largest payload and the largest result: in a worker either crosses the channel as one frame."""

IDEMPOTENCY_KEY_BYTES = 1024
"""With the job's name it is a partition key of DynamoDB, of which the limit is 2048."""

FRAME_BYTES = DOCUMENT_BYTES + MIB
"""The largest frame on a worker's channel."""

TRACE_CHARS = 16 * KIB
"""A recorded traceback keeps its last so many characters: the failing line is at its end."""

MESSAGE_CHARS = 4 * KIB
"""A recorded error message keeps its first so many characters."""

ACCEPT_TIMEOUT_S = 3.0
"""How long a stub waits for a session to claim a run before it tries the next one."""

SESSIONS_TRIED_MAX = 3
"""How many sessions a stub rings for one run: together they must fit into its own timeout."""

RESULT_URL_S = 15 * 60
"""How long the link to a large result works."""

UPLOAD_URL_S = 15 * 60
"""How long an upload of a large payload may be begun."""

LEASE_S = 30.0
"""How long a claim holds without a heartbeat."""

HEARTBEAT_S = 10.0
"""How often a lease is renewed: three chances before it runs out."""

BUILD_HEARTBEAT_S = 5.0
"""How often a build renews its lease: nobody rings there, so it is also how soon a cancel is heard of."""

CANCEL_GRACE_S = 10.0
"""From SIGTERM to SIGKILL when a run is cancelled or out of time."""

JOB_TIMEOUT_MIN_S = 1
JOB_TIMEOUT_MAX_S = 36 * 3600
"""CodeBuild's longest build. Source: CodeBuild quotas, 'Build timeout' (5 to 2,160 minutes)."""

JOB_MEMORY_MIN_BYTES = 128 * MIB
JOB_MEMORY_MAX_BYTES = 145 * GIB
"""CodeBuild's largest machine. Source: CodeBuild, 'Build environment compute modes and types'."""

CONTAINER_TIMEOUT_MIN_S = 5 * 60
"""Of a container job, whose time CodeBuild keeps. Source: CodeBuild, CreateProject, timeoutInMinutes."""

PAYLOAD_VARIABLE_BYTES = 100 * KIB
"""A container job finds a payload up to this size in its environment, a larger one in a file only.

Linux takes one variable of 128 KiB with its name (MAX_ARG_STRLEN, execve(2)).
"""

BUILD_MINUTES_MAX = 2160
"""Source: CodeBuild quotas, 'Build timeout'."""

QUEUE_TIMEOUT_MIN_S = 5 * 60
QUEUE_TIMEOUT_MAX_S = 8 * 3600
"""Source: CodeBuild, CreateProject, queuedTimeoutInMinutes (5 to 480)."""

RETRIES_MAX = 10
BACKOFF_MAX_S = 10 * 60
"""The longest pause between two attempts: who makes it must end within a Lambda function's 15 minutes."""

RUN_TTL_S = 30 * 24 * 3600
"""How long an ended run stays in the table."""

QUEUE_TTL_S = 8 * 3600
"""How long a run may stay QUEUED before it is EXPIRED. Source of the value: CodeBuild's queue default."""

ROLE_SESSION_S = 3600
"""Chained role sessions last at most one hour. Source: STS AssumeRole, 'Role chaining'."""

CREDENTIALS_MIN_LIFE_S = 20 * 60
"""Credentials with less life than this are renewed before they are served.

botocore asks again on every use below 15 minutes of life (advisory refresh).
"""
