"""A remote signer for keys in a PKCS#11 token (an HSM, a smart card), and the pattern for any other vault.

    signer = Pkcs11Signer("/usr/lib/softhsm/libsofthsm2.so", token="press", label="c2pa", pin=pin)
    identity = SigningIdentity.remote(chain_pem, signer)

For a cloud's key service write the same method: `sign(data)` hashes with SHA-256, asks the service for an ECDSA
signature of the digest, and returns it. It is called in a worker thread.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
from typing import Any

from ..errors import ConfigError

__all__ = ["Pkcs11Signer"]


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

    def sign(self, data: bytes) -> bytes:
        """An ES256 signature of `data`: r and s, 64 bytes. Raises whatever the token does."""
        digest = hashlib.sha256(data).digest()
        with self._lock:
            if self._session is None:
                self._session = (
                    self._pkcs11.lib(self._library).get_token(token_label=self._token).open(user_pin=self._pin)
                )
            key = self._session.get_key(object_class=self._pkcs11.ObjectClass.PRIVATE_KEY, label=self._label)
            signature: bytes = key.sign(digest, mechanism=self._pkcs11.Mechanism.ECDSA)
            return signature
