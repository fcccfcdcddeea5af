# SPDX-License-Identifier: Apache-2.0
"""A checkpoint as a GGUF file, architecture "ptmoe", and back.

usage: export.py CHECKPOINT.pt TOKENIZER.model OUT.gguf

Matrices become Q8_0 where their rows divide into blocks of 32, else F16;
norms and routers stay F32.
"""
import argparse
import dataclasses
import os
import sys

import sentencepiece
import torch

import model as ptmoe

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "tests", "reference"))
import gguf  # noqa: E402  (the one reader and writer of the repository)
import sentencepieces  # noqa: E402

CONTEXT_LENGTH = 512
CHAT_TEMPLATE = ("{{ bos_token }}{{ messages[-1]['content'] | trim | lower }}"
                 "<call>")
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def metadata(config):
    """The architecture's keys, in the order of the format's description."""
    layers = range(config.layers)
    attention = ["global" if config.is_global(n) else "local" for n in layers]
    feed_forward = ["sparse" if config.is_sparse(n) else "dense"
                    for n in layers]
    return {
        "general.architecture": gguf.text("ptmoe"),
        "general.name": gguf.text("home"),
        "general.alignment": gguf.u32(gguf.ALIGNMENT),
        "ptmoe.context_length": gguf.u32(CONTEXT_LENGTH),
        "ptmoe.vocab_size": gguf.u32(config.vocabulary),
        "ptmoe.track_count": gguf.u32(config.tracks),
        "ptmoe.track_block_depth": gguf.u32(config.block_depth),
        "ptmoe.block_count": gguf.u32(config.layers),
        "ptmoe.embedding_length": gguf.u32(config.hidden),
        "ptmoe.attention.head_count": gguf.u32(config.heads),
        "ptmoe.attention.head_count_kv": gguf.u32(config.heads),
        "ptmoe.attention.key_length": gguf.u32(config.head_width),
        "ptmoe.attention.sliding_window": gguf.u32(config.window),
        "ptmoe.attention.pattern": gguf.array(gguf.STRING, attention),
        "ptmoe.attention.layer_norm_rms_epsilon": gguf.f32(config.rms_epsilon),
        "ptmoe.rope.freq_base": gguf.f32(config.rope_base),
        "ptmoe.feed_forward_length": gguf.u32(config.feed_forward),
        "ptmoe.feed_forward.pattern": gguf.array(gguf.STRING, feed_forward),
        "ptmoe.expert_count": gguf.u32(config.experts),
        "ptmoe.expert_used_count": gguf.u32(config.experts_used),
        "ptmoe.expert_feed_forward_length": gguf.u32(config.expert_width),
        "ptmoe.expert_logit_cap": gguf.f32(config.logit_cap),
        "ptmoe.track_combine": gguf.text("mean"),
    }


def tokenizer_metadata(path):
    pieces = sentencepiece.SentencePieceProcessor(model_file=path)
    ids = range(pieces.vocab_size())
    # SentencePiece does not tell which pieces are user-defined; they come
    # before the bytes, and the bytes before what was learned.
    first_byte = next(i for i in ids if pieces.is_byte(i))

    def kind(i):
        if pieces.is_unknown(i):
            return UNKNOWN
        if pieces.is_control(i):
            return CONTROL
        if pieces.is_byte(i):
            return BYTE
        return USER_DEFINED if i < first_byte else NORMAL

    return {
        "tokenizer.ggml.model": gguf.text("llama"),
        "tokenizer.ggml.tokens": gguf.array(
            gguf.STRING, [pieces.id_to_piece(i) for i in ids]),
        "tokenizer.ggml.scores": gguf.array(
            gguf.F32, [pieces.get_score(i) for i in ids]),
        "tokenizer.ggml.token_type": gguf.array(gguf.I32, map(kind, ids)),
        "tokenizer.ggml.bos_token_id": gguf.u32(pieces.bos_id()),
        "tokenizer.ggml.eos_token_id": gguf.u32(pieces.eos_id()),
        "tokenizer.ggml.unknown_token_id": gguf.u32(pieces.unk_id()),
        "tokenizer.ggml.add_bos_token": gguf.boolean(True),
        "tokenizer.ggml.add_space_prefix": gguf.boolean(True),
        "tokenizer.chat_template": gguf.text(CHAT_TEMPLATE),
    }


# -- weights: torch keeps [tracks, in, out]; a file keeps rows of one output --


