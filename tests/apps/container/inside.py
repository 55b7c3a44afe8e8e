"""Handlers that look at the container around them and return what they see."""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path


def write(payload):
    """Try to write a file of `size_bytes` at `path`; the OS's name of what was in the way, or "written"."""
    try:
        Path(payload["path"]).write_bytes(b"\0" * payload.get("size_bytes", 1))
    except OSError as error:
        return {"error": os.strerror(error.errno)}
    return {"error": None}


def identity(payload):
    """As whom this runs, and what it may do."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16) | int(status["CapBnd"], 16),
        "no_new_privileges": status["NoNewPrivs"],
        "supervisor": os.getppid(),
    }


def execute_in_tmp(payload):
    """Write a program to /tmp and run it, as Lambda allows."""
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory, "program")
        program.write_text("#!/bin/sh\necho ran\n")
        program.chmod(0o755)
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def surroundings(payload):
    """The environment, the working directory, the places that Python imports from, what lies in /opt."""
    return {
        "environment": dict(os.environ),
        "directory": str(Path.cwd()),
        "path": sys.path,
        "opt": sorted(str(path) for path in Path("/opt").glob("*/*")),
    }


def interfaces(payload):
    """Names of the network interfaces."""
    return sorted(name for _, name in socket.if_nameindex())


def read(payload):
    """Contents of a file of the app."""
    return Path(__file__).with_name(payload["name"]).read_text()


def take_memory(payload):
    """Touch `size_bytes` of memory."""
    return len(bytearray(payload["size_bytes"]))


def libraries(payload):
    """What Lambda's image brings, in use: boto3, TLS with trusted authorities, time zones, compression."""
    import bz2
    import ctypes
    import lzma
    import sqlite3
    import zoneinfo

    import boto3

    return {
        "services": boto3.Session().get_available_services(),
        "boto3": Path(boto3.__file__).parts[:4],
        "compiled": Path(json.__cached__).is_file() and Path(boto3.__cached__).is_file(),
        "authorities": ssl.create_default_context().cert_store_stats()["x509_ca"],
        "zone": str(zoneinfo.ZoneInfo("Europe/Berlin")),
        "lzma": lzma.decompress(lzma.compress(b"x")).decode() + bz2.decompress(bz2.compress(b"y")).decode(),
        "sqlite": sqlite3.connect(":memory:").execute("select 1").fetchone(),
        "ctypes": ctypes.sizeof(ctypes.c_int64),
    }
