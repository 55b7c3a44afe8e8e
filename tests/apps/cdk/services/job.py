"""The job of the construct's example with more props."""

import os


def main(payload: object) -> str:
    """What the job's config is in its environment."""
    return os.environ["API_URL"]
