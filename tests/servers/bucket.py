"""S3-compatible storage that checks signatures: moto's server, with one user and one bucket."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.servers.processes import Process, answers_http, free_port

BUCKET = "brainseg-files"
REGION = "eu-central-1"


class Storage(Process):
    """The storage; what is in it is gone when it ends.

    Attributes:
        settings: The environment of a program that may use it.
    """

    def __init__(self, folder: Path) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"
        # The first four requests are allowed to anybody: those that make the bucket and the user.
        environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"}
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", self.address.rpartition(":")[2]]
        super().__init__(
            command, folder / "storage.txt", lambda: answers_http(f"{self.address}/moto-api/"), environment
        )
        self.start()
        self._key = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
        self.make_bucket()
        users = self.client("iam")
        users.create_user(UserName="mlflow")
        made = users.create_access_key(UserName="mlflow")["AccessKey"]
        everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        users.put_user_policy(UserName="mlflow", PolicyName="files", PolicyDocument=json.dumps(everything))
        self._key = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}

    @property
    def settings(self) -> dict[str, str]:
        return {
            "MLFLOW_S3_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": self._key["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self._key["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(service, endpoint_url=self.address, region_name=REGION, **self._key)

    def make_bucket(self) -> None:
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def remove_bucket(self) -> None:
        for name in self.names():
            self.client("s3").delete_object(Bucket=BUCKET, Key=name)
        self.client("s3").delete_bucket(Bucket=BUCKET)

    def forget_key(self) -> None:
        """Delete the key of the MLflow server, which it goes on using."""
        self.client("iam").delete_access_key(UserName="mlflow", AccessKeyId=self._key["aws_access_key_id"])

    def names(self, below: str = "") -> list[str]:
        """Return the names of what is stored below a prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=below)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]
