# SPDX-License-Identifier: Apache-2.0
"""Tiny random PT-MoE files and every intermediate of a forward pass.

usage: make_tiny.py OUT_FOLDER

  tiny.gguf tiny.golden           two tracks; window and ring wrap
  tiny_t1.gguf tiny_t1.golden     one track
  tiny_equal.gguf                 two tracks, both with tiny_t1's weights: its
                                  logits must equal tiny_t1's
"""
import os
import sys

import numpy

import golden
import gguf
import ptmoe

VOCABULARY, HIDDEN, HEADS, KV_HEADS, HEAD_WIDTH = 96, 32, 2, 1, 4
LAYERS, BLOCK_DEPTH, FEED_FORWARD, EXPERTS, EXPERT_WIDTH = 4, 2, 64, 4, 32
WINDOW = 4
TOKENS = [1, 17, 95, 3, 42, 42, 8, 60, 71, 5, 33, 90]
PATTERN = ["local", "local", "local", "global"]


def metadata(name, tracks):
    return {
        "general.architecture": gguf.text("ptmoe"),
        "general.name": gguf.text(name),
        "general.alignment": gguf.u32(gguf.ALIGNMENT),
        "ptmoe.context_length": gguf.u32(64),
        "ptmoe.vocab_size": gguf.u32(VOCABULARY),
        "ptmoe.track_count": gguf.u32(tracks),
        "ptmoe.track_block_depth": gguf.u32(BLOCK_DEPTH),
        "ptmoe.block_count": gguf.u32(LAYERS),
        "ptmoe.embedding_length": gguf.u32(HIDDEN),
        "ptmoe.attention.head_count": gguf.u32(HEADS),
        "ptmoe.attention.head_count_kv": gguf.u32(KV_HEADS),
        "ptmoe.attention.key_length": gguf.u32(HEAD_WIDTH),
        "ptmoe.attention.sliding_window": gguf.u32(WINDOW),
        "ptmoe.attention.pattern": gguf.array(gguf.STRING, PATTERN),
        "ptmoe.attention.layer_norm_rms_epsilon": gguf.f32(1e-5),
        "ptmoe.rope.freq_base": gguf.f32(500000.0),
        "ptmoe.feed_forward_length": gguf.u32(FEED_FORWARD),
        "ptmoe.feed_forward.pattern": gguf.array(
            gguf.STRING, ["dense", "sparse"] * (LAYERS // 2)),
        "ptmoe.expert_count": gguf.u32(EXPERTS),
        "ptmoe.expert_used_count": gguf.u32(2),
        "ptmoe.expert_feed_forward_length": gguf.u32(EXPERT_WIDTH),
        "ptmoe.expert_logit_cap": gguf.f32(50.0),
        "ptmoe.track_combine": gguf.text("mean"),
    }


def track_weights(rng, layer):
    """{suffix: array} of one layer of one track."""
    inner, shared = HEADS * HEAD_WIDTH, KV_HEADS * HEAD_WIDTH

    def matrix(*shape):
        # Large enough that every branch and the router visibly matter.
        return rng.normal(0, 1.2 / numpy.sqrt(shape[-1]), shape)

    def norm(width):
        return rng.uniform(0.5, 1.5, width)

    tensors = {
        "attn_norm": norm(HIDDEN), "attn_q": matrix(inner, HIDDEN),
        "attn_k": matrix(shared, HIDDEN), "attn_v": matrix(shared, HIDDEN),
        "attn_q_norm": norm(HEAD_WIDTH), "attn_k_norm": norm(HEAD_WIDTH),
        "attn_output": matrix(HIDDEN, inner), "ffn_norm": norm(HIDDEN)}
    if layer % 2 == 0:
        return {**tensors, "ffn_gate": matrix(FEED_FORWARD, HIDDEN),
                "ffn_up": matrix(FEED_FORWARD, HIDDEN),
                "ffn_down": matrix(HIDDEN, FEED_FORWARD)}
    return {**tensors, "ffn_gate_inp": matrix(EXPERTS, HIDDEN),
            "ffn_gate_exps": matrix(EXPERTS, EXPERT_WIDTH, HIDDEN),
            "ffn_up_exps": matrix(EXPERTS, EXPERT_WIDTH, HIDDEN),
            "ffn_down_exps": matrix(EXPERTS, HIDDEN, EXPERT_WIDTH)}


def random_weights(seed, tracks):
    rng = numpy.random.default_rng(seed)
    weights = {"token_embd.weight": rng.normal(0, 1, (VOCABULARY, HIDDEN)),
               "output_norm.weight": rng.uniform(0.5, 1.5, HIDDEN)}
    for layer in range(LAYERS):
        for track in range(tracks):
            for suffix, values in track_weights(rng, layer).items():
                name = f"blk.{layer}.trk.{track}.{suffix}.weight"
                weights[name] = values
    return {name: values.astype(numpy.float32)
            for name, values in weights.items()}


def doubled(weights):
    """One track's weights as both of two."""
    twice = {}
    for name, values in weights.items():
        twice[name] = values
        if ".trk.0." in name:
            twice[name.replace(".trk.0.", ".trk.1.")] = values
    return twice


def write_model(folder, name, tracks, weights):
    path = os.path.join(folder, f"{name}.gguf")
    gguf.write(path, metadata(name, tracks),
               {k: (v, gguf.TENSOR_F32) for k, v in weights.items()})
    return path


def write_golden(path):
    """Every intermediate of the file's model, as read back from it."""
    keys, weights, _ = gguf.read(path)
    writer = golden.Writer()
    writer("tokens", TOKENS)
    ptmoe.Model(keys, weights).forward(TOKENS, writer)
    writer.save(path.replace(".gguf", ".golden"))
    return writer.records


def main():
    folder = sys.argv[1]
    write_golden(write_model(folder, "tiny", 2, random_weights(1, 2)))
    single = random_weights(2, 1)
    records = write_golden(write_model(folder, "tiny_t1", 1, single))
    equal = write_model(folder, "tiny_equal", 2, doubled(single))
    keys, weights, _ = gguf.read(equal)
    logits = ptmoe.Model(keys, weights).forward(TOKENS)
    difference = numpy.abs(logits.ravel() - records["logits"]).max()
    print(f"equal tracks differ from one track by {difference:.1e}")
    if difference > 1e-5:
        sys.exit("tracks with equal weights must equal one track")


if __name__ == "__main__":
    main()
