"""``unmix keys``, and a service on an address that others reach."""

import pytest

from model_store.api_keys import ApiKeys
from model_store.settings import Settings
from supervision.errors import UnprotectedAddressError
from supervision.supervisor import require_protected
from tests.cli.conftest import Command
from tests.cli.test_run import assert_one_line_error


def test_a_key_is_made_listed_and_revoked(unmix: Command, settings: Settings) -> None:
    made = unmix("keys", "create", "--data", settings.data, "--label", "north lab")
    assert made.exit_code == 0, made.output
    keys = ApiKeys(settings.keys_folder)
    key = keys.holder(made.stdout.strip())
    assert key is not None
    assert key.label == "north lab"
    listed = unmix("keys", "list", "--data", settings.data).stdout
    assert key.id in listed
    assert "north lab" in listed
    assert made.stdout.strip() not in listed
    assert unmix("keys", "revoke", key.id, "--data", settings.data).exit_code == 0
    assert keys.holder(made.stdout.strip()) is None
    assert_one_line_error(unmix("keys", "revoke", "abc", "--data", settings.data), "abc", "unmix keys list")


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "::", "fe80::1%eth0"])
def test_an_address_that_others_reach_needs_keys(settings: Settings, address: str) -> None:
    with pytest.raises(UnprotectedAddressError, match="unmix keys create"):
        require_protected(settings, address)
    require_protected(settings.model_copy(update={"allow_anonymous": True}), address)
    ApiKeys(settings.keys_folder).create()
    require_protected(settings, address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_loopback_address_needs_none(settings: Settings, address: str) -> None:
    require_protected(settings, address)


def test_serve_refuses_in_one_line(unmix: Command, settings: Settings) -> None:
    refused = unmix("serve", "--host", "0.0.0.0", "--port", "0", "--data", settings.data)
    assert_one_line_error(refused, "unmix keys create", "--allow-anonymous")
