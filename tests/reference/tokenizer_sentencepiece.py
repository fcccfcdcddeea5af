# SPDX-License-Identifier: Apache-2.0
"""Small SentencePiece models as GGUF vocabularies, and what the library itself
makes of tokenizer_texts.py's texts with them.

usage: tokenizer_sentencepiece.py FOLDER CORPUS...   (python3-sentencepiece)

FOLDER has texts.bin; NAME.gguf and NAME.hashes are written for each model.
"""
import os
import sys
import tempfile

import sentencepiece

import gguf
import tokenizer_texts

# Rewriting that shows every path: longer, shorter, to nothing, to a space, to
# several with spaces in them, longest match first.
RULES = [("\ufdfa", "صلى الله عليه وسلم"), ("ﬁ", "fi"), ("½", "1⁄2"),
         ("\u3000", " "), ("\u00a0", " "), ("\t", " "), ("\n", " "),
         ("\r", " "), ("\r\n", " "), ("\u200b", ""), ("\ufeff", ""),
         ("\u2028", "  "), ("e\u0301", "é"), ("A\u030a", "Å"), ("①", "1"),
         ("②", "2"), ("１", "1"), ("２", "2"), ("３", "3"), ("Ａ", "A"),
         ("Ｂ", "B"), ("Ｃ", "C"), ("ｶﾞ", "ガ"), ("ｶ", "カ"), ("ｷﾞ", "ギ"),
         ("㍿", "株式会社"), ("k\u0323", "ḳ"), ("k\u0323\u0307", "ḳ̇"),
         ("...", "…"), ("\u2003", " a "), ("ŉ", "ʼn"), ("\u0085", " ")]

MODELS = {
    # T5's way: rewritten, spaces trimmed, one unknown token.
    "unigram": dict(model_type="unigram", vocab_size=900,
                    user_defined_symbols="<sep>,</s>x,\u2581\u2581,123"),
    # Nothing rewritten, every space kept, bytes for what is unknown.
    "unigram_bytes": dict(model_type="unigram", vocab_size=700,
                          byte_fallback=True, add_dummy_prefix=False,
                          remove_extra_whitespaces=False,
                          normalization_rule_name="identity",
                          user_defined_symbols="<sep>"),
    "bpe_unknown": dict(model_type="bpe", vocab_size=600,
                        remove_extra_whitespaces=False,
                        normalization_rule_name="identity",
                        user_defined_symbols="<sep>,\u2581\u2581\u2581"),
}


def train(folder, options, corpus):
    prefix = os.path.join(folder, "m")
    arguments = dict(model_prefix=prefix, sentence_iterator=iter(corpus),
                     character_coverage=0.98, num_threads=1, minloglevel=2,
                     max_sentencepiece_length=12, **options)
    if "normalization_rule_name" not in options:
        rules = os.path.join(folder, "rules.tsv")
        with open(rules, "w", encoding="utf-8") as out:
            for source, target in RULES:
                out.write("\t".join(" ".join(f"{ord(c):X}" for c in side)
                                    for side in (source, target)) + "\n")
        arguments["normalization_rule_tsv"] = rules
    sentencepiece.SentencePieceTrainer.train(**arguments)
    return prefix + ".model"


def kind_of(model, i):
    for test, kind in ((model.is_unknown, 2), (model.is_control, 3),
                       (model.is_unused, 5), (model.is_byte, 6)):
        if test(i):
            return kind
    return 1


def normaliser(data):
    """The charsmap, and the two settings, of a serialised model."""
    found = {"charsmap": b"", "prefix": 1, "extra": 1}
    names = {2: "charsmap", 3: "prefix", 4: "extra"}
    for field, value in fields(data):
        if field == 3:
            for inner, content in fields(value):
                if inner in names:
                    found[names[inner]] = content
    return found


def user_defined(data):
    """The numbers of pieces whose type is USER_DEFINED."""
    pieces = [dict(fields(value)) for field, value in fields(data)
              if field == 1]
    return {i for i, piece in enumerate(pieces) if piece.get(3) == 4}


def fields(data):
    """(number, value) of each field of a protobuf message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7)
        size = varint() if size is None else size
        yield key >> 3, data[at:at + size]
        at += size


def vocabulary(path, model):
    """The metadata that a GGUF file of this model has."""
    with open(path, "rb") as stream:
        data = stream.read()
    rules, whole = normaliser(data), user_defined(data)
    numbers = range(model.get_piece_size())
    unigram = next(v for f, v in fields(data) if f == 2)
    kind = {1: "t5", 2: "llama"}[dict(fields(unigram)).get(3, 1)]
    metadata = {
        "tokenizer.ggml.model": gguf.text(kind),
        "tokenizer.ggml.tokens": gguf.array(
            gguf.STRING, [model.id_to_piece(i) for i in numbers]),
        "tokenizer.ggml.scores": gguf.array(
            gguf.F32, [model.get_score(i) for i in numbers]),
        "tokenizer.ggml.token_type": gguf.array(
            gguf.I32, [4 if i in whole else kind_of(model, i)
                       for i in numbers]),
        "tokenizer.ggml.unknown_token_id": gguf.u32(model.unk_id()),
        "tokenizer.ggml.add_bos_token": gguf.boolean(False),
        "tokenizer.ggml.add_space_prefix": gguf.boolean(bool(rules["prefix"])),
        "tokenizer.ggml.remove_extra_whitespaces": gguf.boolean(
            bool(rules["extra"])),
    }
    if rules["charsmap"]:
        metadata["tokenizer.ggml.precompiled_charsmap"] = gguf.array(
            gguf.U8, rules["charsmap"])
    return metadata


def encode_all(model, kind, texts):
    """Merging keeps bytes that are no text; the library does not."""
    whole = len(texts) - len(texts) // 10 if kind == "llama" else len(texts)
    return [model.encode(text) for text in texts[:whole]]


def main(folder, corpora):
    texts = tokenizer_texts.read(os.path.join(folder, "texts.bin"))
    corpus = [line.strip() for path in corpora
              for line in open(path, encoding="utf-8", errors="replace")
              if line.strip()]
    corpus += [t.decode() for t in texts[:400] if b"\0" not in t] * 2
    for name, options in MODELS.items():
        with tempfile.TemporaryDirectory() as scratch:
            path = train(scratch, options, corpus)
            model = sentencepiece.SentencePieceProcessor(model_file=path)
            metadata = vocabulary(path, model)
        gguf.write(os.path.join(folder, name + ".gguf"), metadata, {})
        tokenizer_texts.write_hashes(
            os.path.join(folder, name + ".hashes"),
            encode_all(model, metadata["tokenizer.ggml.model"].value, texts))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
