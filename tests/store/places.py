"""Places where artifacts can be kept: a folder, memory, and a bucket behind a real S3 server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from uuid import uuid4

import pytest

SERVER = """
import json, logging, sys
import boto3
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
url = "http://127.0.0.1:%d" % server.get_host_and_port()[1]
keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket="shelf")
print(json.dumps(url), flush=True)
sys.stdin.read()
"""


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Start an S3 server with a bucket ``shelf``; yields the environment that reaches it."""
    pytest.importorskip("moto")
    command = [sys.executable, "-W", "ignore", "-c", SERVER]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        server.kill()


def bucket() -> str:
    """Return the URL of a prefix in the bucket that nothing else uses."""
    return f"s3://shelf/{uuid4().hex[:8]}"
