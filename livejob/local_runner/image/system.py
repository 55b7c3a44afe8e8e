"""The parts of the image that are not Python: users, shell and core utilities, certificates, time zones.

Taken from this machine, so that they fit its C library, which the image gets too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from livejob.errors import ImageBuildFailed
from livejob.local_runner.engines.docker_user import SANDBOX_GID, SANDBOX_UID
from livejob.local_runner.image.elf import Loader, read_elf
from livejob.local_runner.image.tree import Directory, HostFile, Link, Text, Tree
from livejob.wire.names import DEPENDENCIES_ROOT, RUNTIME_ROOT, TASK_ROOT

CA_BUNDLE = "/etc/pki/tls/certs/ca-bundle.crt"
"""Amazon Linux's place of the CA bundle."""

_CA_LINKS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")
_HOST_CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    CA_BUNDLE,
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

_TOOLS = """
    sh bash awk base64 basename cat chmod cp cut date df dirname du echo env expr false find grep head
    hostname id kill ln ls md5sum mkdir mktemp mv nproc printenv printf pwd readlink realpath rm rmdir sed
    seq sha256sum sleep sort stat tail tar tee test timeout touch tr true uname uniq wc which whoami xargs
"""

_LATE_LIBRARIES = """
    libdl.so.2 libexpat.so.1 libgcc_s.so.1 libm.so.6 libnsl.so.1 libnss_dns.so.2 libnss_files.so.2
    libpthread.so.0 libresolv.so.2 librt.so.1 libstdc++.so.6 libutil.so.1 libz.so.1
"""
"""Libraries that nothing names: wheels may count on them (PEP 600), or the C library opens them late."""

_PASSWD = f"""\
root:x:0:0:root:/root:/bin/sh
sbx_user1051:x:{SANDBOX_UID}:{SANDBOX_GID}::/home/sbx_user1051:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""

_GROUP = f"""\
root:x:0:
sbx_user1051:x:{SANDBOX_GID}:
nobody:x:65534:
"""

_OS_RELEASE = """\
NAME="livejob image"
ID=livejob
PRETTY_NAME="A Lambda-like image made by livejob"
"""

_ZONEINFO = Path("/usr/share/zoneinfo")
_ZONE_VARIANTS = ("posix", "right")
_LIBRARY_DIRECTORIES = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")


def base_files() -> Tree:
    """Directories, users, name look-up."""
    return {
        "/bin": Link("usr/bin"),
        "/sbin": Link("usr/sbin"),
        "/lib": Link("usr/lib"),
        "/lib64": Link("usr/lib64"),
        "/usr/lib64": Directory(),
        "/usr/sbin": Directory(),
        "/tmp": Directory(0o1777),
        "/var/tmp": Directory(0o1777),
        "/root": Directory(0o700),
        "/home/sbx_user1051": Directory(),
        "/var/runtime": Directory(),
        TASK_ROOT: Directory(),
        DEPENDENCIES_ROOT: Directory(),
        # The worker's root is read-only: mount points have to be there.
        f"{RUNTIME_ROOT}/livejob": Directory(),
        "/etc/passwd": Text(_PASSWD),
        "/etc/group": Text(_GROUP),
        "/etc/nsswitch.conf": Text("passwd: files\ngroup: files\nhosts: files dns\n"),
        "/etc/os-release": Text(_OS_RELEASE),
    }


def time_zones() -> Tree:
    """The zone files, if this machine has them; UTC is local time, as in Lambda."""
    files = {str(path): HostFile(path.resolve()) for path in _zone_files() if path.is_file()}
    local = {"/etc/localtime": Link(f"..{_ZONEINFO}/UTC")} if f"{_ZONEINFO}/UTC" in files else {}
    return {**files, **local}


def _zone_files() -> Iterator[Path]:
    for path in _ZONEINFO.rglob("*"):
        if path.relative_to(_ZONEINFO).parts[0] not in _ZONE_VARIANTS:
            yield path


def certificates(python_cafile: str) -> Tree:
    """This machine's CA bundle (with a company's own authority, if it trusts one), under every name that
    is asked for: Amazon Linux's, Debian's, and where the image's Python looks (`python_cafile`).

    Raises:
        ImageBuildFailed: this machine has none.
    """
    bundle = next((path for path in map(Path, _HOST_CA_BUNDLES) if path.is_file()), None)
    if bundle is None:
        raise ImageBuildFailed(
            f"no CA bundle on this machine; looked at {', '.join(_HOST_CA_BUNDLES)}",
            remedy="Install it (Debian, Ubuntu: `apt install ca-certificates`).",
        )
    links = {path: Link(CA_BUNDLE) for path in (*_CA_LINKS, python_cafile) if path not in ("", CA_BUNDLE)}
    return {CA_BUNDLE: HostFile(bundle.resolve()), **links}


def tools() -> Tree:
    """A shell and the core utilities that this machine has as programs (not as scripts).

    One program under several names (sh and bash, busybox, uutils) is copied once and linked.

    Raises:
        ImageBuildFailed: there is no shell.
    """
    tree: Tree = {}
    first_name: dict[Path, str] = {}
    for name in _TOOLS.split():
        program = _program(name)
        if program is None:
            continue
        first = first_name.setdefault(program, name)
        tree[f"/usr/bin/{name}"] = HostFile(program, 0o755) if first == name else Link(first)
    if "/usr/bin/sh" not in tree:
        raise ImageBuildFailed("this machine has no /bin/sh to put into the image", remedy="")
    return tree


def _program(name: str) -> Path | None:
    for directory in ("/usr/bin", "/bin"):
        path = Path(directory, name)
        if path.is_file() and read_elf(path) is not None:
            return path.resolve()
    return None


def libraries(tree: Tree, program: Path, private_dir: str) -> Tree:
    """The shared libraries that the programs and libraries in `tree` need, and those that are opened by
    name, as they would be for `program`. A library from the loader's default directories keeps its
    path; any other goes to `private_dir`, which is in LD_LIBRARY_PATH."""
    loader = Loader()
    files = [entry.source for entry in tree.values() if isinstance(entry, HostFile)]
    late = loader.find_all(_LATE_LIBRARIES.split(), program)
    closure = {**loader.closure([*files, *late.values()]), **late}
    return {
        _library_path(name, path, private_dir): HostFile(path.resolve(), 0o755)
        for name, path in closure.items()
    }


def _library_path(name: str, path: Path, private_dir: str) -> str:
    """Where a library goes: `name` is its soname, or the loader's whole path."""
    if name.startswith("/"):
        return _merged(name)
    directory = str(path.parent)
    is_default = directory in _LIBRARY_DIRECTORIES or directory.endswith("-linux-gnu")
    return _merged(f"{directory}/{name}") if is_default else f"{private_dir}/{name}"


def _merged(path: str) -> str:
    """/lib and /lib64 are links into /usr in the image."""
    return f"/usr{path}" if path.startswith("/lib") else path
