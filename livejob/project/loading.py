"""Loads an app: livejob.toml, flags and environment into `Settings`, and with them its jobs.

Which source of a setting wins is decided in one function, `_find`. Knows nothing of the command line or
of os.environ, which are handed in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from livejob.errors import ProjectNotFound, SettingsInvalid
from livejob.project.discovery import SETTINGS_FILE, Discovery, JobFinder, Problem
from livejob.project.settings import LIVEJOB_DIRECTORY, SettingRow, Settings, setting_rows
from livejob.wire.names import NAME_PATTERN

JOBS_KEY = "jobs"
STAGE_FILE = "stage"
STAGE_FROM_USER_CHARS = 20
FROM_USER = "your user name"
DEFAULT = "default"


def find_root(start: Path) -> Path:
    """The directory of livejob.toml: `start` or the nearest one above it.

    Raises:
        ProjectNotFound: there is none.
    """
    for directory in (start, *start.parents):
        if (directory / SETTINGS_FILE).is_file():
            return directory
    raise ProjectNotFound(f"There is no {SETTINGS_FILE} in {start} or above it.")


def load_settings(root: Path, flags: Mapping[str, object], environ: Mapping[str, str], user: str) -> Settings:
    """The settings of the app in `root`.

    flags: setting -> what was given on the command line; None counts as not given.
    user:  name of the person, from whom a stage is named that nobody has named.

    Raises:
        SettingsInvalid: a value that is not allowed, an unknown key, a source that is no directory.
    """
    written = _read_file(root / SETTINGS_FILE)
    tables = _job_tables(written.pop(JOBS_KEY, {}))
    rows = {row.name: row for row in setting_rows()}
    for key in written:
        if key not in rows or not rows[key].is_in_file:
            raise SettingsInvalid(f"{SETTINGS_FILE} has an unknown key {key!r}{_closest(key, rows)}.")
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for row in rows.values():
        found = _find(row, flags, environ, written) or _find_default(row, root, user)
        origins[row.name] = DEFAULT if found is None else found[1]
        if found is not None:
            values[row.name] = _parse(row, *found)
    settings = Settings(root=root, origins=MappingProxyType(origins), job_tables=tables, **values)
    _check_source(settings)
    return settings


def discover_jobs(settings: Settings) -> Discovery:
    """The app's jobs as its source defines them at this moment, and livejob.toml did when it was read."""
    return job_finder(settings).find()


def job_finder(settings: Settings) -> JobFinder:
    """Finds the app's jobs again and again."""
    defaults = {"concurrency": settings.concurrency, "on_save": settings.on_save}
    return JobFinder(settings.root, settings.source_directory, settings.job_tables, defaults)


class PresentJobs:
    """The app's jobs again and again, as its source and livejob.toml define them at that moment.

    Of livejob.toml its [jobs.Name] tables alone: other settings are a session's from its begin on.
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.root
        self._finder = job_finder(settings)

    def find_after(self, changed: Iterable[str]) -> Discovery:
        """As `JobFinder.find_after`; a livejob.toml that cannot be read is a problem."""
        try:
            written = _read_file(self._root / SETTINGS_FILE)
            self._finder.tables = _job_tables(written.get(JOBS_KEY, {}))
        except SettingsInvalid as error:
            self._finder.find_after(changed)
            return Discovery({}, [Problem(error.message)])
        return self._finder.find_after(changed)


def remember_stage(settings: Settings) -> None:
    """Keep a stage's name that was made from the user's name, so that it stays the same from here on."""
    if settings.origins["stage"] != FROM_USER:
        return
    directory = settings.livejob_directory
    directory.mkdir(mode=0o700, exist_ok=True)
    (directory / ".gitignore").write_text("*\n")
    (directory / STAGE_FILE).write_text(f"{settings.stage}\n")


def stage_of_user(user: str) -> str:
    """A stage name from a user's: `Mia K.` -> `mia-k`; `dev` when nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", user.lower())[:STAGE_FROM_USER_CHARS].strip("-")
    return name if NAME_PATTERN.fullmatch(name) else "dev"


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path} is not TOML: {error}") from error
    except OSError as error:
        raise SettingsInvalid(f"{path} cannot be read: {error.strerror}") from error


def _job_tables(value: object) -> Mapping[str, Mapping[str, object]]:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise SettingsInvalid(f"{SETTINGS_FILE}: jobs are written as tables, [{JOBS_KEY}.Name].")
    return MappingProxyType(value)


def _closest(key: str, rows: Mapping[str, SettingRow]) -> str:
    names = [name for name, row in rows.items() if row.is_in_file]
    close = get_close_matches(key, [*names, JOBS_KEY], 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}"


def _find(
    row: SettingRow, flags: Mapping[str, object], environ: Mapping[str, str], written: Mapping[str, object]
) -> tuple[object, str] | None:
    """What was written for a setting and where; None when nothing was. The order of this function is
    the rule."""
    if flags.get(row.name) is not None:
        return flags[row.name], row.flag
    for variable in row.env:
        if environ.get(variable):
            return environ[variable], variable
    if row.name in written:
        return written[row.name], SETTINGS_FILE
    return None


def _find_default(row: SettingRow, root: Path, user: str) -> tuple[object, str] | None:
    if row.name == "stage":
        saved = root / LIVEJOB_DIRECTORY / STAGE_FILE
        if saved.is_file():
            return saved.read_text(encoding="utf-8").strip(), f"{LIVEJOB_DIRECTORY}/{STAGE_FILE}"
        return stage_of_user(user), FROM_USER
    if row.is_required:
        raise SettingsInvalid(f'{SETTINGS_FILE} does not set `{row.name}`, e.g. {row.name} = "my-app".')
    return None


def _parse(row: SettingRow, value: object, origin: str) -> object:
    try:
        return row.parse(value)
    except ValueError as allowed:
        raise SettingsInvalid(f"{row.name} is {value!r:.200} ({origin}), it must be {allowed}.") from None


def _check_source(settings: Settings) -> None:
    directory = settings.source_directory
    if not directory.is_relative_to(settings.root.resolve()):
        raise SettingsInvalid(f"source is {settings.source!r}, which is outside of {settings.root}.")
    if not directory.is_dir():
        raise SettingsInvalid(f"source is {settings.source!r}; {directory} is no directory.")
