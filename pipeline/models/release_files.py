"""Files of official releases that can be downloaded: PyTorch checkpoints, which need the extra `torch`.

Imports neither NumPy nor ONNX. Only weights under permissive licences are listed. Each digest is that which several
independent public projects record for the same address; a file with another one is never used.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReleaseFile:
    """A file of a release.

    Attributes:
        name: Name of the model, as `model` accepts it.
        url: Address of the file.
        size: Its size in bytes.
        sha256: Its SHA-256 digest, in hexadecimal.
        scale: Output size divided by input size.
        parameters: Number of learned weights.
        licence: SPDX identifier of the weights' licence.
        source: Page of the project that published it.
        purpose: What the model is for, in a few words.
    """

    name: str
    url: str
    size: int
    sha256: str
    scale: int
    parameters: int
    licence: str
    source: str
    purpose: str

    @property
    def file_name(self) -> str:
        """Name of the file."""
        return self.url.rpartition("/")[2]

    @property
    def command(self) -> str:
        """The command that downloads it."""
        return f"uprez models download {self.name}"


_REAL_ESRGAN = "https://github.com/xinntao/Real-ESRGAN"

RELEASE_FILES = (
    ReleaseFile(
        "realesrgan-x2plus",
        f"{_REAL_ESRGAN}/releases/download/v0.2.1/RealESRGAN_x2plus.pth",
        67_061_725,
        "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb",
        2,
        16_703_171,
        "BSD-3-Clause",
        _REAL_ESRGAN,
        "damaged photographs, slow",
    ),
    ReleaseFile(
        "realesr-general-x4v3",
        f"{_REAL_ESRGAN}/releases/download/v0.2.5.0/realesr-general-x4v3.pth",
        4_885_111,
        "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
        4,
        1_213_296,
        "BSD-3-Clause",
        _REAL_ESRGAN,
        "damaged video and photographs",
    ),
    ReleaseFile(
        "realesr-general-wdn-x4v3",
        f"{_REAL_ESRGAN}/releases/download/v0.2.5.0/realesr-general-wdn-x4v3.pth",
        4_885_111,
        "1641f8c4464b9f097c9fdda5589273713f67cf59f3d909e0bd688f0cee269dca",
        4,
        1_213_296,
        "BSD-3-Clause",
        _REAL_ESRGAN,
        "damaged video and photographs, keeps noise",
    ),
)


def release_file(name: str) -> ReleaseFile | None:
    """The row of this model; None if there is none."""
    return next((file for file in RELEASE_FILES if file.name == name), None)
