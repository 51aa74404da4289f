"""Our Ed25519 agrees with RFC 8032's vectors and with the library, on the true and the false."""

import random

import pytest

from vidwiz.audit.checkpoints.keys import SigningKey, genuine
from vidwiz.verify_export import ed25519_genuine

ORDER = 2**252 + 27742317777372353535851937790883648493
VECTORS = [  # RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc)
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_the_vectors_of_the_rfc_are_genuine(vector: tuple[str, str, str, str]) -> None:
    seed, key, message, signature = map(bytes.fromhex, vector)
    assert SigningKey(seed).public_key == key.hex()
    assert SigningKey(seed).sign(message) == signature
    assert ed25519_genuine(key, message, signature)
    assert not ed25519_genuine(key, message + b"!", signature)


def test_it_agrees_with_the_library_whatever_bit_is_flipped() -> None:
    dice = random.Random(8032)
    for _ in range(300):
        signer, message = SigningKey(dice.randbytes(32)), dice.randbytes(dice.randrange(200))
        parts = [bytes.fromhex(signer.public_key), message, signer.sign(message)]
        assert ed25519_genuine(parts[0], message, parts[2])
        flipped = dice.choice([0, 2])
        part = bytearray(parts[flipped])
        part[dice.randrange(len(part))] ^= 1 << dice.randrange(8)
        parts[flipped] = bytes(part)
        assert not ed25519_genuine(parts[0], parts[1], parts[2])
        assert not genuine(parts[0], parts[1], parts[2])


@pytest.mark.parametrize("length", [0, 31, 32, 63, 65])
def test_what_is_too_short_or_too_long_is_not_genuine(length: int) -> None:
    signer = SigningKey(bytes(32))
    key, signature = bytes.fromhex(signer.public_key), signer.sign(b"")
    assert not ed25519_genuine(key, b"", bytes(length))
    assert not ed25519_genuine(key[: length % 32], b"", signature)
    assert not ed25519_genuine(key + b"\0", b"", signature)


def test_a_signature_has_only_one_form() -> None:
    signer = SigningKey(bytes(32))
    key, signature = bytes.fromhex(signer.public_key), signer.sign(b"")
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    malleable = signature[:32] + scalar.to_bytes(32, "little")
    assert not ed25519_genuine(key, b"", malleable)


@pytest.mark.parametrize("key", ["ff" * 32, "01" + "00" * 30 + "80", "02" + "00" * 31])
def test_a_key_that_is_no_point_signs_nothing(key: str) -> None:
    assert not ed25519_genuine(bytes.fromhex(key), b"", SigningKey(bytes(32)).sign(b""))