def track_tensors(config, layer, weights, track):
    """{suffix: array} of one layer of one track."""
    inner = config.heads * config.head_width
    take = lambda name: weights[f"layers.{layer}.{name}"][track].float()
    q, k, v = take("qkv").t().split(inner)
    tensors = {
        "attn_norm": take("attn_norm").flatten(), "attn_q": q, "attn_k": k,
        "attn_v": v, "attn_q_norm": take("q_norm").flatten(),
        "attn_k_norm": take("k_norm").flatten(),
        "attn_output": take("attn_output").t(),
        "ffn_norm": take("ffn_norm").flatten()}
    gate, up = take("gate_up").t().chunk(2)
    down = take("down").t()
    if not config.is_sparse(layer):
        return {**tensors, "ffn_gate": gate, "ffn_up": up, "ffn_down": down}
    shape = config.experts, config.expert_width, config.hidden
    return {**tensors, "ffn_gate_inp": take("router").t(),
            "ffn_gate_exps": gate.reshape(shape),
            "ffn_up_exps": up.reshape(shape),
            "ffn_down_exps": down.reshape(config.hidden, config.experts, -1)
            .permute(1, 0, 2)}


def tensors(config, weights):
    named = {"token_embd.weight": weights["embedding"],
             "output_norm.weight": weights["output_norm"]}
    for layer in range(config.layers):
        for track in range(config.tracks):
            parts = track_tensors(config, layer, weights, track)
            named.update({f"blk.{layer}.trk.{track}.{suffix}.weight": part
                          for suffix, part in parts.items()})
    return {name: (part.float().contiguous().numpy(), tensor_type(name, part))
            for name, part in named.items()}


def tensor_type(name, part):
    if part.dim() == 1 or "ffn_gate_inp" in name:
        return gguf.TENSOR_F32
    whole = part.shape[-1] % gguf.Q8_0_BLOCK == 0
    return gguf.TENSOR_Q8_0 if whole else gguf.TENSOR_F16


def model_from_gguf(path):
    """The torch model with a file's dequantised weights."""
    keys, weights, _ = gguf.read(path)
    key = lambda name: keys[f"ptmoe.{name}"]
    config = ptmoe.Config(
        key("vocab_size"), key("track_count"), key("block_count"),
        key("track_block_depth"), key("embedding_length"),
        key("attention.head_count"), key("attention.key_length"),
        key("feed_forward_length"), key("expert_count"),
        key("expert_used_count"), key("expert_feed_forward_length"),
        key("attention.sliding_window"),
        key("attention.layer_norm_rms_epsilon"), key("rope.freq_base"),
        key("expert_logit_cap"))
    model = ptmoe.PTMoE(config)
    state = {"embedding": torch.tensor(weights["token_embd.weight"]),
             "output_norm": torch.tensor(weights["output_norm.weight"])}
    for layer in range(config.layers):
        stacks = [layer_weights(config, layer, weights, track)
                  for track in range(config.tracks)]
        for name in stacks[0]:
            state[f"layers.{layer}.{name}"] = torch.stack(
                [stack[name] for stack in stacks]).view_as(
                    getattr(model.layers[layer], name))
    model.load_state_dict(state)
    return model


def layer_weights(config, layer, weights, track):
    take = lambda suffix: torch.tensor(
        weights[f"blk.{layer}.trk.{track}.{suffix}.weight"])
    parts = {name: take(source) for name, source in (
        ("attn_norm", "attn_norm"), ("ffn_norm", "ffn_norm"),
        ("q_norm", "attn_q_norm"), ("k_norm", "attn_k_norm"))}
    parts["qkv"] = torch.cat([take(f"attn_{p}") for p in "qkv"]).t()
    parts["attn_output"] = take("attn_output").t()
    if config.is_sparse(layer):
        parts["router"] = take("ffn_gate_inp").t()
        gate, up = (take(f"ffn_{p}_exps").flatten(0, 1) for p in ("gate", "up"))
        down = take("ffn_down_exps").permute(1, 0, 2).flatten(1)
    else:
        gate, up, down = (take(f"ffn_{p}") for p in ("gate", "up", "down"))
    parts["gate_up"] = torch.cat([gate, up]).t()
    parts["down"] = down.t()
    return parts


class FileTokenizer:
    """The tokenizer of a GGUF file, as tokenizer.Tokenizer."""

    def __init__(self, path):
        self.pieces = sentencepieces.Tokenizer(gguf.read(path)[0])
        self.eos = self.pieces.eos

    def prompt(self, request):
        return ([self.pieces.bos]
                + self.pieces.encode(request.strip().lower())
                + [self.pieces.ids["<call>"]])

    def answer(self, call):
        ids = self.pieces.encode(call)
        return ids[self.pieces.pieces[ids[0]] == "\u2581":] + [self.eos]

    def text(self, ids):
        return self.pieces.decode(ids)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("tokenizer")
    parser.add_argument("output")
    parser.add_argument("--weights", default="average",
                        choices=("average", "model"))
    options = parser.parse_args()
    saved = torch.load(options.checkpoint)
    config = ptmoe.Config(**saved["config"])
    size = gguf.write(options.output,
                      {**metadata(config),
                       **tokenizer_metadata(options.tokenizer)},
                      tensors(config, saved[options.weights]))
    print(f"{options.output}: {size} bytes, {dataclasses.asdict(config)}")


if __name__ == "__main__":
    main()
