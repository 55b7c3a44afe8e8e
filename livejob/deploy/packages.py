"""The code of livejob's own functions, of the livejob that deploys: each its import closure as a zip.

Each is made once in a process: its files do not change meanwhile. A session that deploys again beside its
runs then parses nothing in a second thread, which Python 3.11 does not bear (SystemError: AST constructor
recursion depth mismatch).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import livejob
from livejob.deploy.code_zip import CodeZip, code_zip
from livejob.deploy.resources import FunctionCode

STUB_MODULE = "livejob.stub_lambda.handler"
INVOKER_MODULE = "livejob.stub_lambda.production"
RECONCILER_MODULE = "livejob.stub_lambda.reconcile"
FUNCTION = "handler"


@dataclass(frozen=True, slots=True)
class Package:
    """What a function is deployed from. handler: `package.module.function` in the zip."""

    handler: str
    zip: CodeZip

    def code_in(self, bucket: str) -> FunctionCode:
        """As it lies in a bucket once it is uploaded: the key holds the digest, so uploads change nothing."""
        return FunctionCode(self.handler, bucket, f"functions/{self.zip.digest}.zip")


def stub_package() -> Package:
    """The invoker of a development stage."""
    return _package(STUB_MODULE)


def invoker_package() -> Package:
    """The invoker of a production stage."""
    return _package(INVOKER_MODULE)


def reconciler_package() -> Package:
    """What closes runs whose build ended without a word."""
    return _package(RECONCILER_MODULE)


def livejob_root() -> Path:
    """The directory that holds the livejob package."""
    return Path(livejob.__file__).resolve().parent.parent


@cache
def _package(module: str) -> Package:
    return Package(f"{module}.{FUNCTION}", code_zip(module, livejob_root()))
