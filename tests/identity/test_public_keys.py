"""Which keys of others are used: bounded in size, whoever publishes them."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey
from joserfc.util import int_to_base64

from services.identity.public_keys import Unfit, read_key, usable


def rsa(bits: int, exponent: int = 65537) -> dict[str, Any]:
    """A public key of this size; nobody has its private half."""
    return {"kty": "RSA", "n": int_to_base64((1 << bits) - 159), "e": int_to_base64(exponent), "kid": f"{bits}"}


GOOD = {
    "P-256": ECKey.generate_key("P-256").as_dict(private=False),
    "Ed25519": OKPKey.generate_key("Ed25519").as_dict(private=False),
    **{f"RSA {bits}": rsa(bits) for bits in (2048, 3072, 4096, 8192)},
    "a small exponent": rsa(2048, 3),
}
BAD: dict[str, Any] = {
    **{f"RSA {bits}": rsa(bits) for bits in (512, 1024, 2047, 8193, 16384, 200_000)},
    "an exponent of 33 bits": rsa(2048, 2**32 + 1),
    "an exponent as long as the key": rsa(2048, (1 << 2047) + 1),
    **{curve: ECKey.generate_key(curve).as_dict(private=False) for curve in ("P-384", "P-521", "secp256k1")},
    "Ed448": OKPKey.generate_key("Ed448").as_dict(private=False),
    "X25519": OKPKey.generate_key("X25519").as_dict(private=False),
    "a shared secret": OctKey.generate_key(256).as_dict(private=True),
    "half a key": {"kty": "RSA", "n": rsa(2048)["n"]},
    "numbers": {"kty": "RSA", "n": 7, "e": 3},
    "not on the curve": GOOD["P-256"] | {"y": GOOD["P-256"]["x"]},
    **{repr(each): each for each in (None, 7, "key", [], {}, {"kty": ["RSA"]})},
}


def test_keys_of_sizes_that_are_worth_a_signature_are_used() -> None:
    read = [read_key(jwk).as_dict(private=False) for jwk in GOOD.values()]
    assert read == list(GOOD.values())
    assert len(usable(read).keys) == len(GOOD)


@pytest.mark.parametrize("what", BAD)
def test_all_others_are_not(what: str) -> None:
    with pytest.raises(Unfit):
        read_key(BAD[what])


def test_what_a_provider_publishes_beside_them_is_passed_over() -> None:
    found = usable([*BAD.values(), GOOD["P-256"]])
    assert [type(key) for key in found] == [ECKey]
    with pytest.raises(Unfit):
        usable(list(BAD.values()))
