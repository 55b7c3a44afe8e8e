"""`livejob debug init` configures editors and leaves alone what is theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from livejob.cli import jsonc
from livejob.cli.exit_codes import ExitCode
from livejob.cli.main import run_command


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app whose source is `back/src` of a repository."""
    (tmp_path / ".git").mkdir()
    root = tmp_path / "back"
    (root / "src").mkdir(parents=True)
    (root / "livejob.toml").write_text('app = "shop"\nsource = "src"\n')
    return root


def init(app: Path, *arguments: str) -> int:
    return run_command(["debug", "init", "--app-dir", str(app), *arguments])


def configurations(app: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = jsonc.read((app.parent / ".vscode/launch.json").read_text())[
        "configurations"
    ]
    return found


def test_a_launch_file_is_written(app: Path) -> None:
    """Where there is none, launch.json is made in the repository's directory, with the source mapped."""
    code = init(app)

    [configuration] = json.loads((app.parent / ".vscode/launch.json").read_text())["configurations"]
    assert ExitCode.OK == code
    assert ("debugpy", "attach") == (configuration["type"], configuration["request"])
    assert {"host": "127.0.0.1", "port": 5678} == configuration["connect"]
    assert [{"localRoot": "${workspaceFolder}/back/src", "remoteRoot": "/var/task"}] == configuration[
        "pathMappings"
    ]
    assert not (app.parent / ".idea").exists()


def test_a_launch_file_is_added_to(app: Path) -> None:
    """Configurations and comments that are there stay; ours comes once, however often it is asked for."""
    (app.parent / ".vscode").mkdir()
    text = '{\n  // ours\n  "configurations": [\n    {"name": "web", "type": "node"},\n  ]\n}\n'
    (app.parent / ".vscode/launch.json").write_text(text)

    init(app, "--port", "5999")
    init(app)

    assert ["livejob: attach", "web"] == [each["name"] for each in configurations(app)]
    assert 5999 == configurations(app)[0]["connect"]["port"]
    assert "// ours" in (app.parent / ".vscode/launch.json").read_text()


def test_a_launch_file_that_cannot_be_read_is_left(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be understood is not touched, and that is an error."""
    (app.parent / ".vscode").mkdir()
    (app.parent / ".vscode/launch.json").write_text("{ nonsense")

    code = init(app)

    assert ExitCode.PROJECT == code
    assert "{ nonsense" == (app.parent / ".vscode/launch.json").read_text()
    assert "launch.json cannot be understood" in capsys.readouterr().err


def test_pycharm_gets_a_run_configuration(app: Path) -> None:
    """In a project with an .idea directory PyCharm's run configurations are written too, and not twice."""
    (app.parent / ".idea").mkdir()

    init(app)
    file = app.parent / ".idea/runConfigurations/livejob_attach.xml"
    written = file.read_text()
    init(app, "--port", "5999")

    configuration = ElementTree.fromstring(written).find("configuration")
    assert configuration is not None
    assert "PythonDapAttachConfiguration" == configuration.get("type")
    assert written == file.read_text()
    assert 'value="127.0.0.1:5678"' in written
    assert 'local-root="$PROJECT_DIR$/back/src" remote-root="/var/task"' in written


def test_pycharm_gets_a_debug_server(app: Path) -> None:
    """For versions that cannot attach there is a configuration that listens, with the source mapped."""
    init(app, "--editor", "pycharm", "--server-port", "5999")
    written = (app.parent / ".idea/runConfigurations/livejob_debug_server.xml").read_text()

    configuration = ElementTree.fromstring(written).find("configuration")
    assert configuration is not None
    options = {each.get("name"): each.get("value") for each in configuration.findall("option")}
    assert "PyRemoteDebugConfigurationType" == configuration.get("type")
    assert "Python Remote Debug" == configuration.get("factoryName")
    assert ("localhost", "5999") == (options["HOST"], options["PORT"])
    assert 'local-root="$PROJECT_DIR$/back/src" remote-root="/var/task"' in written


def test_the_source_lies_in_the_workspace(
    app: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """A workspace that does not hold the source is refused."""
    code = init(app, "--workspace", str(tmp_path_factory.mktemp("other")))

    assert ExitCode.PROJECT == code
    assert "--workspace DIR" in capsys.readouterr().err


def test_container_jobs_have_configurations_of_their_own(app: Path) -> None:
    """For each debug command one of its debugger's kind, with the job's directory and port; once."""
    tables = ""
    for name, words, port in (("Python", "-m debugpy", 5680), ("Node", "--inspect={port}", 9230)):
        (app / "src" / name.lower()).mkdir()
        debug = f'{{ cmd = ["run", "{words}", "{{port}}"], port = {port}, root = "/app" }}'
        tables += f'[jobs.{name}]\nruntime = "container"\nhandler = "{name.lower()}"\ntimeout = 600\n'
        tables += f'container = {{ cmd = ["run"], debug = {debug} }}\n'
    with (app / "livejob.toml").open("a") as file:
        file.write(tables)

    codes = {init(app), init(app)}

    found = {each["name"]: each for each in configurations(app)}
    node, python = found["livejob: Node"], found["livejob: Python"]
    assert ({ExitCode.OK}, 3) == (codes, len(configurations(app)))
    assert ("node", 9230) == (node["type"], node["port"])
    assert ("${workspaceFolder}/back/src/node", "/app") == (node["localRoot"], node["remoteRoot"])
    assert "debugpy" == python["type"]
    assert {"host": "127.0.0.1", "port": 5680} == python["connect"]
    mapping = {"localRoot": "${workspaceFolder}/back/src/python", "remoteRoot": "/app"}
    assert [mapping] == python["pathMappings"]
