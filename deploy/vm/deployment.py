#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the small disk by which a machine learns what is its own (init.c).

    deployment.py ADDRESS/BITS CERTIFICATES KEY CALLERS AK RELEASE > disk

Five files: this machine's TLS certificates and their key, the roots of who may
call, all PEM; the certificates of its TPM's key, PEM, as `pcc-node
--enrol-finish` wrote them; the release it is, as `pcc-log publish` wrote it.
It holds a private key: keep it as one.
"""
import struct
import sys

MAGIC = b"pcc-deployment/1"
SLOT = 64 << 10


def slot(data):
    if len(data) > SLOT - 4:
        sys.exit("deployment.py: a file is too large")
    return (struct.pack(">I", len(data)) + data).ljust(SLOT, b"\0")


def main(arguments):
    if len(arguments) != 6:
        sys.exit(__doc__)
    out = slot(MAGIC + arguments[0].encode("ascii"))
    for path in arguments[1:]:
        with open(path, "rb") as file:
            out += slot(file.read())
    sys.stdout.buffer.write(out)


if __name__ == "__main__":
    main(sys.argv[1:])
