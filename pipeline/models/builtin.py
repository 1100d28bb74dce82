"""Facts about the networks that have names, for a list of them that loads none and imports neither NumPy nor ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class BuiltInModel:
    """A network by its name.

    Attributes:
        name: As `model` accepts it.
        scale: Output size divided by input size.
        parameters: Number of learned weights.
        licence: SPDX identifier of the weights' licence.
        description: What it is for, in one line.
        file: Its weights in fp32; None if the network is generated when it is first used.
    """

    name: str
    scale: int
    parameters: int
    licence: str
    description: str
    file: Path | None = None


# The first is the default of the settings.
BUILT_IN_MODELS = (
    BuiltInModel(
        "clear-x2",
        2,
        92_372,
        "CC0-1.0",
        "x2 for video and photographs, 92372 parameters, trained on CC0 photographs halved by antialiased bicubic",
        WEIGHTS / "clear-x2.fp32.onnx",
    ),
    BuiltInModel("identity", 1, 0, "Apache-2.0", "returns its input: for tests of everything around a network"),
)
