"""The graph of an ncnn network: its .param file, in text.

    7767517                                            the magic number
    2 2                                                numbers of layers and of blobs (tensors)
    Input        image   0 1 data 2=3                  type, name, inputs and outputs, parameters
    Convolution  conv_1  1 1 data out 0=64 1=3 -23310=1,0.1

A parameter is KEY=VALUE; keys of -23300 - KEY have an array, which begins with its length. The format is described in
Tencent/ncnn, docs/developer-guide/param-and-model-file-structure.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.errors import ModelError

MAGIC = 7767517
LARGEST_PARAM_FILE = 2**24  # bytes; those of the largest known networks have 120 kB
_ARRAY_KEYS = -23300
_LARGEST_INTEGER = 2**31 - 1
_LARGEST_FLOAT = 3.5e38
_PATH = "a .param file of ncnn in text, with its .bin, is supported"

Number = int | float


@dataclass(frozen=True)
class NcnnLayer:
    """A line of a .param file.

    Attributes:
        kind: Type of the layer, such as Convolution.
        name: Its name.
        inputs: Names of the blobs that it reads.
        outputs: Names of the blobs that it writes.
        numbers: Its parameters that are single numbers, by their keys.
        arrays: Its parameters that are arrays, by their keys.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: dict[int, Number] = field(default_factory=dict)
    arrays: dict[int, tuple[Number, ...]] = field(default_factory=dict)

    def integer(self, key: int, default: int = 0) -> int:
        """An integer parameter. Raises ModelError if it is a fraction."""
        value = self.numbers.get(key, default)
        if value != int(value):
            raise ModelError(f"its parameter {key} is {value}; an integer is supported")
        return int(value)

    def number(self, key: int, default: float = 0.0) -> float:
        """A parameter as a float."""
        return float(self.numbers.get(key, default))

    def floats(self, key: int) -> tuple[float, ...]:
        """An array parameter as floats; () if it is absent."""
        return tuple(float(value) for value in self.arrays.get(key, ()))

    def integers(self, key: int) -> tuple[int, ...]:
        """An array parameter as integers; () if it is absent."""
        return tuple(int(value) for value in self.arrays.get(key, ()))

    def require(self, name: str, key: int, allowed: tuple[int, ...], default: int = 0) -> int:
        """A parameter, called `name` in messages. Raises ModelError unless its value is one of `allowed`."""
        value = self.integer(key, default)
        if value not in allowed:
            raise ModelError(f"{name} {value} is not supported, only {' or '.join(map(str, allowed))}")
        return value

    def __str__(self) -> str:
        return f"layer {self.kind} {self.name!r}"


def parse_param_file(content: bytes) -> list[NcnnLayer]:
    """Parse the content of a .param file. Raises ModelError, without the file's name, if it is not valid."""
    if content[:4] == MAGIC.to_bytes(4, "little"):
        raise ModelError(f"a .param file in ncnn's binary form; {_PATH}")
    if len(content) > LARGEST_PARAM_FILE:
        raise ModelError(f"{len(content)} bytes are too large for a graph of layers; {_PATH}")
    try:
        lines = [line.split() for line in content.decode().splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ModelError(f"not text; {_PATH}") from error
    if not lines or lines[0] != [str(MAGIC)]:
        found = " ".join(lines[0])[:40] if lines else ""
        raise ModelError(f"begins with {found!r} instead of {MAGIC}; {_PATH}")
    count = _layer_count(lines)
    layers = [_parsed_layer(words, number) for number, words in enumerate(lines[2:], 3)]
    if len(layers) != count:
        raise ModelError(f"contains {len(layers)} of {count} layers: the file is cut off or damaged; copy it again")
    return layers


def _layer_count(lines: list[list[str]]) -> int:
    try:
        count, _ = map(int, lines[1])
    except (IndexError, ValueError) as error:
        raise ModelError("its second line should be the numbers of layers and blobs; copy it again") from error
    return count


def _parsed_layer(words: list[str], line: int) -> NcnnLayer:
    try:
        kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
        if inputs < 0 or outputs < 0:
            raise ValueError("a negative count")
        names, parameters = words[4 : 4 + inputs + outputs], words[4 + inputs + outputs :]
        if len(names) != inputs + outputs:
            raise ValueError("too few names")
        layer = NcnnLayer(kind, name, tuple(names[:inputs]), tuple(names[inputs:]))
        for parameter in parameters:
            _add_parameter(layer, parameter)
    except (IndexError, ValueError) as error:
        shown = " ".join(words)[:60]
        raise ModelError(
            f"line {line}, {shown!r}, is no layer: the file is cut off or damaged; copy it again"
        ) from error
    return layer


def _add_parameter(layer: NcnnLayer, text: str) -> None:
    """Add the parameter KEY=VALUE. Raises ValueError if it is not one."""
    key_text, _, value = text.partition("=")
    key = int(key_text)
    if key > _ARRAY_KEYS:
        layer.numbers[key] = _number(value)
        return
    length, *values = value.split(",")
    if int(length) != len(values):
        raise ValueError("an array of another length")
    layer.arrays[_ARRAY_KEYS - key] = tuple(map(_number, values))


def _number(text: str) -> Number:
    try:
        value: Number = int(text)
    except ValueError:
        value = float(text)
        if not abs(value) <= _LARGEST_FLOAT:  # NaN too
            raise ValueError("not a number of float32") from None
    else:
        if abs(value) > _LARGEST_INTEGER:
            raise ValueError("not a number of int32")
    return value
