#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compute what a TPM must hold after this image was started, without starting
it.

    expect.py IMAGE FIRMWARE [--node MEASURE] [--events]
    expect.py IMAGE FIRMWARE --facts > FACTS
    expect.py FACTS [--node MEASURE] [--events]

IMAGE is what build.sh made, FIRMWARE the code half of OVMF.  One line for each
register of the bank of SHA-256, such as

    pcr4 5d52b0ee...

--events prints the events instead: register, digest, meaning.  --node adds
PCR 14, which the node extends itself, from what `pcc-node --measure` prints.
--facts prints what was read from both files, which is all that is needed.

Who extends what: the firmware itself PCR 0, its settings PCR 1, what it starts
PCR 4, and the way it goes PCR 2 to 7 (TCG PC Client Platform Firmware Profile);
systemd's stub the parts of the image, PCR 11; the kernel its command line and
first file system, PCR 9, and all of these at once, PCR 10.  PCR 12 and 13 stay
zero: what a stub is handed from outside would be there.
"""
import argparse
import hashlib
import lzma
import os
import struct
import sys
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import uki  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
MENU_VOLUME = "7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1"
MENU = "462caa21-7614-4503-836e-8ab6f4662331"
LZMA = uuid.UUID("ee4e5898-3914-4259-9d6e-dc7bd79403cf").bytes_le
SEPARATOR = b"\0\0\0\0"
# In the order of the stub (src/fundamental/tpm-pcr.h of systemd 252).
MEASURED = [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb",
            ".pcrpkey"]
NODE_EVENTS = ["program", "model", "tokenizer", "policy", "jail", "log",
               "command"]
REGISTERS = 24


def sha256(data):
    return hashlib.sha256(data).digest()


def wide(text):
    return text.encode("utf-16-le")


def variable(owner, name, data):
    """A UEFI_VARIABLE_DATA."""
    return (uuid.UUID(owner).bytes_le + struct.pack("<QQ", len(name),
                                                    len(data))
            + wide(name) + data)


def volumes(firmware):
    """The two volumes that OVMF unpacks, and measures: for PEI and for DXE."""
    at = firmware.find(LZMA)
    if at < 4:
        raise ValueError("no compressed volumes: is this OVMF's code?")
    start = at - 4 + struct.unpack_from("<H", firmware, at + 16)[0]
    raw = lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(firmware[start:])
    found, at = [], 0
    while at + 4 <= len(raw):
        size, kind = int.from_bytes(raw[at:at + 3], "little"), raw[at + 3]
        if size < 4:
            break
        if kind == 0x17:
            found.append(raw[at + 4:at + size])
        at += (size + 3) // 4 * 4
    if len(found) != 2:
        raise ValueError("OVMF of another kind: %d volumes" % len(found))
    return found


def written(volume, path):
    """The volume as it is when it is measured: PEI runs where it lies, and one
    of its programs notes there what machine it is on."""
    volume = bytearray(volume)
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                at, data = int(words[0], 16), bytes.fromhex(words[1])
                volume[at:at + len(data)] = data
    return bytes(volume)


def read_facts(image, firmware, notes):
    """By name: digests of the two files' parts, and the command line."""
    image = uki.Image(uki.read(image))
    sections = image.sections()
    pei, dxe = volumes(uki.read(firmware))
    facts = {"pei": sha256(written(pei, notes)).hex(),
             "dxe": sha256(dxe).hex(),
             "image": image.digest().hex(),
             "kernel": uki.Image(sections[".linux"]).digest().hex(),
             "command-line": sections[".cmdline"].decode("ascii")}
    for name in MEASURED:
        if name in sections:
            facts[name] = sha256(sections[name]).hex()
    return facts


def digest(facts, name):
    found = bytes.fromhex(facts[name])
    if len(found) != 32:
        raise ValueError("no SHA-256: " + name)
    return found


