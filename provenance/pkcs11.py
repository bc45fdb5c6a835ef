"""A remote signer for keys in a PKCS#11 token (an HSM, a smart card), and the pattern for any other vault.

    signer = Pkcs11Signer("/usr/lib/softhsm/libsofthsm2.so", token="press", label="c2pa", pin=pin)
    identity = SigningIdentity.remote(chain_pem, signer)

or, without a line of code, by its address (RFC 7512) in the environment:

    SAFELIGHT_SIGNING_KEY='pkcs11:token=press;object=c2pa?module-path=/usr/lib/softhsm/libsofthsm2.so'

For a cloud's key service write the same method: `sign(data)` hashes with SHA-256, asks the service for an ECDSA
signature of the digest, and returns it. It is called in a worker thread.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
from typing import Any
from urllib.parse import unquote

from ..errors import ConfigError

__all__ = ["Pkcs11Signer", "is_address"]

_SCHEME = "pkcs11:"
_NEEDED = ("token", "object", "module-path")


def is_address(text: str) -> bool:
    """Whether this is the address of a key in a token, not a key."""
    return text.startswith(_SCHEME)


class Pkcs11Signer:
    """Signs with the P-256 key `label` in `token`; the key never leaves it. Needs `pip install python-pkcs11`."""

    def __init__(self, library: str, *, token: str, label: str, pin: str) -> None:
        try:
            self._pkcs11: Any = importlib.import_module("pkcs11")
        except ImportError as error:
            raise ConfigError("python-pkcs11 is not installed: pip install python-pkcs11") from error
        self._library, self._token, self._label, self._pin = library, token, label, pin
        self._session: Any = None
        self._lock = threading.Lock()  # a session serves one thread at a time

    @classmethod
    def at(cls, address: str, pin: str) -> Pkcs11Signer:
        """The key at `pkcs11:token=…;object=…?module-path=…` (RFC 7512). Raises ConfigError where that names none."""
        path, _, query = address.removeprefix(_SCHEME).partition("?")
        parts = [part.partition("=") for part in (*path.split(";"), *query.split("&")) if part]
        said = {name: unquote(value) for name, _, value in parts}
        if unknown := sorted(set(said) - set(_NEEDED)):
            raise ConfigError(f"The address of the signing key says {', '.join(unknown)}, which is not understood.")
        if missing := [name for name in _NEEDED if not said.get(name)]:
            raise ConfigError(f"The address of the signing key lacks {', '.join(missing)}.")
        return cls(said["module-path"], token=said["token"], label=said["object"], pin=pin)

    def sign(self, data: bytes) -> bytes:
        """An ES256 signature of `data`: r and s, 64 bytes. Raises whatever the token does."""
        digest = hashlib.sha256(data).digest()
        with self._lock:
            if self._session is None:
                self._session = self._open()
            key = self._session.get_key(object_class=self._pkcs11.ObjectClass.PRIVATE_KEY, label=self._label)
            signature: bytes = key.sign(digest, mechanism=self._pkcs11.Mechanism.ECDSA)
            return signature

    def _open(self) -> Any:
        token = self._pkcs11.lib(self._library).get_token(token_label=self._token)
        try:
            return token.open(user_pin=self._pin)
        except self._pkcs11.exceptions.UserAlreadyLoggedIn:  # a program logs in once, whoever of it asks
            return token.open()
