from __future__ import annotations

import pytest

from netstart_wg.model.hidden import hide_keys, hide_secrets
from netstart_wg.model.keys import PrivateKey

KEY = PrivateKey(bytes(range(200, 232)))


@pytest.mark.parametrize("text", [KEY.to_base64(), KEY.to_hex(), KEY.to_hex().upper()])
def test_a_key_is_hidden_wherever_it_is(text: str) -> None:
    for hide in (hide_keys, hide_secrets):
        assert hide(f"PrivateKey = {text}") == "PrivateKey = (hidden)"
        assert hide(f"private_key={text};x") == "private_key=(hidden);x"
        assert hide(f"wg set wg0 private-key <(echo '{text}')") == (
            "wg set wg0 private-key <(echo '(hidden)')"
        )


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("login --password hunter2 --now", "login --password (hidden) --now"),
        ("login --password=hunter2", "login --password=(hidden)"),
        ("DB_PASSWORD='hunter 2' job", "DB_PASSWORD=(hidden) job"),
        ('login -passwd "hunter 2";true', "login -passwd (hidden);true"),
        ("curl -d 'token=hunter2&a=b' x", "curl -d 'token=(hidden)&a=b' x"),
        (r"""curl -d '{"token": "hunter2"}' x""", r"""curl -d '{"token": (hidden)"""),
        ("curl https://me:hunter2@example.net/x", "curl https://me:(hidden)@example.net/x"),
    ],
)
def test_what_is_called_a_password_is_hidden_in_a_command(command: str, shown: str) -> None:
    assert hide_secrets(command) == shown


@pytest.mark.parametrize(
    "command",
    [
        "ip route replace 10.2.0.0/16 dev wg0 src 10.1.0.1",
        "wg set wg0 peer x preshared-key /etc/keys/office",
        "nft -f /usr/local/share/some/folder/with/a/long/name/rules.nft",
        "git checkout 49046a2f49046a2f49046a2f49046a2f49046a2f",
        "ssh me@example.net:22",
        "curl https://example.net:8080/a@b",
    ],
)
def test_anything_else_is_shown_as_it_is(command: str) -> None:
    assert hide_secrets(command) == command