def firmware_events(facts):
    yield 0, sha256(b"\0\0"), "version of the root of trust"
    yield 0, digest(facts, "pei"), "firmware volume for PEI"
    yield 0, digest(facts, "dxe"), "firmware volume for DXE"
    yield 7, sha256(variable(GLOBAL, "SecureBoot", b"\0")), "SecureBoot is off"
    for owner, name in [(GLOBAL, "PK"), (GLOBAL, "KEK"), (SECURITY, "db"),
                        (SECURITY, "dbx")]:
        yield 7, sha256(variable(owner, name, b"")), name + " is empty"
    yield 7, sha256(SEPARATOR), "separator"


def boot_entry():
    """What OVMF has in its boot menu when it has found nothing: the menu."""
    path = (struct.pack("<BBH", 4, 7, 20) + uuid.UUID(MENU_VOLUME).bytes_le +
            struct.pack("<BBH", 4, 6, 20) + uuid.UUID(MENU).bytes_le +
            struct.pack("<BBH", 0x7f, 0xff, 4))
    return (struct.pack("<IH", 0x109, len(path)) + wide("UiApp\0") + path)


def start_events(facts):
    """QEMU's -kernel: the image is loaded before the boot menu is read."""
    yield 4, digest(facts, "image"), "the image"
    yield 1, sha256(b"\0\0"), "BootOrder"
    yield 1, sha256(boot_entry()), "Boot0000"
    yield 4, sha256(b"Calling EFI Application from Boot Option"), "action"
    for register in range(7):
        yield register, sha256(SEPARATOR), "separator"


def stub_events(facts):
    for name in MEASURED:
        if name in facts:
            yield 11, sha256(name.encode() + b"\0"), "name " + name
            yield 11, digest(facts, name), "section " + name


def kernel_events(facts):
    yield 4, digest(facts, "kernel"), "the kernel"
    yield 9, sha256(wide(facts["command-line"] + "\0")), "command line"
    yield 9, digest(facts, ".initrd"), "first file system"
    yield 5, sha256(b"Exit Boot Services Invocation"), "action"
    yield 5, sha256(b"Exit Boot Services Returned with Success"), "action"


def fold(events):
    registers = [bytes(32) if n < 17 or n == 23 else b"\xff" * 32
                 for n in range(REGISTERS)]
    for register, digest, _ in events:
        registers[register] = sha256(registers[register] + digest)
    return registers


def aggregate_event(registers):
    """IMA's first entry, in its template "ima-sig": PCR 0 to 9 as one."""
    fields = [b"sha256:\0" + sha256(b"".join(registers[:10])),
              b"boot_aggregate\0", b""]
    entry = b"".join(struct.pack("<I", len(f)) + f for f in fields)
    return 10, sha256(entry), "all of the above"


def node_events(measure):
    """What attest/identity.h says, from what the node says of itself."""
    digests = {}
    for line in measure.splitlines():
        option, _, value = line.partition(" ")
        digests[option.removeprefix("--accept-")] = value
    for name in NODE_EVENTS:
        yield 14, sha256(b"pcc-node/v1 event\0" + name.encode() + b"\0" +
                         digest(digests, name)), name


def expected(facts):
    events = [*firmware_events(facts), *start_events(facts),
              *stub_events(facts), *kernel_events(facts)]
    return events + [aggregate_event(fold(events))]


def read_lines(path):
    with open(path, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(" ", 1) for line in file)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="IMAGE FIRMWARE | FACTS")
    parser.add_argument("--node", help="what pcc-node --measure printed")
    parser.add_argument("--notes", default=os.path.join(HERE, "firmware.notes"),
                        help="what the firmware writes into itself")
    parser.add_argument("--facts", action="store_true")
    parser.add_argument("--events", action="store_true")
    options = parser.parse_args()
    if len(options.files) == 1:
        facts = read_lines(options.files[0])
    elif len(options.files) == 2:
        facts = read_facts(*options.files, options.notes)
    else:
        parser.error("an image and a firmware, or facts of both")
    if options.facts:
        for name in sorted(facts):
            print(name, facts[name])
        return
    events = expected(facts)
    if options.node:
        events += node_events(uki.read(options.node).decode("ascii"))
    if options.events:
        for register, value, what in events:
            print(register, value.hex(), what)
        return
    for register, value in enumerate(fold(events)):
        if register in {found for found, _, _ in events} | {12, 13}:
            print("pcr%d" % register, value.hex())


if __name__ == "__main__":
    main()
