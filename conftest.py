"""The suite's plugins. Fixtures live in tests/support/<room>_fixtures.py, one module for each room."""

import signal

# Whatever a shell starts in the background ignores SIGINT, and so would the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "tests.support.tiers",
    "tests.support.engine_fixtures",
    "tests.support.image_fixtures",  # after engine_fixtures, which it imports
    "tests.support.local_aws_fixtures",
    "tests.support.sdk_fixtures",
    "tests.support.stage_fixtures",
    "tests.support.bridge_fixtures",
    "tests.support.stub_fixtures",
    "tests.support.build_fixtures",
    "tests.support.backend_fixtures",
    "tests.support.cli_fixtures",  # after stage_fixtures, which it imports
]
