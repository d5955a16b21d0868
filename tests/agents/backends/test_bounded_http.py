"""What clients of model servers share, and what they do not."""

import ssl
from pathlib import Path

import pytest

from gome.agents.backends.bounded_http import client_settings


def test_certificates_are_read_once_for_what_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    first = client_settings(True)["verify"]
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname
    assert client_settings(True)["verify"] is first
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "own"))
    own = client_settings(True)["verify"]
    assert own is not first
    assert own.get_ca_certs() == []
    assert client_settings(False)["verify"].get_ca_certs() == first.get_ca_certs(), "a loopback server: as it was"
