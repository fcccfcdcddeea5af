# SPDX-License-Identifier: Apache-2.0
"""Ordinary transformers, the naive way: what the engine is compared with.

Written from what was published of each architecture, for reading: one
position, one head, one expert at a time, no cache, float64.

  x = embedding of every token
  for each layer:  x += attention(rms(x));  x += feed_forward(rms(x))
  logits = rms(x) against the output matrix, or the embedding where tied

What differs between architectures:

  llama     pairs (0,1), (2,3), ... turn; with experts, their shares sum to 1
  qwen2     q, k, v have biases; pair i is (i, i + width/2), as in all below
  qwen3     every head of q and k is normalised before it turns
  qwen3moe  the same; the shares of the chosen experts are made to sum to 1
  olmoe     q and k are normalised across all heads before they turn; shares
            of experts are their probabilities among all experts
"""
import math

import numpy

from ptmoe import mixture, nothing, of_one, rms, softmax, swiglu


class Config:
    def __init__(self, metadata):
        self.name = metadata["general.architecture"]
        key = lambda name, *other: metadata.get(f"{self.name}.{name}", *other)
        self.layers = key("block_count")
        self.heads = key("attention.head_count")
        self.kv_heads = key("attention.head_count_kv", self.heads)
        self.width = key("attention.key_length",
                         key("embedding_length") // self.heads)
        self.epsilon = key("attention.layer_norm_rms_epsilon")
        self.rope_base = key("rope.freq_base", 10000.0)
        self.context = key("context_length")
        self.scaling = key("rope.scaling.type", "linear")
        self.factor = key("rope.scaling.factor", 1.0)
        self.first_context = key("rope.scaling.original_context_length",
                                 self.context)
        self.attention_factor = key("rope.scaling.attn_factor", 1.0)
        self.experts_used = key("expert_used_count", 0)


def linear_frequencies(c):
    return [c.rope_base ** (-2.0 * pair / c.width) / c.factor
            for pair in range(c.width // 2)]


def yarn_frequencies(c):
    """arXiv 2309.00071: wavelengths that fit the first context often enough
    are left alone, those that never fit it are stretched."""
    def pair_that_turns(times):
        return (c.width / 2 * math.log(c.first_context / (times * 2 * math.pi))
                / math.log(c.rope_base))

    low = max(math.floor(pair_that_turns(32)), 0)
    high = min(math.ceil(pair_that_turns(1)), c.width - 1)
    out = []
    for pair in range(c.width // 2):
        frequency = c.rope_base ** (-2.0 * pair / c.width)
        ramp = (pair - low) / max(high - low, 0.001)
        kept = 1 - min(max(ramp, 0), 1)
        out.append(frequency / c.factor * (1 - kept) + frequency * kept)
    return out


class Rope:
    def __init__(self, config, factors):
        yarn = config.scaling == "yarn"
        frequencies = (yarn_frequencies if yarn else linear_frequencies)(config)
        self.frequencies = numpy.array(frequencies) / factors
        self.gain = config.attention_factor
        if yarn:
            self.gain *= 0.1 * math.log(config.factor) + 1
        self.halves = config.name != "llama"

    def turn(self, x, position):
        """One head, each pair by its angle."""
        out = numpy.empty_like(x)
        pairs = len(x) // 2
        for pair in range(pairs):
            a, b = ((pair, pair + pairs) if self.halves
                    else (2 * pair, 2 * pair + 1))
            angle = position * self.frequencies[pair]
            cosine = self.gain * math.cos(angle)
            sine = self.gain * math.sin(angle)
            out[a] = x[a] * cosine - x[b] * sine
            out[b] = x[a] * sine + x[b] * cosine
        return out


class Model:
    def __init__(self, metadata, weights):
        self.config = Config(metadata)
        self.weights = {k: v.astype(numpy.float64) for k, v in weights.items()}
        self.rope = Rope(self.config, self.weights.get(
            "rope_freqs.weight", numpy.ones(self.config.width // 2)))

    def forward(self, tokens, observe=nothing):
        """Logits [position, vocabulary]; observe as in ptmoe.py: there is one
        track, number 0, and one block."""
        c = self.config
        embedding = self.weights["token_embd.weight"]
        x = embedding[tokens]
        for layer in range(c.layers):
            x = self.layer(layer, x, observe)
        observe("b0.h", x)
        norm = self.weights["output_norm.weight"]
        head = self.weights.get("output.weight", embedding)
        logits = numpy.array([head @ rms(row, norm, c.epsilon) for row in x])
        observe("logits", logits)
        return logits

    def layer(self, layer, x, observe):
        c = self.config
        w = lambda name: self.weights[f"blk.{layer}.{name}"]
        see = lambda name, values: observe(f"l{layer}.t0.{name}",
                                           numpy.array(values))

        y = [rms(row, w("attn_norm.weight"), c.epsilon) for row in x]
        see("attn_norm", y)
        mixed = self.attention(w, y, see)
        see("attn_mixed", mixed)
        x = numpy.array([row + w("attn_output.weight") @ m
                         for row, m in zip(x, mixed)])
        see("x_attn", x)

        y = [rms(row, w("ffn_norm.weight"), c.epsilon) for row in x]
        see("ffn_norm", y)
        if f"blk.{layer}.ffn_gate_inp.weight" in self.weights:
            branch = self.mixture(w, y, see)
        else:
            branch = [swiglu(row, w("ffn_gate.weight"), w("ffn_up.weight"),
                             w("ffn_down.weight")) for row in y]
        x = x + numpy.array(branch)
        see("x_ffn", x)
        return x

    def heads(self, w, name, row):
        """One position's q or k, as heads, not yet turned."""
        c = self.config
        values = w(f"attn_{name}.weight") @ row
        if c.name == "qwen2":
            values = values + w(f"attn_{name}.bias")
        if c.name == "olmoe":
            values = rms(values, w(f"attn_{name}_norm.weight"), c.epsilon)
        heads = values.reshape(-1, c.width)
        if c.name in ("qwen3", "qwen3moe"):
            heads = [rms(head, w(f"attn_{name}_norm.weight"), c.epsilon)
                     for head in heads]
        return heads

    def attention(self, w, y, see):
        c = self.config
        q, k, v = [], [], []
        for position, row in enumerate(y):
            q.append([self.rope.turn(head, position)
                      for head in self.heads(w, "q", row)])
            k.append([self.rope.turn(head, position)
                      for head in self.heads(w, "k", row)])
            values = w("attn_v.weight") @ row
            if c.name == "qwen2":
                values = values + w("attn_v.bias")
            v.append(values.reshape(-1, c.width))
        see("q", q)
        see("k", k)
        see("v", v)
        mixed = []
        for i in range(len(y)):
            heads = []
            for head in range(c.heads):
                shared = head // (c.heads // c.kv_heads)
                scores = numpy.array([q[i][head] @ k[j][shared]
                                      for j in range(i + 1)])
                share = softmax(scores / math.sqrt(c.width))
                heads.append(sum(share[j] * v[j][shared]
                                 for j in range(i + 1)))
            mixed.append(numpy.concatenate(heads))
        return mixed

    def mixture(self, w, y, see):
        c = self.config

        def judge(row):
            return softmax(w("ffn_gate_inp.weight") @ row)

        def share_out(p):
            return p if c.name == "olmoe" else of_one(p)

        def expert(e, row):
            return swiglu(row, w("ffn_gate_exps.weight")[e],
                          w("ffn_up_exps.weight")[e],
                          w("ffn_down_exps.weight")[e])

        return mixture(y, judge, c.experts_used, share_out, expert, see)
