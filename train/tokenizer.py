# SPDX-License-Identifier: Apache-2.0
"""The vocabulary: SentencePiece BPE over lower-cased requests and their calls.

usage: tokenizer.py REQUESTS.jsonl OUT_PREFIX [--size N]

Whatever a call does not copy from the request ('{"name":"HassTurnOn",',
',"domain":"light"') is one user-defined piece each, so a call costs the model
about eight steps and the forms of calls cannot be misspelt.
"""
import argparse
import collections
import json
import os
import tempfile

import sentencepiece

CALL = "<call>"                     # a control symbol: text cannot spell it
CLOSED_KEYS = {"domain", "device_class", "color", "media_class", "state"}
LEAST_COUNT = 25                    # a rarer closed value is spelt in pieces
LEAST_LANGUAGES = 4                 # a state in fewer is a place, copied


def parts_of(call):
    """The fixed parts of one call, in the order in which they are written."""
    call = json.loads(call)
    yield '{"name":"%s","arguments":{' % call["name"]
    for number, (key, value) in enumerate(call["arguments"].items()):
        comma = "," if number else ""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        closed = key in CLOSED_KEYS or value == "all"
        if isinstance(value, list) or (closed and isinstance(value, str)):
            yield f'{comma}"{key}":{text}'
        quote = '"' if isinstance(value, str) else ""
        yield f'{comma}"{key}":{quote}'
    yield "}}"
    yield '"}}'


def fixed_parts(requests):
    counts = collections.Counter()
    languages = collections.defaultdict(set)
    for request in requests:
        for part in parts_of(request["call"]):
            counts[part] += 1
            languages[part].add(request["language"])
    def fixed(part):
        return ('"state":"' not in part
                or len(languages[part]) >= LEAST_LANGUAGES)

    return sorted(part for part, count in counts.items()
                  if count >= LEAST_COUNT and fixed(part))


def train(requests, prefix, size):
    """requests: a list of {request, call}; writes prefix.model."""
    symbols = fixed_parts(requests)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as text:
        for request in requests:
            text.write(request["request"] + "\n" + request["call"] + "\n")
    sentencepiece.SentencePieceTrainer.train(
        input=text.name, model_prefix=prefix, vocab_size=size,
        model_type="bpe", byte_fallback=True, split_digits=True,
        normalization_rule_name="identity", add_dummy_prefix=True,
        remove_extra_whitespaces=False, character_coverage=0.9999,
        max_sentence_length=8192, control_symbols=[CALL],
        user_defined_symbols=symbols, num_threads=2, minloglevel=2)
    os.unlink(text.name)
    return len(symbols)


class Tokenizer:
    def __init__(self, path):
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=path)
        self.size = self.pieces.vocab_size()
        self.bos, self.eos = self.pieces.bos_id(), self.pieces.eos_id()
        self.call = self.pieces.piece_to_id(CALL)
        self.space = self.pieces.piece_to_id("\u2581")

    def prompt(self, request):
        """<s> request <call>: what the chat template makes of a request."""
        return ([self.bos] + self.pieces.encode(request.strip().lower())
                + [self.call])

    def answer(self, call):
        """The call's pieces without the dummy space in front, then </s>."""
        ids = self.pieces.encode(call)
        return ids[ids[0] == self.space:] + [self.eos]

    def text(self, ids):
        return self.pieces.decode([i for i in ids if i != self.eos])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("requests")
    parser.add_argument("prefix")
    parser.add_argument("--size", type=int, default=2400)
    parser.add_argument("--every", type=int, default=6,
                        help="use every n-th request")
    options = parser.parse_args()
    with open(options.requests, encoding="utf-8") as stream:
        requests = [json.loads(line) for number, line in enumerate(stream)
                    if number % options.every == 0]
    print(train(requests, options.prefix, options.size), "fixed parts in",
          options.size, "pieces")


if __name__ == "__main__":
    main()
