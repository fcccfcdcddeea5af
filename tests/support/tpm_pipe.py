# SPDX-License-Identifier: Apache-2.0
"""Carry one program's commands to a TPM behind a unix socket.

The library of tpm2-tools starts this as its "cmd:" transport.  Every command
and response has its length, big-endian, in bytes 2 to 5.
"""
import os
import socket
import sys


def whole(read):
    head = read(10)
    if len(head) < 10:
        sys.exit(0)
    rest = int.from_bytes(head[2:6], "big") - 10
    return head + read(rest)


def main():
    tpm = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    tpm.connect(sys.argv[1])
    answers = tpm.makefile("rb")
    commands = os.fdopen(0, "rb", buffering=0)

    def read_command(size):
        data = b""
        while len(data) < size:
            more = commands.read(size - len(data))
            if not more:
                sys.exit(0)
            data += more
        return data

    while True:
        tpm.sendall(whole(read_command))
        data = whole(answers.read)
        while data:
            data = data[os.write(1, data):]


main()
