# SPDX-License-Identifier: Apache-2.0
"""The block formats, decoded by whole arrays: bit planes are unpacked, moved
into the order of the weights and put together, in 64-bit arithmetic.

Each function takes uint8 [blocks, bytes] and gives float32 [blocks, weights].
"""
import sys

import numpy

import golden

BYTES = {"bf16": 2, "q8_0": 34, "q4_0": 18, "q2_k": 84, "q4_k": 144,
         "q5_k": 176, "q6_k": 210}
# Where the halves of a block lie.
HALVES = {"bf16": [0], "q8_0": [0], "q4_0": [0], "q2_k": [80, 82],
          "q4_k": [0, 2], "q5_k": [0, 2], "q6_k": [208]}


def half(blocks, at):
    pair = numpy.ascontiguousarray(blocks[:, at:at + 2])
    return pair.view("<f2").astype(numpy.float64)


def fields(data, width):
    """[b, n] bytes as [b, 8/width, n]: field k has bits k*width and up."""
    return numpy.stack([data >> k & (1 << width) - 1
                        for k in range(0, 8, width)], 1).astype(numpy.int64)


def spread(groups, width):
    return numpy.repeat(groups, width, 1)


def bf16(blocks):
    return (blocks.view("<u2").astype("<u4") << 16).view("<f4")


def q8_0(blocks):
    return half(blocks, 0) * blocks[:, 2:].view("i1")


def q4_0(blocks):
    codes = fields(blocks[:, 2:], 4).reshape(len(blocks), 32)
    return half(blocks, 0) * (codes - 8)


def q2_k(blocks):
    count = len(blocks)
    codes = numpy.concatenate(
        [fields(blocks[:, at:at + 32], 2).reshape(count, 128)
         for at in (16, 48)], 1)
    small = fields(blocks[:, :16], 4)
    return (half(blocks, 80) * spread(small[:, 0], 16) * codes
            - half(blocks, 82) * spread(small[:, 1], 16))


def six_bits(packed):
    """[b, 12] -> scales and offsets, [b, 8] each, by sums of powers."""
    scales, offsets = [], []
    for a in packed.astype(int):
        scales.append([a[i] % 64 for i in range(4)]
                      + [a[8 + i] % 16 + a[i] // 64 * 16 for i in range(4)])
        offsets.append([a[4 + i] % 64 for i in range(4)]
                       + [a[8 + i] // 16 + a[4 + i] // 64 * 16
                          for i in range(4)])
    return numpy.array(scales), numpy.array(offsets)


def nibbles(data):
    """128 bytes -> 256 codes: 32 low halves, the 32 high ones, and on."""
    count = len(data)
    return numpy.concatenate(
        [fields(data[:, at:at + 32], 4).reshape(count, 64)
         for at in range(0, 128, 32)], 1)


def offset_blocks(blocks, codes):
    scales, offsets = six_bits(blocks[:, 4:16])
    return (half(blocks, 0) * spread(scales, 32) * codes
            - half(blocks, 2) * spread(offsets, 32))


def q4_k(blocks):
    return offset_blocks(blocks, nibbles(blocks[:, 16:]))


def q5_k(blocks):
    top = fields(blocks[:, 16:48], 1).reshape(len(blocks), 256)
    return offset_blocks(blocks, nibbles(blocks[:, 48:]) + 16 * top)


def q6_k(blocks):
    count = len(blocks)
    low = numpy.concatenate(
        [fields(blocks[:, at:at + 64], 4).reshape(count, 128)
         for at in (0, 64)], 1)
    top = numpy.concatenate(
        [fields(blocks[:, at:at + 32], 2).reshape(count, 128)
         for at in (128, 160)], 1)
    scales = spread(blocks[:, 192:208].view("i1").astype(int), 16)
    return half(blocks, 208) * (scales * (low + 16 * top - 32))


DECODE = {"bf16": bf16, "q8_0": q8_0, "q4_0": q4_0, "q2_k": q2_k,
          "q4_k": q4_k, "q5_k": q5_k, "q6_k": q6_k}


def main():
    """Random blocks and what they decode to, for the engine's tests."""
    draw = numpy.random.default_rng(20)
    out = golden.Writer()
    for name, decode in DECODE.items():
        blocks = draw.integers(0, 256, (3, BYTES[name]), numpy.uint8)
        for at in HALVES[name]:      # no exponent is that of infinity
            blocks[:, at + 1] &= 0xbf
        out(name + ".blocks", blocks)
        out(name + ".weights", decode(blocks).astype("<f4"))
    out.save(sys.argv[1])


if __name__ == "__main__":
    main()
