"""The card of a trained network: data, recipe, figures, limits, licence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.checkpoint import Checkpoint
from training.pack import Pack
from training.recipe import NetworkRecipe, PhaseRecipe, Recipe

_BRANCHES = {
    "none": "",
    "expanded": ", trained as 1x1, 3x3 and 1x1 convolutions beside a 1x1 convolution and the identity",
    "edges": ", trained beside a 1x1 convolution and filters of edges",
}


@dataclass(frozen=True)
class CardFacts:
    """What a card reports.

    Attributes:
        recipe: The recipe.
        pack: The pictures.
        checkpoint: The end of the run.
        parameters: Number of exported values.
        agreement: PSNR in dB of each ONNX file with torch in fp32, by precision.
    """

    recipe: Recipe
    pack: Pack
    checkpoint: Checkpoint
    parameters: int
    agreement: Mapping[str, float]


def write_card(facts: CardFacts, models: Mapping[str, Path], folder: Path) -> Path:
    """Write NAME.md; its path."""
    recipe, scale = facts.recipe, facts.recipe.network.scale
    sizes = f"output `output` (1, 3, {scale}H, {scale}W)"
    rows = {
        "purpose": recipe.card.purpose,
        "network": f"{_network(recipe.network)}; {facts.parameters:,} parameters",
        "files": " and ".join(f"`{path.name}` ({path.stat().st_size / 1000:.0f} kB)" for path in models.values())
        + f"; input `input` (1, 3, H, W), {sizes}, RGB with black at 0 and white at 1, any size",
        "training data": _data(facts.pack),
        "recipe": f"`training/recipes/{recipe.name}.toml`, hash {recipe.hash[:12]}, seed {recipe.seed}; "
        + "; ".join(map(_phase, recipe.phases)),
        "teacher": f"{recipe.teacher.name}, {recipe.teacher.licence}" if recipe.teacher else "none",
        "training": f"{facts.checkpoint.step:,} of {recipe.steps:,} steps in {facts.checkpoint.seconds:.0f} s",
        "licence": recipe.card.licence,
        "quality": _quality(facts.checkpoint),
        "precision": ", ".join(f"{name} {level:.1f} dB from torch in fp32" for name, level in facts.agreement.items()),
        "suited to": recipe.card.suited,
        "not suited to": recipe.card.unsuited,
    }
    path = folder / f"{recipe.name}.md"
    table = "".join(f"| {name} | {text} |\n" for name, text in rows.items())
    path.write_text(f"# {recipe.name}\n\n| | |\n|---|---|\n{table}")
    return path


def _network(network: NetworkRecipe) -> str:
    if network.kind == "plain":
        shape = f"{network.layers + 2} 3x3 convolutions of {network.features} features with PReLU"
        shape += f", a sum after each {network.skip}" if network.skip else ""
    else:
        shape = f"{network.layers} gated blocks of three 3x3 convolutions of {network.features} features"
    residual = {"nearest": "nearest-neighbour", "bilinear": "bilinear"}[network.residual]
    return f"{shape}{_BRANCHES[network.branches]}, and a pixel shuffle, added to the {residual} enlargement"


def _data(pack: Pack) -> str:
    """Numbers and licences of the pictures."""
    splits = Counter((picture.split, picture.kind) for picture in pack.pictures)
    counts = ", ".join(f"{count} {kind} ({split})" for (split, kind), count in sorted(splits.items()))
    licences = Counter(picture.licence for picture in pack.pictures)
    names = ", ".join(f"{licence} ({count})" for licence, count in licences.most_common())
    return f"{counts}; licences: {names}; the pack's manifest names all authors; hash {pack.hash}"


def _phase(phase: PhaseRecipe) -> str:
    taught = f", {phase.teacher:.0%} of it from the teacher" if phase.teacher else ""
    return (
        f"{phase.steps:,} steps of {phase.batch} patches of {phase.patch} pixels, {phase.loss} (RGB {phase.rgb:g}, "
        f"luma {phase.luma:g}){taught}, rate {phase.rate:g} to {phase.last_rate:g}, {phase.precision}"
    )


def _quality(checkpoint: Checkpoint) -> str:
    """PSNR-Y on the held-out pictures at the last validation."""
    events = {line["event"]: line for line in checkpoint.log}
    bicubic: dict[str, float] = events.get("bicubic", {}).get("scores", {})
    last: dict[str, float] = events.get("validation", {}).get("average", {})
    scores = [f"{last[kind]:.2f} dB on {kind} (bicubic {bicubic[kind]:.2f})" for kind in last]
    return f"PSNR-Y of held-out pictures, 8 bit: {', '.join(scores)}" if scores else "not validated"
