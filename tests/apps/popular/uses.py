"""Handlers that use popular packages, one each: enough that a broken fork would show."""

import asyncio
import http.server
import io
import os
import ssl
import threading


def _served(ask):
    """What `ask` gets from a server of this process."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return ask(f"http://127.0.0.1:{server.server_port}/")


def uses_boto3():
    import boto3

    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    return client.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"}).startswith("https://")


def uses_requests():
    import requests

    return _served(lambda url: requests.get(url, timeout=5).text)


def uses_httpx():
    import httpx

    return _served(lambda url: httpx.get(url, timeout=5, trust_env=False).text)


def uses_pandas():
    import pandas

    frame = pandas.DataFrame({"city": ["Rio", "Rio", "Bern"], "cost": [1, 2, 4]})
    return frame.groupby("city").cost.sum().to_dict()


def uses_numpy():
    import numpy

    matrix = numpy.full((400, 400), 2.0)
    return [float((matrix @ matrix)[0, 0]), float(numpy.linalg.norm(numpy.ones(4)))]


def draws():
    import random
    import uuid

    import numpy

    generator = numpy.random.default_rng()
    return [float(numpy.random.rand()), float(generator.random()), random.random(), uuid.uuid4().hex]


def uses_pydantic():
    import pydantic

    class Order(pydantic.BaseModel):
        count: int

    return Order.model_validate_json('{"count": "3"}').count


def uses_sqlalchemy():
    import sqlalchemy

    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("select 6 * 7")).scalar()


def uses_aiohttp():
    import aiohttp

    async def ask(url):
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()

    return _served(lambda url: asyncio.run(ask(url)))


def uses_cryptography():
    from cryptography.fernet import Fernet

    key = Fernet(Fernet.generate_key())
    return key.decrypt(key.encrypt(b"secret")).decode()


def uses_pillow():
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (8, 4), "red").resize((4, 2)).save(picture, "PNG")
    return Image.open(picture).size


def uses_threads():
    import threaded

    done = threading.Event()
    threaded.JOBS.put(done.set)
    return [done.wait(5), threaded.PID == os.getpid()]


def uses_tls():
    return ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED
