"""What editors need to attach to a session, as they keep it: VS Code and PyCharm.

The daemon maps paths by itself; the mapping of the source stands here for whoever reads or moves it. What is
there already stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from livejob.cli import jsonc
from livejob.errors import SettingsInvalid
from livejob.wire.names import TASK_ROOT

NAME = "livejob: attach"
VSCODE_FILE = Path(".vscode/launch.json")
PYCHARM_FILE = Path(".idea/runConfigurations/livejob_attach.xml")

SERVER_NAME = "livejob: debug server"
PYCHARM_SERVER_FILE = Path(".idea/runConfigurations/livejob_debug_server.xml")


class Deed(Enum):
    """What was done to a file."""

    WRITTEN = "written"
    ADDED = "added to"
    LEFT = "left as it is: it has it already"


@dataclass(frozen=True, slots=True)
class Attaching:
    """workspace:   directory that is opened in the editor; the source lies in it.
    port:        to attach to.
    server_port: on which PyCharm listens, where runs connect to it.
    """

    workspace: Path
    source: Path
    port: int
    server_port: int

    def local_root(self, workspace: str) -> str:
        """The source, by the editor's own word for the workspace."""
        inside = self.source.relative_to(self.workspace).as_posix()
        return workspace if inside == "." else f"{workspace}/{inside}"


def vscode_configuration(attaching: Attaching) -> dict[str, Any]:
    """One configuration of launch.json. Source: VS Code, "Python debugging", attach configurations."""
    mapping = {"localRoot": attaching.local_root("${workspaceFolder}"), "remoteRoot": TASK_ROOT}
    return {
        "name": NAME,
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": attaching.port},
        "pathMappings": [mapping],
        "justMyCode": False,
    }


def write_vscode(attaching: Attaching) -> Deed:
    """Put the configuration into the workspace's launch.json. Raises as `add_to_vscode`."""
    return add_to_vscode(attaching.workspace, vscode_configuration(attaching))


def add_to_vscode(workspace: Path, configuration: dict[str, Any]) -> Deed:
    """Put a configuration into the workspace's launch.json, if none of its name is there.

    Raises:
        SettingsInvalid: the file that is there cannot be understood.
    """
    path = workspace / VSCODE_FILE
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(jsonc.add_to_array('{\n  "version": "0.2.0"\n}\n', "configurations", configuration))
        return Deed.WRITTEN
    text = path.read_text()
    try:
        present = jsonc.read(text)
        if any(each.get("name") == configuration["name"] for each in present.get("configurations", [])):
            return Deed.LEFT
        path.write_text(jsonc.add_to_array(text, "configurations", configuration))
    except (ValueError, AttributeError) as error:
        raise SettingsInvalid(
            f"{path} cannot be understood: {error}", remedy="Correct it; nothing in it was changed."
        ) from error
    return Deed.ADDED


def pycharm_configuration(attaching: Attaching) -> str:
    """A run configuration "Attach to DAP" (PyCharm 2025.3 and later), as PyCharm stores it."""
    options = {"remoteAddress": f"127.0.0.1:{attaching.port}"}
    return _run_configuration(attaching, {"name": NAME, "type": "PythonDapAttachConfiguration"}, options)


def pycharm_server_configuration(attaching: Attaching) -> str:
    """A run configuration "Python Debug Server", which listens, as PyCharm stores it."""
    kind = {"type": "PyRemoteDebugConfigurationType", "factoryName": "Python Remote Debug"}
    options = {
        "PORT": str(attaching.server_port),
        "HOST": "localhost",
        "REDIRECT_OUTPUT": "true",
        "SUSPEND_AFTER_CONNECT": "false",
    }
    return _run_configuration(attaching, {"name": SERVER_NAME, **kind}, options)


def _run_configuration(attaching: Attaching, attributes: dict[str, str], options: dict[str, str]) -> str:
    component = ElementTree.Element("component", name="ProjectRunConfigurationManager")
    configuration = ElementTree.SubElement(component, "configuration", {"default": "false", **attributes})
    for name, value in options.items():
        ElementTree.SubElement(configuration, "option", name=name, value=value)
    mappings = ElementTree.SubElement(configuration, "PathMappingSettings")
    option = ElementTree.SubElement(mappings, "option", name="pathMappings")
    paths = {"local-root": attaching.local_root("$PROJECT_DIR$"), "remote-root": TASK_ROOT}
    ElementTree.SubElement(ElementTree.SubElement(option, "list"), "mapping", paths)
    ElementTree.SubElement(configuration, "method", v="2")
    ElementTree.indent(component)
    return ElementTree.tostring(component, encoding="unicode") + "\n"


def write_pycharm(attaching: Attaching) -> dict[Path, Deed]:
    """Put both run configurations into the project; what was done to each file."""
    texts = {
        PYCHARM_FILE: pycharm_configuration(attaching),
        PYCHARM_SERVER_FILE: pycharm_server_configuration(attaching),
    }
    return {file: _write_new(attaching.workspace / file, text) for file, text in texts.items()}


def _write_new(path: Path, text: str) -> Deed:
    if path.exists():
        return Deed.LEFT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return Deed.WRITTEN


def find_workspace(root: Path, home: Path) -> Path:
    """The directory that the editor has probably opened: the nearest one with its own files or git's.

    Not `home`, where editors keep what belongs to no project.
    """
    for directory in (root, *root.parents):
        if directory != home and any((directory / name).exists() for name in (".vscode", ".idea", ".git")):
            return directory
    return root
