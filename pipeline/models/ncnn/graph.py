"""The ONNX graph in the making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.models.ncnn.blob import WHOLE, Blob
from pipeline.models.ncnn.weights_file import WeightsReader

if TYPE_CHECKING:
    import onnx

_OPSET = 17
_IR_VERSION = 8
_DEFAULT_CHANNELS = 3


class NcnnGraph:
    """Collects operators and constants.

    Attributes:
        weights: Reads the weights, in the order of the layers.
        image_channels: Number of channels of the image, once a layer shows it.
    """

    def __init__(self, weights: WeightsReader) -> None:
        self.weights = weights
        self.image_channels: int | None = None
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append an operator with one output; return the output's name."""
        return self.add_several(operator, inputs, 1, **attributes)[0]

    def add_several(self, operator: str, inputs: tuple[str, ...], count: int, **attributes: Any) -> list[str]:
        """Append an operator with `count` outputs; return their names."""
        import onnx

        outputs = [f"{operator.lower()}_{len(self._nodes)}" + (f"_{index}" if index else "") for index in range(count)]
        self._nodes.append(onnx.helper.make_node(operator, inputs, outputs, **attributes))
        return outputs

    def constant(self, values: NDArray[Any] | float) -> str:
        """Add a constant, of float32 if it is a number; return its name."""
        import onnx

        name = f"constant_{len(self._constants)}"
        array = np.array(values, None if isinstance(values, np.ndarray) else np.float32, order="C")
        self._constants.append(onnx.numpy_helper.from_array(array, name))
        return name

    def integers(self, *values: int) -> str:
        """Add a constant vector of int64; return its name."""
        return self.constant(np.array(values, np.int64))

    def floats(self, *values: float) -> str:
        """Add a constant vector of float32; return its name."""
        return self.constant(np.array(values, np.float32))

    def image(self, channels: int | None) -> Blob:
        """The network's input."""
        self.image_channels = channels
        return Blob("image", channels, WHOLE, WHOLE)

    def finished(self, output: Blob) -> onnx.ModelProto:
        """The network, whose output is `output`."""
        import onnx

        if output.is_vector:
            raise ModelError("its output is a vector, not an image")
        self._nodes.append(onnx.helper.make_node("Identity", [output.tensor], ["upscaled"]))
        count = self.image_channels or _DEFAULT_CHANNELS
        ends = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, *sizes])
            for name, channels, sizes in (
                ("image", count, ("height", "width")),
                ("upscaled", output.channels or count, ("upscaled_height", "upscaled_width")),
            )
        ]
        graph = onnx.helper.make_graph(self._nodes, "ncnn", ends[:1], ends[1:], self._constants)
        opset = onnx.helper.make_opsetid("", _OPSET)
        return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="uprez")
