"""Packages of weights for tests, installed by writing their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from pipeline.models.packages import PackagedModel, WeightsPackage
from tests.models.ncnn.networks import param, plain, tagged

PACKAGE = WeightsPackage("test-weights", "1.0", "test_weights/models", "MIT", "https://example.org/weights", "weights")

PARAM = param(
    "Input image 0 1 x 2=3",
    "Interp enlarge 1 1 x y 0=1 1=2.0 2=2.0",
    "Convolution smooth 1 1 y z 0=3 1=1 5=1 6=9",
)
WEIGHTS = tagged(np.eye(3)) + plain(np.zeros(3))

MODEL = PackagedModel("test-x2", PACKAGE, "NET", 2, 12, hashlib.sha256(PARAM + WEIGHTS).hexdigest(), "tests")


def install(site_packages: Path, package: WeightsPackage = PACKAGE) -> Path:
    """Write a package's files, as pip would; return its folder of networks."""
    facts = site_packages / f"{package.distribution.replace('-', '_')}-{package.version}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package.distribution}\nVersion: {package.version}\n"
    )
    folder = site_packages / package.folder
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('the package was imported')\n")
    (folder / "NET.param").write_bytes(PARAM)
    (folder / "NET.bin").write_bytes(WEIGHTS)
    return folder
