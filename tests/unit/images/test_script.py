"""The shell text of a container job, by its words."""

import pytest

from livejob.images.script import container_script


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["python3", "/var/task/my-script.py"], "python3 /var/task/my-script.py"),
        (["echo", "two words", "$HOME;", "it's"], """echo 'two words' '$HOME;' 'it'"'"'s'"""),
        (["npm run build && node x.js"], "npm run build && node x.js"),
        (["./run.sh"], "./run.sh"),
    ],
)
def test_command_is_the_last_thing(command: list[str], line: str) -> None:
    """Several words are passed on as they are; one alone is a line of shell."""
    script = container_script(command)

    assert line == script.splitlines()[-1]
