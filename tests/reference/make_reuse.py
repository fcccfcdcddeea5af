# SPDX-License-Identifier: Apache-2.0
"""A tiny random PT-MoE file whose later layers reuse keys and values.

usage: make_reuse.py OUT_FOLDER

Writes tiny_reuse.gguf and tiny_reuse.golden: two tracks of four layers, of
which the last two attend to the keys and values of the second.  All layers
are local and dense; the window slides.
"""
import os
import sys

import golden
import gguf
import make_tiny
import numpy
import ptmoe

VOCABULARY, FEED_FORWARD, TRACKS, REUSE_FROM = 48, 8, 2, 2
TOKENS = [1, 17, 40, 3, 42, 42, 8, 30, 31, 5]


def metadata():
    return {**make_tiny.metadata("tiny_reuse", TRACKS),
            "ptmoe.vocab_size": gguf.u32(VOCABULARY),
            "ptmoe.attention.pattern": gguf.array(gguf.STRING, ["local"]),
            "ptmoe.feed_forward.pattern": gguf.array(gguf.STRING, ["dense"]),
            "ptmoe.feed_forward_length": gguf.u32(FEED_FORWARD),
            "ptmoe.kv_reuse_from": gguf.u32(REUSE_FROM)}


def layer_weights(rng, layer):
    # An even layer of the other files is a dense one.
    weights = make_tiny.track_weights(rng, 0)
    for name in ("ffn_gate", "ffn_up"):
        weights[name] = weights[name][:FEED_FORWARD]
    weights["ffn_down"] = 3 * weights["ffn_down"][:, :FEED_FORWARD]
    if layer >= REUSE_FROM:
        for name in ("attn_k", "attn_v", "attn_k_norm"):
            del weights[name]
    return weights


def random_weights():
    rng = numpy.random.default_rng(4)
    hidden = make_tiny.HIDDEN
    weights = {"token_embd.weight": rng.normal(0, 1, (VOCABULARY, hidden)),
               "output_norm.weight": rng.uniform(0.5, 1.5, hidden)}
    for layer in range(make_tiny.LAYERS):
        for track in range(TRACKS):
            for suffix, values in layer_weights(rng, layer).items():
                weights[f"blk.{layer}.trk.{track}.{suffix}.weight"] = values
    return weights


def main():
    path = os.path.join(sys.argv[1], "tiny_reuse.gguf")
    size = gguf.write(path, metadata(), {
        name: (values.astype(numpy.float32), gguf.TENSOR_F32)
        for name, values in random_weights().items()})
    keys, weights, _ = gguf.read(path)
    writer = golden.Writer()
    writer("tokens", TOKENS)
    ptmoe.Model(keys, weights).forward(TOKENS, writer)
    writer.save(path.replace(".gguf", ".golden"))
    print(f"tiny_reuse: {size} bytes, {len(writer.records)} records")


if __name__ == "__main__":
    main()
