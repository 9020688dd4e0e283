"""The variables of a bucket are read wherever keys are read, and its keys are hidden everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.buckets import bucket_options
from config.secrets import SecretManager

_AMAZON = "shh from a file 0123456789".replace(" ", "-")
_AZURE = "shh an azure one of 24 letters".replace(" ", "")


def test_each_store_has_its_usual_variables_and_its_keys_are_hidden(tmp_path: Path):
    file = tmp_path / "key"
    file.write_text(f"{_AMAZON}\n")
    secrets = SecretManager(
        {
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY_FILE": str(file),
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AZURE_STORAGE_ACCOUNT_NAME": "films",
            "AZURE_STORAGE_ACCESS_KEY": _AZURE,
            "AGENTES_SANDBOX_URL": "http://127.0.0.1:9100",
        },
        tmp_path / "none",
        tmp_path,
    )
    assert bucket_options("s3://films/one", secrets) == {
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": _AMAZON,
        "endpoint": "http://127.0.0.1:9000",
        "region": "eu-west-1",
    }
    assert bucket_options("az://films", secrets)["account_name"] == "films"
    assert bucket_options("gs://films", secrets) == {}
    said = secrets.mask(f"{_AMAZON} and {_AZURE} of AKIAEXAMPLE")
    assert said == "[AWS_SECRET_ACCESS_KEY hidden] and [AZURE_STORAGE_ACCESS_KEY hidden] of AKIAEXAMPLE"


@pytest.mark.parametrize("url", ["", "file:///films", "/films"])
def test_a_folder_needs_nothing(url: str, tmp_path: Path):
    assert bucket_options(url, SecretManager({"AWS_SESSION_TOKEN": "x" * 20}, tmp_path, tmp_path)) == {}
