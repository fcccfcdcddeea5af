# SPDX-License-Identifier: Apache-2.0
"""GGUF v3 files: reading, writing and Q8_0, in numpy.

  "GGUF" | u32 version | u64 tensors | u64 pairs | pairs | infos | pad | data
  pair   = string key, u32 type, value
  info   = string name, u32 dimensions, u64 each, u32 type, u64 offset
  string = u64 length, bytes;  the first dimension is the contiguous one
"""
import collections
import struct

import numpy

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f",
           BOOL: "?", U64: "Q", I64: "q", F64: "d"}
TENSOR_F32, TENSOR_F16, TENSOR_Q8_0 = 0, 1, 8
TENSOR_NAMES = {TENSOR_F32: "F32", TENSOR_F16: "F16", TENSOR_Q8_0: "Q8_0"}
ALIGNMENT = 32
Q8_0_BLOCK = 32                    # one f16 scale, 32 signed bytes

# A metadata value that knows its GGUF type; arrays name their element's.
Value = collections.namedtuple("Value", "type value")
Array = collections.namedtuple("Array", "element values")


def u32(value):
    return Value(U32, value)


def f32(value):
    return Value(F32, value)


def text(value):
    return Value(STRING, value)


def boolean(value):
    return Value(BOOL, value)


def array(element, values):
    return Value(ARRAY, Array(element, list(values)))


# -- Q8_0 -------------------------------------------------------------------


def quantise_q8_0(values):
    """Bytes of [..., 32 k]: the scale is max/127 rounded to f16, codes round
    half away from zero."""
    blocks = numpy.asarray(values, numpy.float32).reshape(-1, Q8_0_BLOCK)
    scale = numpy.abs(blocks).max(1, keepdims=True) / numpy.float32(127)
    inverse = numpy.divide(1, scale, out=numpy.zeros_like(scale),
                           where=scale != 0)
    scaled = blocks * inverse
    codes = numpy.trunc(scaled + numpy.copysign(numpy.float32(0.5), scaled))
    packed = numpy.empty(len(blocks), [("scale", "<f2"),
                                       ("codes", "i1", Q8_0_BLOCK)])
    packed["scale"] = scale[:, 0]
    packed["codes"] = codes
    return packed.tobytes()


def dequantise_q8_0(data, shape):
    packed = numpy.frombuffer(data, [("scale", "<f2"),
                                     ("codes", "i1", Q8_0_BLOCK)])
    values = packed["codes"].astype(numpy.float32)
    values *= packed["scale"].astype(numpy.float32)[:, None]
    return values.reshape(shape)


def encode(values, kind):
    if kind == TENSOR_Q8_0:
        return quantise_q8_0(values)
    return numpy.ascontiguousarray(
        values, "<f4" if kind == TENSOR_F32 else "<f2").tobytes()


def decode(data, shape, kind):
    if kind == TENSOR_Q8_0:
        return dequantise_q8_0(data, shape)
    dtype = {TENSOR_F32: "<f4", TENSOR_F16: "<f2"}[kind]
    return numpy.frombuffer(data, dtype).astype(numpy.float32).reshape(shape)


def size_of(count, kind):
    if kind == TENSOR_Q8_0:
        return count // Q8_0_BLOCK * (2 + Q8_0_BLOCK)
    return count * {TENSOR_F32: 4, TENSOR_F16: 2}[kind]


# -- writing ------------------------------------------------------------------


def _string(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def _value(value):
    if value.type == STRING:
        return _string(value.value)
    if value.type == ARRAY:
        element, values = value.value
        return struct.pack("<IQ", element, len(values)) + b"".join(
            _value(Value(element, v)) for v in values)
    return struct.pack("<" + FORMATS[value.type], value.value)


def write(path, metadata, tensors):
    """metadata: {key: Value}; tensors: {name: (array, tensor type)}. An
    array's last axis is GGUF's first dimension."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += _string(key) + struct.pack("<I", value.type) + _value(value)
    body, offset = [], 0
    for name, (values, kind) in tensors.items():
        dimensions = values.shape[::-1]
        head += _string(name) + struct.pack("<I", len(dimensions))
        head += struct.pack(f"<{len(dimensions)}Q", *dimensions)
        head += struct.pack("<IQ", kind, offset)
        data = encode(values, kind)
        data += bytes(-len(data) % ALIGNMENT)
        body.append(data)
        offset += len(data)
    head += bytes(-len(head) % ALIGNMENT)
    with open(path, "wb") as out:
        out.write(head + b"".join(body))
    return len(head) + offset


# -- reading ------------------------------------------------------------------


class _Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def unpack(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def string(self):
        length = self.unpack("Q")
        data = self.data[self.at:self.at + length]
        self.at += length
        return data.decode("utf-8", "surrogateescape")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.unpack("I"), self.unpack("Q")
            return [self.value(element) for _ in range(count)]
        return self.unpack(FORMATS[kind])


def read(path):
    """({key: plain value}, {name: float32 array}, {name: tensor type})."""
    with open(path, "rb") as stream:
        cursor = _Cursor(stream.read())
    magic, version, tensors, pairs = cursor.unpack("4sIQQ")
    if magic != b"GGUF" or version != 3:
        raise ValueError(f"{path} is not GGUF v3")
    metadata = {}
    for _ in range(pairs):
        key = cursor.string()
        metadata[key] = cursor.value(cursor.unpack("I"))
    infos = []
    for _ in range(tensors):
        name = cursor.string()
        shape = [cursor.unpack("Q") for _ in range(cursor.unpack("I"))]
        infos.append((name, shape[::-1], *cursor.unpack("IQ")))
    alignment = metadata.get("general.alignment", ALIGNMENT)
    base = cursor.at + -cursor.at % alignment
    weights, kinds = {}, {}
    for name, shape, kind, offset in infos:
        size = size_of(int(numpy.prod(shape)), kind)
        begin = base + offset
        weights[name] = decode(cursor.data[begin:begin + size], shape, kind)
        kinds[name] = kind
    return metadata, weights, kinds
