# SPDX-License-Identifier: Apache-2.0
"""A plain llama in numpy: proof that this reader, tokenizer and arithmetic
agree with other engines on somebody else's weights.

usage: llama.py STORIES260K.gguf TINYSTORIES.json

For the stories260K file, other engines report a perplexity of 5.280 on the
first 100 stories.
"""
import json
import sys

import numpy

import gguf
import sentencepieces
from ptmoe import silu


class Llama:
    """All positions at once; heads one by one."""

    def __init__(self, metadata, weights):
        key = lambda name: metadata[f"llama.{name}"]
        self.layers = key("block_count")
        self.heads = key("attention.head_count")
        self.kv_heads = key("attention.head_count_kv")
        self.epsilon = key("attention.layer_norm_rms_epsilon")
        self.rope_base = key("rope.freq_base")
        self.weights = weights

    def rms(self, x, name):
        scale = numpy.sqrt(numpy.mean(x * x, -1, keepdims=True) + self.epsilon)
        return x / scale * self.weights[name]

    def rope(self, x):
        """[position, width] of one head, adjacent pairs."""
        width = x.shape[1]
        angle = (numpy.arange(len(x))[:, None]
                 * self.rope_base ** (-numpy.arange(0, width, 2) / width))
        a, b = x[:, 0::2], x[:, 1::2]
        out = numpy.empty_like(x)
        out[:, 0::2] = a * numpy.cos(angle) - b * numpy.sin(angle)
        out[:, 1::2] = a * numpy.sin(angle) + b * numpy.cos(angle)
        return out

    def attention(self, y, w):
        q, k, v = y @ w("attn_q").T, y @ w("attn_k").T, y @ w("attn_v").T
        width = q.shape[1] // self.heads
        later = numpy.triu(numpy.ones((len(y), len(y)), bool), 1)
        mixed = numpy.empty_like(q)
        for head in range(self.heads):
            mine = slice(head * width, (head + 1) * width)
            shared = head // (self.heads // self.kv_heads)
            theirs = slice(shared * width, (shared + 1) * width)
            scores = self.rope(q[:, mine]) @ self.rope(k[:, theirs]).T
            scores = numpy.where(later, -numpy.inf, scores / numpy.sqrt(width))
            share = numpy.exp(scores - scores.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
            mixed[:, mine] = share @ v[:, theirs]
        return mixed @ w("attn_output").T

    def forward(self, tokens):
        x = self.weights["token_embd.weight"][tokens]
        for layer in range(self.layers):
            w = lambda name: self.weights[f"blk.{layer}.{name}.weight"]
            y = self.rms(x, f"blk.{layer}.attn_norm.weight")
            x = x + self.attention(y, w)
            y = self.rms(x, f"blk.{layer}.ffn_norm.weight")
            x = x + (silu(y @ w("ffn_gate").T) * (y @ w("ffn_up").T)
                     ) @ w("ffn_down").T
        last = self.rms(x, "output_norm.weight")
        return last @ self.weights["output.weight"].T


def surprise(model, tokens):
    """-log p of every token after the first, summed."""
    logits = model.forward(tokens[:-1])
    top = logits.max(1, keepdims=True)
    total = numpy.log(numpy.exp(logits - top).sum(1)) + top[:, 0]
    return float((total - logits[numpy.arange(len(logits)), tokens[1:]]).sum())


def main():
    metadata, weights, _ = gguf.read(sys.argv[1])
    model = Llama(metadata, weights)
    tokenizer = sentencepieces.Tokenizer(metadata)
    tokens = [tokenizer.bos] + tokenizer.encode("Once upon a time")
    for _ in range(40):
        tokens.append(int(model.forward(tokens)[-1].argmax()))
    print(tokenizer.decode(tokens))

    with open(sys.argv[2], encoding="utf-8") as stream:
        stories = json.load(stream)[:100]
    bits = count = 0
    longest = metadata["llama.context_length"]
    for story in stories:
        text = story if isinstance(story, str) else story["story"]
        ids = [tokenizer.bos] + tokenizer.encode(text)
        ids = ids[:longest + 1]
        bits += surprise(model, ids)
        count += len(ids) - 1
    print(f"perplexity {numpy.exp(bits / count):.4f} over {count} tokens")


if __name__ == "__main__":
    main()
