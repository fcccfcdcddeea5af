# SPDX-License-Identifier: Apache-2.0
"""Tiny random files of ordinary architectures, and what they compute.

usage: make_ordinary.py OUT_FOLDER

For each of the models below, NAME.gguf and NAME.golden.  The files are such
as any engine for GGUF can open.
"""
import collections
import os
import sys

import numpy

import golden
import gguf
import ordinary

VOCABULARY, HIDDEN, CONTEXT = 64, 24, 256
FEED_FORWARD, EXPERTS, EXPERTS_USED, EXPERT_WIDTH = 32, 5, 2, 8
TOKENS = [1, 17, 63, 3, 42, 42, 8, 60, 31, 5, 33, 50]

# So few pairs with such a base that some are between stretched and not.
YARN = {"rope.freq_base": gguf.f32(100.0),
        "rope.scaling.type": gguf.text("yarn"),
        "rope.scaling.factor": gguf.f32(4.0),
        "rope.scaling.original_context_length": gguf.u32(64)}
LINEAR = {"rope.scaling.type": gguf.text("linear"),
          "rope.scaling.factor": gguf.f32(2.5)}
MIXTURE = {"expert_count": gguf.u32(EXPERTS),
           "expert_used_count": gguf.u32(EXPERTS_USED)}

# Of olmoe, files have as many key-value heads as heads; of qwen2, heads that
# are together as wide as the hidden state.
Shape = collections.namedtuple(
    "Shape", "architecture layers heads kv_heads width tied keys")
MODELS = {
    "llama": Shape("llama", 2, 4, 2, 6, True, {}),
    "llama_factors": Shape("llama", 1, 4, 2, 6, False, {}),
    "llama_linear": Shape("llama", 1, 4, 2, 6, False, LINEAR),
    "llama_yarn": Shape("llama", 1, 2, 2, 16, False, YARN),
    "mixtral": Shape("llama", 2, 4, 2, 6, False, MIXTURE),
    "qwen2": Shape("qwen2", 2, 4, 2, 6, False, {}),
    "qwen2_yarn": Shape("qwen2", 1, 2, 1, 12, True, {
        **YARN, "rope.scaling.attn_factor": gguf.f32(1.25)}),
    "qwen3": Shape("qwen3", 2, 4, 2, 8, False, {}),
    "qwen3moe": Shape("qwen3moe", 2, 4, 2, 8, False, {
        **MIXTURE, "expert_feed_forward_length": gguf.u32(EXPERT_WIDTH)}),
    "olmoe": Shape("olmoe", 2, 4, 4, 6, False, MIXTURE),
}


def vocabulary():
    """Byte-level BPE: two control tokens, a line feed, some letters, and
    merges of the first of them with the others."""
    letters = [chr(ord("A") + i) for i in range(30)]
    merges = [("A", letter) for letter in letters]
    pieces = ["<s>", "</s>", "\u010a", "\u0120", *letters,
              *(a + b for a, b in merges)]
    kinds = [3, 3] + [1] * (VOCABULARY - 2)
    assert len(pieces) == VOCABULARY
    return {
        "tokenizer.ggml.model": gguf.text("gpt2"),
        "tokenizer.ggml.pre": gguf.text("gpt-2"),
        "tokenizer.ggml.tokens": gguf.array(gguf.STRING, pieces),
        "tokenizer.ggml.token_type": gguf.array(gguf.I32, kinds),
        "tokenizer.ggml.merges": gguf.array(
            gguf.STRING, [f"{a} {b}" for a, b in merges]),
        "tokenizer.ggml.bos_token_id": gguf.u32(0),
        "tokenizer.ggml.eos_token_id": gguf.u32(1),
    }


def feed_forward(name):
    # Without a width of their own, experts are as wide as it says here.
    return EXPERT_WIDTH if name in ("olmoe", "mixtral") else FEED_FORWARD


def metadata(name):
    shape = MODELS[name]
    keys = {
        "vocab_size": gguf.u32(VOCABULARY),
        "context_length": gguf.u32(CONTEXT),
        "embedding_length": gguf.u32(HIDDEN),
        "block_count": gguf.u32(shape.layers),
        "feed_forward_length": gguf.u32(feed_forward(name)),
        "rope.dimension_count": gguf.u32(shape.width),
        "rope.freq_base": gguf.f32(10000.0),
        "attention.head_count": gguf.u32(shape.heads),
        "attention.head_count_kv": gguf.u32(shape.kv_heads),
        "attention.key_length": gguf.u32(shape.width),
        "attention.value_length": gguf.u32(shape.width),
        "attention.layer_norm_rms_epsilon": gguf.f32(1e-5),
        **shape.keys}
    return {"general.architecture": gguf.text(shape.architecture),
            "general.name": gguf.text(name),
            **{f"{shape.architecture}.{key}": value
               for key, value in keys.items()},
            **vocabulary()}


