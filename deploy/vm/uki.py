#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Join a kernel, a first file system and a command line to one program that
UEFI starts.

    uki.py STUB .name=FILE ... > image

The program is systemd's stub with a further section for each file, in the order
given; systemd-stub(7) says which it knows.  The same inputs give the same
bytes.  As a module it also reads such a file back, and computes by what digest
firmware measures it (Authenticode's, of Microsoft's "Windows Authenticode
Portable Executable Signature Format").
"""
import hashlib
import struct
import sys

CHECKSUM = 64          # in the optional header
DIRECTORIES = 112      # the data directories there, PE32+
CERTIFICATES = 4       # the number of the one that Authenticode leaves out
ROW = 40               # bytes of a row of the section table
READ_DATA = 0x40000040 # initialised data, readable
PAGE = 4096


class Image:
    """Where things are in a PE32+ file."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.head = struct.unpack_from("<I", data, 0x3c)[0]
        magic, machine, count = struct.unpack_from("<4sHH", data, self.head)
        size = struct.unpack_from("<H", data, self.head + 20)[0]
        self.optional = self.head + 24
        if magic != b"PE\0\0" or machine != 0x8664 or \
                struct.unpack_from("<H", data, self.optional)[0] != 0x20b:
            raise ValueError("not a PE32+ program for x86-64")
        self.table = self.optional + size
        self.count = count

    def field(self, offset):
        return struct.unpack_from("<I", self.data, self.optional + offset)[0]

    def set_field(self, offset, value):
        struct.pack_into("<I", self.data, self.optional + offset, value)

    @property
    def headers_size(self):
        return self.field(60)

    def rows(self):
        """(name, virtual size, address, file size, file offset) of each."""
        return [struct.unpack_from("<8s4I", self.data, self.table + ROW * i)
                for i in range(self.count)]

    def sections(self):
        """Contents by name, as a program sees them in memory."""
        found = {}
        for name, size, _, stored, at in self.rows():
            data = bytes(self.data[at:at + min(size, stored)])
            found[name.rstrip(b"\0").decode()] = data.ljust(size, b"\0")
        return found

    def add(self, name, data):
        """One more section, behind all others in memory and in the file."""
        row = self.table + ROW * self.count
        if row + ROW > self.headers_size or any(self.data[row:row + ROW]):
            raise ValueError("the stub has no room for a further section")
        block = self.field(36)
        last = max(self.rows(), key=lambda found: found[2])
        address = round_up(last[2] + last[1], PAGE)
        stored = round_up(len(data), block)
        struct.pack_into("<8s4I12xI", self.data, row, name.encode(), len(data),
                         address, stored, len(self.data), READ_DATA)
        self.data += data.ljust(stored, b"\0")
        self.count += 1
        struct.pack_into("<H", self.data, self.head + 6, self.count)
        self.set_field(8, self.field(8) + stored)
        self.set_field(56, round_up(address + len(data), PAGE))

    def strip(self):
        """Sections alone: no time of making, symbols, signature, checksum."""
        end = max(at + stored for _, _, _, stored, at in self.rows())
        del self.data[end:]
        self.data += b"\0" * (-end % self.field(36))
        struct.pack_into("<III", self.data, self.head + 8, 0, 0, 0)
        self.set_field(CHECKSUM, 0)
        self.set_field(DIRECTORIES + 8 * CERTIFICATES, 0)
        self.set_field(DIRECTORIES + 8 * CERTIFICATES + 4, 0)

    def digest(self):
        """All but the checksum, the place of a signature, and one."""
        checksum = self.optional + CHECKSUM
        entry = self.optional + DIRECTORIES + 8 * CERTIFICATES
        signed, length = struct.unpack_from("<II", self.data, entry)
        sha = hashlib.sha256(self.data[:checksum])
        sha.update(self.data[checksum + 4:entry])
        sha.update(self.data[entry + 8:self.headers_size])
        done = self.headers_size
        for _, _, _, stored, at in sorted(self.rows(), key=lambda r: r[4]):
            sha.update(self.data[at:at + stored])
            done += stored
        end = len(self.data) - (length if signed else 0)
        if end > done:
            sha.update(self.data[done:end])
        return sha.digest()


def round_up(number, unit):
    return (number + unit - 1) // unit * unit


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    image = Image(read(arguments[0]))
    image.strip()
    for section in arguments[1:]:
        name, _, path = section.partition("=")
        image.add(name, read(path))
    sys.stdout.buffer.write(image.data)


if __name__ == "__main__":
    main(sys.argv[1:])
