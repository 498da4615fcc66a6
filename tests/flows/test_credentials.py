"""Content Credentials: bound to the released bytes, read back by the library of C2PA, and found when they do not hold."""

import datetime as dt
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from veilset.core.errors import Malformed, Tampered, Unreadable, Unsupported, UsageError
from veilset.core.manifest import FileEntry
from veilset.flows import assemble
from veilset.flows.release import release
from veilset.flows.verify import verify
from veilset.policy.schema import Policy, ReleaseSettings
from veilset.records.content_credentials import LABEL, MEDIA, Signer, read

c2pa = pytest.importorskip("c2pa", reason="the extra `documents` is not installed")
NOW = dt.datetime.now(dt.UTC)


def usage(*, signs: bool) -> x509.KeyUsage:
    off = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                         "encipher_only", "decipher_only"), False)  # fmt: skip
    return x509.KeyUsage(digital_signature=signs, key_cert_sign=not signs, crl_sign=not signs, **off)


def certificate(of, signer, *, authority: bool) -> x509.Certificate:
    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab"),
                          x509.NameAttribute(NameOID.COMMON_NAME, name)])  # fmt: skip

    made = x509.CertificateBuilder().subject_name(named("root" if authority else "leaf")).issuer_name(named("root"))
    made = made.public_key(of.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(NOW - dt.timedelta(days=1)).not_valid_after(NOW + dt.timedelta(days=9))
    made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
    made = made.add_extension(usage(signs=not authority), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
    if not authority:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        made = made.add_extension(known, critical=False)
    return made.sign(signer, hashes.SHA256())


def chain(folder: Path, key, passphrase: bytes = b"") -> tuple[Path, Path]:
    """A certificate of our own authority, and its key, as files."""
    root = ec.generate_private_key(ec.SECP256R1())
    folder.mkdir()
    pems = [certificate(key, root, authority=False), certificate(root, root, authority=True)]
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in pems))
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    (folder / "key.pem").write_bytes(pem)
    return folder / "chain.pem", folder / "key.pem"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return chain(tmp_path / "c2pa", ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def released(photos, policy: Callable[..., Policy], pair, tmp_path: Path) -> Path:
    chosen = policy(release=ReleaseSettings(documents=("croissant", "datasheet")))
    release(photos.path, tmp_path / "out", chosen, workers=1, c2pa=(*pair, ""))
    return tmp_path / "out" / "public"


def test_every_picture_has_one_that_the_library_holds_for_valid(released: Path) -> None:
    manifest = json.loads((released / "manifest.json").read_text(encoding="utf-8"))
    pictures = [path for path in (released / "samples").rglob("*") if path.suffix in MEDIA]
    assert {path.suffix for path in pictures} >= {".jpg", ".png"}
    for path in pictures:
        sidecar = released / "credentials" / f"{path.relative_to(released / 'samples').as_posix()}.c2pa"
        with c2pa.Reader(MEDIA[path.suffix], io.BytesIO(path.read_bytes()), sidecar.read_bytes()) as reader:
            assert reader.get_validation_state() == "Valid"
            said = {one["label"]: one["data"] for one in reader.get_active_manifest()["assertions"]}
            assert "ingredients" not in reader.get_active_manifest()
        assert said[LABEL]["release"] == manifest["release"]
        assert said[LABEL]["policy_sha256"] == manifest["policy_sha256"]
        assert "face: mask" in said[LABEL]["treatments"]
    assert any(f"{len(pictures)} Content Credentials" in check for check in verify(released).checks)
    assert "Content Credentials (C2PA) lie in: credentials/" in (released / "papers/datasheet.md").read_text("utf-8")
    sets = json.loads((released / "croissant.json").read_text(encoding="utf-8"))["distribution"]
    assert [one for one in sets if one["encodingFormat"] == "application/c2pa" and one["@type"] == "cr:FileSet"]


def listed_anew(released: Path) -> None:
    """The manifest made to fit the files, as somebody would who can edit an unsigned release."""
    path = released / "manifest.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    names = [one["name"] for one in plain["files"] if (released / one["name"]).is_file()]
    contents = {name: (released / name).read_bytes() for name in names}
    entries = [FileEntry(name, hashlib.sha256(some).hexdigest(), len(some)) for name, some in contents.items()]
    plain["files"] = [asdict(entry) for entry in entries]
    path.write_text(json.dumps(plain), encoding="utf-8")


def test_those_of_another_picture_or_none_are_found_even_when_the_manifest_fits(
    photos, policy: Callable[..., Policy], pair, tmp_path: Path
) -> None:
    release(photos.path, tmp_path / "out", policy(), workers=1, c2pa=(*pair, ""))
    released = tmp_path / "out" / "public"
    one, other = sorted((released / "credentials").rglob("*.jpg.c2pa"))[:2]
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    with pytest.raises(Tampered, match=r"changed: credentials/"):
        verify(released)
    listed_anew(released)
    with pytest.raises(Tampered, match=r"credentials/.*dataHash\.mismatch"):
        verify(released)
    one.write_bytes(kept[: len(kept) // 2])
    listed_anew(released)
    with pytest.raises(Tampered, match=r"credentials/"):
        verify(released)
    one.unlink()
    listed_anew(released)
    with pytest.raises(Tampered, match="without its sidecar"):
        verify(released)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ed25519.Ed25519PrivateKey.generate,
    ],
    ids=["p384", "p521", "rsa", "ed25519"],
)
def test_every_kind_of_key_that_c2pa_knows_signs(make, photos, tmp_path: Path) -> None:
    files = chain(tmp_path / "c2pa", make(), b"secret")
    signer = Signer.load(*files, "secret")
    picture = next(photos.path.rglob("*.jpg")).read_bytes()
    facts = {"release": "r", "veilset": "0"}
    signed = signer.sign(picture, "image/jpeg", facts)
    assert read(picture, "image/jpeg", signed) == facts
    with pytest.raises(Tampered, match="mismatch"):
        read(picture[:-9] + bytes([picture[-9] ^ 1]) + picture[-8:], "image/jpeg", signed)
    with pytest.raises(Unreadable, match="passphrase"):
        Signer.load(*files)


def test_what_cannot_sign_is_refused_before_any_work(
    photos, policy: Callable[..., Policy], pair, tmp_path: Path
) -> None:
    _, strange = chain(tmp_path / "b", ec.generate_private_key(ec.SECP256R1()))

    def asked(certificates: Path | None, key: Path | None) -> None:
        release(photos.path, tmp_path / "out", policy(), workers=1, c2pa=(certificates, key, ""))

    with pytest.raises(UsageError, match="both"):
        asked(pair[0], None)
    with pytest.raises(Malformed, match="not the key of the first certificate"):
        asked(pair[0], strange)
    with pytest.raises(Malformed, match="no certificate"):
        asked(pair[1], pair[1])
    with pytest.raises(Unreadable):
        asked(tmp_path / "none.pem", pair[1])
    assert not (tmp_path / "out").exists()
    old = dsa.generate_private_key(key_size=2048)
    with pytest.raises(Unsupported):
        Signer.load(*chain(tmp_path / "c", old))


def test_a_certificate_that_breaks_the_rules_of_c2pa_makes_no_release(
    photos, policy: Callable[..., Policy], tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    _, pem = chain(tmp_path / "c2pa", key)
    alone = certificate(key, key, authority=True).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "self.pem").write_bytes(alone)
    with pytest.raises(Malformed, match="certificate"):
        release(photos.path, tmp_path / "out", policy(), workers=1, c2pa=(tmp_path / "self.pem", pem, ""))
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_killed_leaves_none_behind(
    photos, policy: Callable[..., Policy], pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(assemble, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            release(photos.path, tmp_path / "out", policy(), workers=1, c2pa=(*pair, ""))
    assert (tmp_path / "out" / "private" / "staging" / "credentials").is_dir()
    release(photos.path, tmp_path / "out", policy(), workers=1)
    assert not (tmp_path / "out" / "public" / "credentials").exists()
    assert not any("Content Credentials" in check for check in verify(tmp_path / "out").checks)
