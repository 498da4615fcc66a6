"""Content Credentials (C2PA) about the treatment: a signed manifest beside each released picture, never inside it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from veilset.core.errors import Malformed, MissingExtra, Tampered, Unreadable, Unsupported

FOLDER, SUFFIX = "credentials", ".c2pa"
LABEL = "veilset.treatment"
MEDIA = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".tif": "image/tiff",
         ".tiff": "image/tiff"}  # fmt: skip
# Original pictures with edits that no generative model made; what the edits are, the treatment assertion says.
_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/humanEdits"
# Nothing is fetched and nobody is asked: whether a picture is looked at is no third party's business.
_SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
    "builder": {"thumbnail": {"enabled": False}},
}
# Whether the signer is known is a question of the reader's own trust list, not of the file's.
_NOT_OURS = frozenset({"signingCredential.untrusted"})
_CURVES: Mapping[str, tuple[str, int, hashes.HashAlgorithm]] = {
    "secp256r1": ("ES256", 32, hashes.SHA256()),
    "secp384r1": ("ES384", 48, hashes.SHA384()),
    "secp521r1": ("ES512", 66, hashes.SHA512()),
}


@dataclass(frozen=True)
class Signer:
    """A certificate and its key, ready to sign Content Credentials.

    Attributes:
        algorithm: As C2PA calls it: ES256, ES384, ES512, PS256 or ED25519.
        chain: Certificates in PEM form, the signer's own first.
        raw: Signs bytes.
    """

    algorithm: str
    chain: str
    raw: Callable[[bytes], bytes] = field(repr=False)

    @classmethod
    def load(cls, certificates: Path, key: Path, passphrase: str = "") -> Signer:
        """A signer from PEM files: a chain of certificates, the signer's first, and the private key of that one.

        Raises:
            Unreadable: A file cannot be read, or the passphrase is missing or wrong.
            Malformed: A file is not what it should be, or the key belongs to another certificate.
            Unsupported: C2PA does not sign with this kind of key.
        """
        try:
            chain = certificates.read_bytes()
            private = serialization.load_pem_private_key(key.read_bytes(), passphrase.encode() if passphrase else None)
        except OSError as error:
            raise Unreadable(f"{error.filename} cannot be read ({error.strerror})") from error
        except TypeError as error:
            raise Unreadable(f"{key}: the key asks for a passphrase, or has none; give what fits") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise Unreadable(f"{key} is not a key, or the passphrase is wrong") from error
        try:
            own = x509.load_pem_x509_certificates(chain)[0].public_key()
        except ValueError as error:
            raise Malformed(f"{certificates} holds no certificate in PEM form") from error
        if own != private.public_key():
            raise Malformed(f"{key} is not the key of the first certificate in {certificates}; the signer's goes first")
        algorithm, raw = _algorithm(private, str(key))
        return cls(algorithm, chain.decode("ascii", "replace"), raw)

    def sign(self, picture: bytes, media: str, facts: Mapping[str, Any]) -> bytes:
        """The content of a `.c2pa` file for a released picture; the picture stays as it is.

        Args:
            picture: The whole file.
            media: Its type, such as `image/jpeg`.
            facts: What the release says of its treatment; public, and the same for every picture.

        Raises:
            Malformed: The certificate does not fit the rules of C2PA, or the picture cannot be bound.
        """
        c2pa = library()
        agent = {"name": "Veilset", "version": str(facts["veilset"])}
        actions = [
            {"action": "c2pa.created", "digitalSourceType": _SOURCE},
            {"action": "c2pa.edited", "softwareAgent": agent, "description": "Treated under a written policy."},
        ]
        manifest = {
            "claim_generator_info": [agent],
            "format": media,
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": actions}},
                {"label": LABEL, "data": dict(facts)},
            ],
        }
        same = io.BytesIO()
        try:
            context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))
            signer = c2pa.Signer.from_callback(self.raw, c2pa.C2paSigningAlg[self.algorithm], self.chain)
            with c2pa.Builder(manifest, context) as builder:
                builder.set_no_embed()
                signed: bytes = builder.sign(signer, media, io.BytesIO(picture), same)
        except c2pa.C2paError as error:
            raise Malformed(f"no Content Credentials could be made with this certificate: {error}") from error
        if same.getvalue() != picture:
            raise Malformed("the library of C2PA changed the picture while it signed; nothing was written")
        return signed


def read(picture: bytes, media: str, signed: bytes) -> dict[str, Any]:
    """What a `.c2pa` file says of the treatment, once it is sure that it is about this very picture.

    Raises:
        Tampered: It is about another picture, its signature does not fit, or it says nothing about a treatment.
    """
    c2pa = library()
    try:
        context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))
        with c2pa.Reader(media, io.BytesIO(picture), signed, context) as reader:
            state, plain = reader.get_validation_state(), json.loads(reader.json())
    except c2pa.C2paError as error:
        raise Tampered(f"the Content Credentials are damaged: {error}") from error
    wrong = sorted({one["code"] for one in plain.get("validation_status", ())} - _NOT_OURS)
    if state not in ("Valid", "Trusted") or wrong:
        raise Tampered(f"the Content Credentials do not hold: {', '.join(wrong) or state}")
    said = plain["manifests"][plain["active_manifest"]].get("assertions", ())
    facts = [dict(one["data"]) for one in said if one["label"] == LABEL]
    if len(facts) != 1:
        raise Tampered("the Content Credentials do not say what the treatment was")
    return facts[0]


def library() -> Any:
    """The library of C2PA.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import c2pa
    except ImportError as error:
        raise MissingExtra(f"Content Credentials need an extra: pip install 'veilset[documents]' ({error})") from error
    return c2pa


def _algorithm(key: object, name: str) -> tuple[str, Callable[[bytes], bytes]]:
    """What C2PA calls this kind of key, and how it signs: bare numbers for curves, no DER."""
    match key:
        case ec.EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            algorithm, width, digest = _CURVES[key.curve.name]

            def signed(data: bytes) -> bytes:
                numbers = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
                return b"".join(number.to_bytes(width, "big") for number in numbers)

            return algorithm, signed
        case rsa.RSAPrivateKey():
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return "PS256", lambda data: key.sign(data, scheme, hashes.SHA256())
        case ed25519.Ed25519PrivateKey():
            return "ED25519", key.sign
    raise Unsupported(f"{name}: C2PA signs with keys on P-256, P-384 or P-521, RSA or Ed25519; this is another kind")
