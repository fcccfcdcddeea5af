# SPDX-License-Identifier: Apache-2.0
"""Golden files: named arrays of float32, little-endian, one after another.

  u32 name length | name | u32 count | count * float32
"""
import struct

import numpy


class Writer:
    def __init__(self):
        self.records = {}

    def __call__(self, name, values):
        """An observer for Model.forward."""
        self.records[name] = numpy.asarray(values, "<f4").ravel()

    def save(self, path):
        with open(path, "wb") as out:
            for name, values in self.records.items():
                label = name.encode()
                out.write(struct.pack("<I", len(label)) + label)
                out.write(struct.pack("<I", len(values)) + values.tobytes())


def load(path):
    with open(path, "rb") as stream:
        data = stream.read()
    records, at = {}, 0
    while at < len(data):
        length, = struct.unpack_from("<I", data, at)
        name = data[at + 4:at + 4 + length].decode()
        at += 4 + length
        count, = struct.unpack_from("<I", data, at)
        records[name] = numpy.frombuffer(data, "<f4", count, at + 4)
        at += 4 + 4 * count
    return records
