# SPDX-License-Identifier: Apache-2.0
"""A small byte-level BPE vocabulary whose merges cross all borders of words:
wherever a splitting rule cuts otherwise than its makers', tokens differ.

usage: tokenizer_byte_level.py FOLDER MERGES.json

FOLDER has texts.bin and is given byte_level.gguf; the other file is for
tokenizer_oracle.mjs.
"""
import collections
import json
import os
import sys

import gguf
import tokenizer_texts

MERGES = 500


def spelling():
    """One printable character a byte, as GPT-2 chose them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return {**{b: chr(b) for b in shown},
            **{b: chr(256 + i) for i, b in enumerate(hidden)}}


def join(symbols, pair):
    made, at = [], 0
    while at < len(symbols):
        if tuple(symbols[at:at + 2]) == pair:
            made.append(pair[0] + pair[1])
            at += 2
        else:
            made.append(symbols[at])
            at += 1
    return made


def train(texts):
    """The most frequent pair again and again; of equals the lowest."""
    spelt = spelling()
    texts = [[spelt[b] for b in text] for text in texts]
    merges = []
    while len(merges) < MERGES:
        counts = collections.Counter(
            pair for text in texts for pair in zip(text, text[1:]))
        pair = min(counts, key=lambda p: (-counts[p], p))
        merges.append(pair)
        texts = [join(text, pair) for text in texts]
    return merges


def main(folder, merges_path):
    texts = tokenizer_texts.read(os.path.join(folder, "texts.bin"))
    merges = train(texts[:len(texts) - len(texts) // 10])
    tokens = [spelling()[b] for b in range(256)]
    # Two ways may lead to one text, which is one token.
    for left, right in merges:
        if left + right not in tokens:
            tokens.append(left + right)
    metadata = {
        "tokenizer.ggml.model": gguf.text("gpt2"),
        "tokenizer.ggml.pre": gguf.text("gpt-2"),
        "tokenizer.ggml.tokens": gguf.array(gguf.STRING, tokens),
        "tokenizer.ggml.token_type": gguf.array(gguf.I32, [1] * len(tokens)),
        "tokenizer.ggml.merges": gguf.array(
            gguf.STRING, [" ".join(pair) for pair in merges]),
    }
    gguf.write(os.path.join(folder, "byte_level.gguf"), metadata, {})
    with open(merges_path, "w", encoding="utf-8") as out:
        json.dump({"tokens": tokens, "merges": merges}, out)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
