"""What it takes to reach a bucket: its store's usual variables, read wherever keys are read, and hidden as they are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.secrets import SecretManager

__all__ = ["bucket_options"]

# Each option of a store with the variables it may stand under; those marked are nobody's business.
_PRIVATE = "!"
_OPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "s3": {
            "access_key_id": ("AWS_ACCESS_KEY_ID",),
            "secret_access_key!": ("AWS_SECRET_ACCESS_KEY",),
            "session_token!": ("AWS_SESSION_TOKEN",),
            "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
            "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
            "checksum_algorithm": ("AWS_CHECKSUM_ALGORITHM",),
            "virtual_hosted_style_request": ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST",),
            "skip_signature": ("AWS_SKIP_SIGNATURE",),
        },
        "gs": {
            "service_account": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"),
            "service_account_key!": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
            "application_credentials": ("GOOGLE_APPLICATION_CREDENTIALS",),
            "base_url": ("GOOGLE_BASE_URL",),
            "skip_signature": ("GOOGLE_SKIP_SIGNATURE",),
        },
        "az": {
            "account_name": ("AZURE_STORAGE_ACCOUNT_NAME",),
            "account_key!": (
                "AZURE_STORAGE_ACCOUNT_KEY",
                "AZURE_STORAGE_ACCESS_KEY",
                "AZURE_STORAGE_MASTER_KEY",
            ),
            "sas_key!": ("AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN"),
            "client_id": ("AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"),
            "client_secret!": ("AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"),
            "tenant_id": ("AZURE_STORAGE_TENANT_ID", "AZURE_TENANT_ID"),
            "endpoint": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        },
    }
)


def bucket_options(url: str, secrets: SecretManager) -> dict[str, str]:
    """What is set for the store of an address such as s3://bucket/prefix, by the names of its options."""
    found = {}
    for option, variables in _OPTIONS.get(url.partition("://")[0], {}).items():
        value = secrets.sources.find(*variables)
        if value is None or not value.value.strip():
            continue
        if option.endswith(_PRIVATE):
            secrets.remember(value.name, value.value.strip())
        found[option.rstrip(_PRIVATE)] = value.value.strip()
    return found