class Tensors:
    """Random ones, large enough that every one of them visibly matters."""

    def __init__(self, seed):
        self.rng = numpy.random.default_rng(seed)

    def matrix(self, *shape):
        return self.rng.normal(0, 1.3 / numpy.sqrt(shape[-1]), shape)

    def norm(self, width):
        return self.rng.uniform(0.5, 1.5, width)

    def bias(self, width):
        return self.rng.normal(0, 0.5, width)


def attention_tensors(make, shape):
    width, query = shape.width, shape.heads * shape.width
    kv = shape.kv_heads * width
    tensors = {
        "attn_norm.weight": make.norm(HIDDEN),
        "attn_q.weight": make.matrix(query, HIDDEN),
        "attn_k.weight": make.matrix(kv, HIDDEN),
        "attn_v.weight": make.matrix(kv, HIDDEN),
        "attn_output.weight": make.matrix(HIDDEN, query)}
    if shape.architecture == "qwen2":
        tensors["attn_q.bias"] = make.bias(query)
        tensors["attn_k.bias"] = make.bias(kv)
        tensors["attn_v.bias"] = make.bias(kv)
    if shape.architecture in ("qwen3", "qwen3moe"):
        tensors["attn_q_norm.weight"] = make.norm(width)
        tensors["attn_k_norm.weight"] = make.norm(width)
    if shape.architecture == "olmoe":
        tensors["attn_q_norm.weight"] = make.norm(query)
        tensors["attn_k_norm.weight"] = make.norm(kv)
    return tensors


def feed_forward_tensors(make, shape):
    norm = {"ffn_norm.weight": make.norm(HIDDEN)}
    if "expert_count" not in shape.keys:
        return {**norm,
                "ffn_gate.weight": make.matrix(FEED_FORWARD, HIDDEN),
                "ffn_up.weight": make.matrix(FEED_FORWARD, HIDDEN),
                "ffn_down.weight": make.matrix(HIDDEN, FEED_FORWARD)}
    inward = (EXPERTS, EXPERT_WIDTH, HIDDEN)
    return {**norm,
            "ffn_gate_inp.weight": make.matrix(EXPERTS, HIDDEN),
            "ffn_gate_exps.weight": make.matrix(*inward),
            "ffn_up_exps.weight": make.matrix(*inward),
            "ffn_down_exps.weight": make.matrix(EXPERTS, HIDDEN, EXPERT_WIDTH)}


def tensors(name, seed):
    make = Tensors(seed)
    shape = MODELS[name]
    made = {"token_embd.weight": make.rng.normal(0, 1, (VOCABULARY, HIDDEN)),
            "output_norm.weight": make.norm(HIDDEN)}
    if not shape.tied:
        made["output.weight"] = make.matrix(VOCABULARY, HIDDEN)
    if name == "llama_factors":
        made["rope_freqs.weight"] = numpy.linspace(1, 8, shape.width // 2)
    for layer in range(shape.layers):
        for suffix, values in {**attention_tensors(make, shape),
                               **feed_forward_tensors(make, shape)}.items():
            made[f"blk.{layer}.{suffix}"] = values
    return {key: (values.astype(numpy.float32), gguf.TENSOR_F32)
            for key, values in made.items()}


def write_golden(path):
    """Every intermediate of the file's model, as read back from it."""
    keys, weights, _ = gguf.read(path)
    writer = golden.Writer()
    writer("tokens", TOKENS)
    ordinary.Model(keys, weights).forward(TOKENS, writer)
    writer.save(path.replace(".gguf", ".golden"))
    return len(writer.records)


def main():
    for seed, name in enumerate(MODELS):
        path = os.path.join(sys.argv[1], f"{name}.gguf")
        size = gguf.write(path, metadata(name), tensors(name, seed))
        print(f"{name}: {size} bytes, {write_golden(path)} records")


if __name__ == "__main__":
    main()
