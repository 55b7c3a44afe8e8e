"""CodeBuild's limits and sizes.

Source: AWS CodeBuild, 'Quotas', 'Build environment compute modes and types'; the API's model; refusals of
the real service.
"""

from __future__ import annotations

GIB = 1024**3

TIMEOUT_MINUTES = (5, 2160)
QUEUED_TIMEOUT_MINUTES = (5, 480)
DEFAULT_TIMEOUT_MINUTES = 60
DEFAULT_QUEUED_TIMEOUT_MINUTES = 480

VARIABLE_CHARS = 4096
"""Longest value of an environment variable."""

RESERVED_PREFIX = "CODEBUILD_"

VARIABLE_TYPES = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")

IDEMPOTENCY_S = 300.0
"""How long an idempotency token counts."""

CONCURRENT_BUILDS = 20
"""Builds that may run at the same time: the default for the smaller Linux sizes."""

QUEUED_BUILDS = 5 * CONCURRENT_BUILDS
"""Builds that may run or wait."""

MEMORY_BYTES = {
    "LINUX_CONTAINER": {
        "BUILD_GENERAL1_SMALL": 3 * GIB,
        "BUILD_GENERAL1_MEDIUM": 7 * GIB,
        "BUILD_GENERAL1_LARGE": 15 * GIB,
        "BUILD_GENERAL1_XLARGE": 70 * GIB,
        "BUILD_GENERAL1_2XLARGE": 145 * GIB,
    },
    "ARM_CONTAINER": {
        "BUILD_GENERAL1_SMALL": 4 * GIB,
        "BUILD_GENERAL1_MEDIUM": 8 * GIB,
        "BUILD_GENERAL1_LARGE": 16 * GIB,
        "BUILD_GENERAL1_XLARGE": 64 * GIB,
        "BUILD_GENERAL1_2XLARGE": 96 * GIB,
    },
}
"""Environment type -> compute type -> memory of its container."""

SOURCE_TYPES = ("S3", "NO_SOURCE")
"""Where a source can come from in the local AWS."""
