"""Recipes: TOML files with everything that determines a trained network, except the pictures."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

STEPS_PER_BLOCK = 10
"""Steps that a CUDA graph replays at once. Runs are cut, validated and saved between blocks."""

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Steps = Annotated[int, Field(ge=0, multiple_of=STEPS_PER_BLOCK)]
PositiveSteps = Annotated[int, Field(gt=0, multiple_of=STEPS_PER_BLOCK)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkRecipe(_Table):
    """A network.

    Attributes:
        kind: "plain", a stack of 3x3 convolutions with PReLU, or "gated", blocks of three 3x3 convolutions with a gate.
        features: Channels between the layers, a multiple of 8.
        layers: Inner convolutions of a plain network, blocks of a gated one.
        skip: Of a plain network: after so many inner convolutions, what the first of them read is added. 0: never.
        scale: Output size / input size.
        residual: Interpolation by which the image is enlarged before the output is added to it.
        branches: What a 3x3 convolution consists of while training: "none", itself alone; "expanded", a 1x1, a 3x3 and
            a 1x1 convolution beside a 1x1 convolution and the identity; "edges", itself beside a 1x1 convolution and
            1x1 convolutions followed by a Sobel filter in each direction and a Laplacian filter.
        gain: Of expanded branches: hidden channels / features.
    """

    kind: Literal["plain", "gated"]
    features: int = Field(ge=8, le=64, multiple_of=8)
    layers: PositiveInt
    skip: int = Field(default=0, ge=0)
    scale: int = Field(default=2, ge=2, le=4)
    residual: Literal["nearest", "bilinear"] = "nearest"
    branches: Literal["none", "expanded", "edges"] = "none"
    gain: PositiveInt = 1

    @model_validator(mode="after")
    def _check_skip(self) -> Self:
        if self.skip and self.kind != "plain":
            raise ValueError(f"skip is {self.skip}, but only plain networks have it; should be 0")
        return self


class PatchRecipe(_Table):
    """Where patches are drawn.

    Attributes:
        sizes: Sizes at which each picture is used, as factors of its own.
        resize: How these are made: "area", the mean of what a pixel covers, or "bicubic", antialiased with a = -0.5.
        texture: Mean magnitude of the Laplacian, in 8-bit levels, from which a patch counts as textured.
        uniform: Share of patches that are drawn regardless of texture.
        drawn: Share of patches from drawn pictures; None: as large as their share of all positions.
        permuted: Share of patches whose colour channels are drawn in random order.
    """

    sizes: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(default=(1.0, 0.5), min_length=1)
    resize: Literal["area", "bicubic"] = "area"
    texture: float = Field(default=4.0, ge=0)
    uniform: Share = 0.3
    drawn: Share | None = None
    permuted: Share = 0.0


class PhaseRecipe(_Table):
    """A part of the training.

    Attributes:
        steps: Number of steps, a multiple of STEPS_PER_BLOCK.
        batch: Patches of a step.
        patch: Side of a patch of the small image, in pixels.
        rate: Learning rate at the start.
        last_rate: Learning rate at the end, which a cosine leads to.
        rise: Steps in which the rate rises linearly from 0 first.
        loss: Function of an error: "l1", its magnitude; "mse", its square; "charbonnier", sqrt(error² + 1e-6).
        rgb: Weight of that of R'G'B' in 0..1.
        luma: Weight of that of luma in 0..1.
        fourier: Weight of the mean magnitude of the error's Fourier transform (orthonormal).
        teacher: Share of the loss whose target is the teacher's output instead of the truth.
        precision: "bf16", autocast; "tf32" or "fp32".
    """

    steps: PositiveSteps
    batch: PositiveInt
    patch: int = Field(ge=8)
    rate: PositiveFloat
    last_rate: PositiveFloat
    rise: Steps = 0
    loss: Literal["l1", "mse", "charbonnier"] = "l1"
    rgb: Weight = 1.0
    luma: Weight = 1.0
    fourier: Weight = 0.0
    teacher: Share = 0.0
    precision: Literal["bf16", "tf32", "fp32"] = "bf16"

    @model_validator(mode="after")
    def _check_loss(self) -> Self:
        if not self.rgb + self.luma + self.fourier:
            raise ValueError("rgb, luma and fourier are all 0; at least one should be positive")
        if self.rise >= self.steps:
            raise ValueError(f"rise is {self.rise}, should be less than steps, {self.steps}")
        return self


class TeacherRecipe(_Table):
    """A larger network whose output is a second target.

    Attributes:
        name: Its name and origin, for the card.
        sha256: Digest of its file, hexadecimal; None: any file.
        licence: Licence of its weights.
        ensemble: Orientations of a picture whose outputs are averaged, 1 or 8.
    """

    name: str
    licence: str
    sha256: str | None = None
    ensemble: Literal[1, 8] = 8


class CardRecipe(_Table):
    """Texts of the card and of the ONNX file.

    Attributes:
        purpose: What the network does.
        suited: Material that it is made for.
        unsuited: Material that it is not made for.
        licence: Licence of the weights.
    """

    purpose: str
    suited: str
    unsuited: str
    licence: str = "CC0-1.0"


class Recipe(_Table):
    """A complete recipe.

    Attributes:
        name: Name of the network and of its files.
        seed: Determines the first weights and all patches.
        average: What the moving average of the weights keeps of itself in a step.
        validate_every: Steps between two validations, a multiple of STEPS_PER_BLOCK.
        compiled: Whether torch.compile fuses operations on a GPU, which changes rounding.
        network: The network.
        patches: Where patches are drawn.
        phases: Parts of the training, in order.
        teacher: A larger network, if a phase has a share of it.
        card: Texts.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    seed: int = Field(default=1, ge=0, lt=2**31)
    average: float = Field(default=0.999, ge=0, lt=1)
    validate_every: PositiveSteps = 5000
    compiled: bool = False
    network: NetworkRecipe
    patches: PatchRecipe = PatchRecipe()
    phases: tuple[PhaseRecipe, ...] = Field(min_length=1)
    teacher: TeacherRecipe | None = None
    card: CardRecipe

    @model_validator(mode="after")
    def _check_teacher(self) -> Self:
        if (self.teacher is not None) != any(phase.teacher for phase in self.phases):
            raise ValueError("a table [teacher] and phases with a share `teacher` go together; add or remove one")
        return self

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    @property
    def hash(self) -> str:
        """SHA-256 of everything but the texts of the card, hexadecimal."""
        return hashlib.sha256(self.model_dump_json(exclude={"card"}).encode()).hexdigest()


def load_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises ValueError, in one line, if it is no valid one."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {_described(e['msg'])}" for e in error.errors()]
        raise ValueError(f"{path}: {'; '.join(faults)}") from error


def _described(message: str) -> str:
    """Pydantic's message, in which an unknown key is called so."""
    unknown = message == "Extra inputs are not permitted"
    return "unknown key; remove it" if unknown else message.removeprefix("Value error, ")
