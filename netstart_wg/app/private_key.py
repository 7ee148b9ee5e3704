"""The private key of an interface whose hostname file says none: from a file of its own.

The file is one of root's (`key_file`) or one that systemd hands in
(`credential`).  It has the key in base64, as `wg genkey` prints it, and nothing
of it is ever said.  A key that others may read is not used: whoever has read it
can be this host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from netstart_wg.app.settings import SettingsReading
from netstart_wg.app.system import Machine
from netstart_wg.errors import ConfigError, RefusedError
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.guard import Guard
from netstart_wg.model.keys import BASE64_LENGTH, PrivateKey
from netstart_wg.model.settings import InterfaceSettings
from netstart_wg.model.source import Diagnostic
from netstart_wg.system.text_file import read_small_file

_LIMIT_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReading:
    """A private key, and where it comes from."""

    key: PrivateKey
    path: Path
    place: str
    """Of the setting that names the file."""
    digest: str | None
    """Of the file; None if others may read it, which has to be allowed at each run."""


def read_private_key(
    interface: str, settings: SettingsReading, allowed: Collection[Guard], machine: Machine
) -> KeyReading:
    """Return the key that the settings name; they do.

    Raise ConfigError if there is none in the file, and RefusedError for a file
    that others may read, unless that is allowed.
    """
    place = settings.place_of_key(interface)
    path = _path(settings.settings.of(interface), place, machine)
    octets, is_insecure = _read(path, place, machine)
    if is_insecure and Guard.READABLE not in allowed:
        word = Guard.READABLE.value
        raise RefusedError(
            f"{interface}: refused: the private key in {path} may be read by others,"
            " or is not root's"
            f"\n    hint: chmod 600 {path}, and chown root:root; `--allow {word}` takes it as it is"
        )
    digest = None if is_insecure else hashlib.sha256(octets).hexdigest()
    return KeyReading(key=_decode(path, octets), path=path, place=place, digest=digest)


def with_private_key(config: InterfaceConfig, key: PrivateKey) -> InterfaceConfig:
    """Return the same interface with that key, from its first moment on."""
    if not config.exists:
        return config
    commands = tuple(
        command
        if command.before is None
        else replace(command, before=with_private_key(command.before, key))
        for command in config.commands
    )
    wireguard = replace(config.wireguard, private_key=key)
    return replace(config, wireguard=wireguard, commands=commands)


def _path(settings: InterfaceSettings, place: str, machine: Machine) -> Path:
    """Return the file to read."""
    if settings.key_file is not None:
        return settings.key_file
    if settings.credential is None:
        raise ValueError("the settings name no key")
    folder = machine.system.credentials_folder()
    if folder is None:
        message = f'no credential "{settings.credential}": there is no $CREDENTIALS_DIRECTORY'
        hint = "systemd sets it for a service with LoadCredential= or LoadCredentialEncrypted="
        _refuse(place, message, hint)
    return folder / settings.credential


def _read(path: Path, place: str, machine: Machine) -> tuple[bytes, bool]:
    """Return what is in the file, and whether others may read it, too."""
    try:
        return read_small_file(path, _LIMIT_BYTES), machine.system.is_insecure(path)
    except FileNotFoundError:
        _refuse(str(path), "no such file", f"it is to have the private key, says {place}")
    except OSError as error:
        reason = str(error.strerror).lower()
        _refuse(str(path), reason, f"it is to have the private key, says {place}")


def _decode(path: Path, octets: bytes) -> PrivateKey:
    """Return the key; raise ConfigError, which says nothing of what is there instead."""
    form = f"it has {BASE64_LENGTH} characters and a newline, as `wg genkey` prints them"
    try:
        text = octets.decode("ascii").strip()
        if not text:
            _refuse(str(path), "the file is empty", f"`wg genkey > {path}` makes a key")
        key = PrivateKey.from_base64(text)
    except UnicodeDecodeError:
        _refuse(str(path), "not a private key in base64", form)
    except ValueError as error:
        _refuse(str(path), f"not a private key in base64: {error}", form)
    if key.is_zero:
        _refuse(str(path), "a key of zeros is none", f"`wg genkey > {path}` makes a key")
    return key


def _refuse(file: str, message: str, hint: str) -> NoReturn:
    raise ConfigError([Diagnostic(file=file, span=None, message=message, hint=hint)]) from None
