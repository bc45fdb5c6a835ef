"""Sign with a key that this program cannot have: in a key service, an HSM, a vault of your own."""

import asyncio
import tempfile
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from safelight import Brief, Safelight
from safelight.config import load_settings
from safelight.provenance.keys import SigningIdentity


class Vault:
    """Stands for the service. Yours sends `data`, or its SHA-256, away, and returns the signature that comes back.

    For a PKCS#11 token nothing need be written: `Pkcs11Signer` in `safelight.provenance.pkcs11` is such a class.
    """

    def __init__(self, key: bytes) -> None:
        self._key = cast("ec.EllipticCurvePrivateKey", serialization.load_pem_private_key(key, password=None))
        self.signed = 0

    def sign(self, data: bytes) -> bytes:
        """An ES256 signature of `data`; called in a worker thread, so that it may wait for the network."""
        self.signed += 1
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # For want of a real chain, one that nobody trusts: yours comes from an authority, leaf first, without root.
        made = SigningIdentity.development(Path(folder, "authority"))
        vault = Vault(made.key or b"")
        identity = SigningIdentity.remote(made.chain, vault)
        settings = load_settings(home=Path(folder, "home"), search=("none",))
        async with Safelight(settings, identity=identity) as safelight:
            result = await safelight.run(Brief(prompt="A lantern on a pier", n=1, size="512x512", mode="instant"))
            found = await safelight.assess(await safelight.image(result.images[0].ref or ""))
            print(found.verdict, "· signed by", found.legs["manifest"].detail["signer"])
            print("signatures made in the vault:", vault.signed, "· key:", identity.describe()["key"])


asyncio.run(main())
