#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pack a folder as the initial file system of a Linux kernel.

    pack.py FOLDER > initrd
    pack.py --list initrd

The bytes depend on names, contents and the executable bit of files alone: the
archive (cpio, "newc", documented in the kernel's buffer-format.rst) is sorted,
everything belongs to root and is from 1970.  --list reads such an archive
back: one line for each entry, mode and name.
"""
import gzip
import io
import os
import stat
import sys

MAGIC = b"070701"
HEADER = 110
TRAILER = "TRAILER!!!"


def entries(folder):
    """Names below the folder, each after the folder that it is in."""
    found = []
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            found.append(os.path.relpath(os.path.join(place, name), folder))
    return sorted(found)


def record(number, name, mode, data=b""):
    fields = [number, mode, 0, 0, 2 if stat.S_ISDIR(mode) else 1, 0,
              len(data), 0, 0, 0, 0, len(name.encode()) + 1, 0]
    head = MAGIC + b"".join(b"%08x" % field for field in fields)
    head += name.encode() + b"\0"
    return pad(head) + pad(data)


def pad(data):
    return data + b"\0" * (-len(data) % 4)


def pack(folder):
    out = io.BytesIO()
    for number, name in enumerate(entries(folder), 1):
        path = os.path.join(folder, name)
        if os.path.islink(path):
            sys.exit("pack.py: a link: " + name)
        if os.path.isdir(path):
            out.write(record(number, name, stat.S_IFDIR | 0o755))
            continue
        mode = 0o755 if os.access(path, os.X_OK) else 0o644
        with open(path, "rb") as file:
            out.write(record(number, name, stat.S_IFREG | mode, file.read()))
    out.write(record(0, TRAILER, 0))
    return gzip.compress(out.getvalue(), 9, mtime=0)


def unpack(data):
    """(name, mode, bytes) of each entry; ValueError for another format."""
    data = gzip.decompress(data)
    at = 0
    while True:
        if data[at:at + len(MAGIC)] != MAGIC:
            raise ValueError("no cpio archive at %d" % at)
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16)
                  for i in range(13)]
        name = data[at + HEADER:at + HEADER + fields[11] - 1].decode()
        at += HEADER + fields[11]
        at += -at % 4
        if name == TRAILER:
            return
        yield name, fields[1], data[at:at + fields[6]]
        at += fields[6]
        at += -at % 4


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--list":
        with open(arguments[1], "rb") as file:
            for name, mode, _ in unpack(file.read()):
                print("%o %s" % (mode, name))
    elif len(arguments) == 1:
        sys.stdout.buffer.write(pack(arguments[0]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
