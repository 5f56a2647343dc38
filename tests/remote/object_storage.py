"""Servers of object storages on this machine, that ask who is there as the real ones do."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.services import need_module

BUCKET = "bucket"
_ALLOWED = ("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """An S3 server with an empty bucket; the variables by which its only user reaches it."""
    need_module("s3fs", "s3fs")
    need_module("flask_cors", "flask flask-cors")
    server = need_module("moto.server", "moto[s3]").ThreadedMotoServer(
        "127.0.0.1", 0, verbose=False
    )
    boto3 = need_module("boto3", "moto[s3]")
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        # Everybody may do everything until `reset-auth`.
        root = {
            "endpoint_url": url,
            "region_name": "us-east-1",
            "aws_access_key_id": "root",
            "aws_secret_access_key": "root",
        }
        policy = {"Effect": "Allow", "Action": _ALLOWED, "Resource": "*"}
        users = boto3.client("iam", **root)
        users.create_user(UserName="matinee")
        users.put_user_policy(
            UserName="matinee",
            PolicyName="bundles",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
        )
        key = users.create_access_key(UserName="matinee")["AccessKey"]
        boto3.client("s3", **root).create_bucket(Bucket=BUCKET)
        _post(f"{url}/moto-api/reset-auth", b"0", "text/plain")
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
    finally:
        server.stop()


@contextmanager
def gcs_server() -> Iterator[dict[str, str]]:
    """A server that speaks as Google's does, with an empty bucket; everybody may use it."""
    need_module("gcsfs", "gcsfs")
    emulator = need_module("gcp_storage_emulator.server", "gcp-storage-emulator")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    try:
        yield {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}
    finally:
        server.stop()


def _post(url: str, body: bytes, kind: str) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    urllib.request.urlopen(request, timeout=10).close()
