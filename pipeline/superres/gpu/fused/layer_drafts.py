"""The layers of a stack while recognition.py reads them, each of which several operators make."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.superres.gpu.fused.onnx_graph import as_float32
from pipeline.superres.gpu.fused.stack import MOST_JOINED, Epilogue, StackLayer, UnknownStructure


@dataclass
class LayerDrafts:
    """The layers read so far.

    Attributes:
        uses: Number of operators that read each tensor.
        layers: The layers, in order.
        activated: For each layer, whether its activation was read.
        features: For each tensor that is the output of a layer as read so far, the layer's index.
        concatenated: For each tensor of concatenated outputs, the indices of their layers.
    """

    uses: Counter[str]
    layers: list[StackLayer] = field(default_factory=list)
    activated: list[bool] = field(default_factory=list)
    features: dict[str, int] = field(default_factory=dict)
    concatenated: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def add(self, output: str, weight: NDArray[Any], bias: NDArray[Any], **fields: Any) -> None:
        """Add a convolution whose output is tensor `output`."""
        self.features[output] = len(self.layers)
        slope = np.ones(len(weight), np.float32)
        self.layers.append(StackLayer(as_float32(weight), as_float32(bias), slope, **fields))
        self.activated.append(False)

    def concatenate(self, output: str, sources: list[str]) -> None:
        """Read a concatenation of the outputs of layers, which a 1x1 convolution has to read."""
        if not all(name in self.features for name in sources):
            raise UnknownStructure("a Concat of tensors that are neither all outputs of layers nor copies of the image")
        if len(sources) > MOST_JOINED:
            raise UnknownStructure(f"a Concat of {len(sources)} layers' outputs, more than {MOST_JOINED}")
        self.concatenated[output] = tuple(self.features[name] for name in sources)

    def joined(self, source: str) -> tuple[int, ...]:
        """The layers whose outputs a 1x1 convolution of tensor `source` reads."""
        if source in self.features:
            return (self.features[source],)
        if source not in self.concatenated:
            raise UnknownStructure("a 1x1 convolution that reads neither a layer's output nor a Concat of such outputs")
        return self.concatenated[source]

    def activate(self, output: str, source: str, **changes: Any) -> None:
        """Append an activation, whose output is tensor `output`, to the layer whose output is tensor `source`."""
        index = self.sole(source, "an activation")
        if self.is_finished(index):
            raise UnknownStructure("an activation that does not follow a convolution")
        self.change(index, output, **changes)
        self.activated[index] = True

    def join(self, output: str, source: str, operand: str, epilogue: Epilogue, uses: int) -> None:
        """Append an epilogue that reads `operand` to the layer whose output `source` is read by `uses` operators."""
        index, earlier = self.features[source], self.features.get(operand)
        is_joined = self.layers[index].epilogue != "none"
        if earlier is None or earlier >= index or self.uses[source] != uses or is_joined:
            raise UnknownStructure("layers that are joined in another way than by one addition or gate each")
        self.change(index, output, epilogue=epilogue, operand=earlier)

    def change(self, index: int, output: str, **changes: Any) -> None:
        """Change a layer, whose output is tensor `output` from now on."""
        self.layers[index] = replace(self.layers[index], **changes)
        self.features[output] = index

    def select(self, index: int, output: str, channels: NDArray[np.int64]) -> None:
        """Reduce or rearrange the outputs of a layer, whose output is tensor `output` from now on."""
        layer = self.layers[index]
        parts = {name: getattr(layer, name) for name in ("weight", "bias", "slope", "ones_weight")}
        self.change(index, output, **{name: part[channels] for name, part in parts.items() if part is not None})

    def sole(self, name: str, reader: str) -> int:
        """The index of the layer whose output is tensor `name`, which only `reader` may read."""
        if name not in self.features or self.uses[name] > 1:
            raise UnknownStructure(f"{reader} of a tensor that is no layer's, or is read elsewhere too")
        return self.features[name]

    def is_finished(self, index: int) -> bool:
        """True if a layer's activation or epilogue was read."""
        return self.activated[index] or self.layers[index].epilogue != "none"

    def outputs_of(self, name: str) -> int:
        """The number of channels of the layer whose output is tensor `name`."""
        if name not in self.features:
            raise UnknownStructure("an activation that does not follow a convolution")
        return len(self.layers[self.features[name]].bias)
