# SPDX-License-Identifier: Apache-2.0
"""Texts that tokenizers get wrong, from a seed.

  file = text after text, each u16 length | bytes; little-endian

Run as a program it writes such a file: the last tenth is not UTF-8.
"""
import random
import struct
import sys

PLANES = [(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x52f),
          (0x590, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f), (0x1100, 0x11ff),
          (0x1c80, 0x1cc0), (0x1e00, 0x1fff), (0x2000, 0x206f),
          (0x2070, 0x218f), (0x2c60, 0x2dff), (0x3000, 0x30ff),
          (0x4e00, 0x9fff), (0xa640, 0xa7ff), (0xac00, 0xd7a3),
          (0xe000, 0xf8ff), (0xfb00, 0xfdff), (0xfe00, 0xffef),
          (0x10000, 0x10fff), (0x16e40, 0x16e9f), (0x1d400, 0x1d7ff),
          (0x1e900, 0x1e95f), (0x1f000, 0x1faff), (0x20000, 0x323af),
          (0xe0000, 0xe01ef), (0x0, 0x10ffff)]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\r", "\u00a0",
          "\u3000", "\u2003", "\u2028", "\u0085", "\u200b", "\u2581", "\ufeff",
          " \n", "\n ", "\t ", " " * 17]
WORDS = ["the", "Hello", "WORLD", "McDonald", "iPhone", "don't", "I'LL", "we'Ve",
         "'s", "'S", "'re", "'\u017f", "\u2019s", "it's", "x86_64", "naïve",
         "Straße", "ÉCOLE", "Ǆungla", "ǅungla", "ﬁnal", "ŉ", "Привет", "мир",
         "שלום", "السلام", "ﷺ", "你好", "世界", "日本語", "カタカナ", "ｶﾞｷﾞ", "한국어",
         "नमस्ते", "สวัสดี", "e\u0301", "A\u030a", "\u1112\u1161\u11ab", "①②", "½",
         "٣٤٥", "１２３", "3.14", "1,000,000", "2024-01-31", "http://a.b/c?d=e",
         "a//b", "...", "?!", "=>", "{}", "\\n", "</s>", "<s>", "<unk>",
         "<0x41>", "<sep>", "<mask>", "k\u0323\u0307", "ＡＢＣ", "㍿", "ʰʷ", "ªº",
         "ing", "tion", "aaa", "AAAA", "aA", "Aa", "日A", "A日a", "\u0301A",
         "👍🏽", "👨\u200d👩\u200d👧", "🇩🇪", "❤\ufe0f", "1\ufe0f\u20e3"]


def character(rng):
    while True:
        code = rng.randint(*rng.choice(PLANES))
        if not 0xd800 <= code <= 0xdfff:
            return chr(code)


def run(rng):
    return rng.choice(["a", "A", " ", "1", "\n", "'", "ab", "é", "日", "\u0301",
                       "/", "-", "🙂", "\u2581", " 1"]) * rng.randint(2, 20)


def part(rng):
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(WORDS)
    if kind < 0.7:
        return rng.choice(SPACES)
    if kind < 0.8:
        return str(rng.randint(0, 10 ** rng.randint(1, 9)))
    if kind < 0.84:
        return run(rng)
    if kind < 0.88:
        return rng.choice(WORDS).swapcase()
    low, high = rng.choice(PLANES)
    same = [chr(rng.randint(low, high)) for _ in range(rng.randint(1, 5))]
    return "".join(c for c in same if not 0xd800 <= ord(c) <= 0xdfff)


def text(rng, parts):
    if rng.random() < 0.2:
        made = "".join(character(rng) for _ in range(rng.randint(1, parts)))
    else:
        spaced = rng.random() < 0.5
        made = (" " if spaced else "").join(
            part(rng) for _ in range(rng.randint(1, parts)))
    return made or "\0"


def broken(rng, parts):
    """Not UTF-8: a byte lost, changed or added."""
    while True:
        data = bytearray(text(rng, parts).encode())
        at = rng.randrange(len(data))
        kind = rng.randrange(3)
        if kind == 0:
            del data[at]
        elif kind == 1:
            data[at] = rng.randrange(128, 256)
        else:
            data.insert(at, rng.choice([0x80, 0xc0, 0xe2, 0xed, 0xf5, 0xff]))
        try:
            data.decode()
        except UnicodeDecodeError:
            return bytes(data)


def make(seed, count, parts):
    rng = random.Random(seed)
    whole = count - count // 10
    return ([text(rng, parts).encode() for _ in range(whole)] +
            [broken(rng, parts) for _ in range(count - whole)])


def write(path, texts):
    with open(path, "wb") as out:
        for data in texts:
            out.write(struct.pack("<H", len(data)) + data)


def read(path):
    with open(path, "rb") as stream:
        data = stream.read()
    texts, at = [], 0
    while at < len(data):
        length, = struct.unpack_from("<H", data, at)
        texts.append(data[at + 2:at + 2 + length])
        at += 2 + length
    return texts


def write_hashes(path, every):
    """Of each text's ids: FNV-1a, 32 bits, over the ids as u32."""
    with open(path, "wb") as out:
        for ids in every:
            value = 0x811c9dc5
            for byte in struct.pack(f"<{len(ids)}I", *ids):
                value = (value ^ byte) * 0x01000193 & 0xffffffff
            out.write(struct.pack("<I", value))


if __name__ == "__main__":
    write(sys.argv[1], make(int(sys.argv[2]), int(sys.argv[3]),
                            int(sys.argv[4])))
