"""What a handler finds around it."""

import concurrent.futures
import os
import pathlib
import random
import sys
import urllib.error
import urllib.request


def environment(payload):
    return dict(os.environ)


def place(payload):
    return {"cwd": str(pathlib.Path.cwd()), "root": os.environ["LAMBDA_TASK_ROOT"], "path": sys.path[0]}


def descriptors(payload):
    return sorted(int(fd.name) for fd in pathlib.Path("/proc/self/fd").iterdir())


def session(payload):
    return {"pid": os.getpid(), "sid": os.getsid(0), "pgid": os.getpgid(0)}


def chance(payload):
    return random.random()


def stdin(payload):
    return sys.stdin.read()


def credentials(payload):
    """Asks the endpoint as an SDK would; [status, text]. The payload may change path, token and method."""
    url = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] + payload.get("suffix", "")
    token = payload.get("token", os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    request = urllib.request.Request(
        payload.get("url", url), headers={"Authorization": token}, method=payload.get("method", "GET")
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]


def credentials_of_boto3(payload):
    import boto3

    found = boto3.Session().get_credentials().get_frozen_credentials()
    return [found.access_key, found.secret_key, found.token]


def credentials_at_once(payload):
    with concurrent.futures.ThreadPoolExecutor(payload) as threads:
        return list(threads.map(credentials, [{}] * payload))
