"""Writes ONNX models, as far as we need it: nodes, constants, named inputs and outputs (onnx.proto3, by hand).

A model is made of Protocol Buffers messages, and they merge what is appended: that is also how an inner value of a
finished model becomes an output of it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Graph", "with_output"]

_IR_VERSION = 9
_OPSET, _CONTRIB = 18, "com.microsoft"
_TYPES = {"float32": 1, "uint8": 2, "int64": 7}  # TensorProto.DataType


class Graph:
    """A graph under construction. Values go by their names."""

    def __init__(self) -> None:
        self._fields: list[bytes] = [_bytes(2, b"graph")]

    def node(
        self, kind: str, inputs: Sequence[str], output: str, *, contrib: bool = False, **attributes: int | float
    ) -> str:
        """Add an operator with one output, of onnxruntime's own set where `contrib`; returns `output`. An input that
        is left out is ""."""
        fields = [_bytes(1, name.encode()) for name in inputs]
        fields += [_bytes(2, output.encode()), _bytes(4, kind.encode())]
        fields += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
        if contrib:
            fields.append(_bytes(7, _CONTRIB.encode()))
        self._fields.append(_bytes(1, b"".join(fields)))
        return output

    def constant(self, name: str, array: NDArray[np.float32] | NDArray[np.uint8] | NDArray[np.int64]) -> str:
        """Add an array; returns `name`."""
        fields = [_integer(1, size) for size in array.shape]
        fields += [_integer(2, _TYPES[array.dtype.name]), _bytes(8, name.encode())]
        fields.append(_bytes(9, np.ascontiguousarray(array).tobytes()))
        self._fields.append(_bytes(5, b"".join(fields)))
        return name

    def model(self, inputs: dict[str, Sequence[int | str]], outputs: dict[str, Sequence[int | str]]) -> bytes:
        """The finished model, with these float inputs and outputs; sizes that vary have a name."""
        fields = [_bytes(11, _value(name, shape)) for name, shape in inputs.items()]
        fields += [_bytes(12, _value(name, shape)) for name, shape in outputs.items()]
        sets = (_bytes(1, b"") + _integer(2, _OPSET), _bytes(1, _CONTRIB.encode()) + _integer(2, 1))
        whole = [_integer(1, _IR_VERSION), _bytes(7, b"".join([*self._fields, *fields]))]
        return b"".join([*whole, *(_bytes(8, each) for each in sets)])


def with_output(model: bytes, name: str) -> bytes:
    """The model with an inner value as one more output."""
    return model + _bytes(7, _bytes(12, _bytes(1, name.encode())))


def _attribute(name: str, value: float) -> bytes:
    content = _integer(3, value) + _integer(20, 2) if isinstance(value, int) else _float(2, value) + _integer(20, 1)
    return _bytes(1, name.encode()) + content


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(
        _bytes(1, _integer(1, size) if isinstance(size, int) else _bytes(2, size.encode())) for size in shape
    )
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _integer(1, _TYPES["float32"]) + _bytes(2, sizes)))


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
