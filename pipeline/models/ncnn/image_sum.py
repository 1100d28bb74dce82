"""The enlarged image as a part of the output: some networks compute only the difference from it."""

from __future__ import annotations

from pipeline.errors import ModelError
from pipeline.models.ncnn.blob import WHOLE, Blob
from pipeline.models.ncnn.graph import NcnnGraph


def with_image(output: Blob, graph: NcnnGraph) -> Blob:
    """The sum of `output` and the image, enlarged by repeating pixels, without the border that `output` lacks.

    Raises:
        ModelError: The output is no image that is a whole number larger than the input.
    """
    factor, missing = output.rows.factor, -output.rows.offset
    is_enlarged = factor.denominator == 1 and factor >= 1 and output.columns == output.rows
    if output.is_vector or not is_enlarged or missing < 0 or missing % 2:
        raise ModelError("its output is not the enlarged image without an equal border on each side")
    image = Blob("image", graph.image_channels, WHOLE, WHOLE)
    scale, border = float(factor), missing // 2
    tensor = graph.add(
        "Resize",
        image.tensor,
        "",
        graph.floats(1, 1, scale, scale),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    if border:
        starts, ends = graph.integers(border, border), graph.integers(-border, -border)
        tensor = graph.add("Slice", tensor, starts, ends, graph.integers(2, 3))
    return output.named(graph.add("Add", output.tensor, tensor))
