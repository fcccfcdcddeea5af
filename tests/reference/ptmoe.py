# SPDX-License-Identifier: Apache-2.0
"""PT-MoE, the naive way: the forward pass the engine is compared with.

Written from the definition of the architecture, for reading: one position,
one head, one expert at a time, no cache, no batch, no reordering. Slow on
purpose. Arithmetic is float64 unless a caller asks for float32.

  h = embedding of every token
  for each block of D layers:
    for each track, from the same h, on its own: D layers
    h = mean of the tracks
  logits = rms(h) * output norm, against the embedding
"""
import numpy


class Config:
    """The architecture as a file's metadata states it."""

    def __init__(self, metadata):
        key = lambda name: metadata[f"ptmoe.{name}"]
        self.tracks = key("track_count")
        self.layers = key("block_count")
        self.block_depth = key("track_block_depth")
        self.hidden = key("embedding_length")
        self.heads = key("attention.head_count")
        self.kv_heads = key("attention.head_count_kv")
        self.head_width = key("attention.key_length")
        self.window = key("attention.sliding_window")
        self.attention = key("attention.pattern")
        self.epsilon = key("attention.layer_norm_rms_epsilon")
        self.rope_base = key("rope.freq_base")
        self.feed_forward = key("feed_forward.pattern")
        self.experts = key("expert_count")
        self.experts_used = key("expert_used_count")
        self.logit_cap = key("expert_logit_cap")
        # Layers from here on have no keys and values of their own.
        self.reuse_from = metadata.get("ptmoe.kv_reuse_from", self.layers)
        if key("track_combine") != "mean":
            raise ValueError("tracks are combined by their mean here")


def rms(x, weight, epsilon):
    """x / sqrt(mean of x squared + epsilon), times the weight."""
    return x / numpy.sqrt(numpy.mean(x * x) + epsilon) * weight


def softmax(z):
    e = numpy.exp(z - numpy.max(z))
    return e / numpy.sum(e)


def silu(z):
    return z / (1 + numpy.exp(-z))


def rope(x, position, base):
    """Rotate the pairs (0,1), (2,3), ... of one head by position angles."""
    out = numpy.empty_like(x)
    width = len(x)
    for pair in range(width // 2):
        angle = position * base ** (-2.0 * pair / width)
        cosine, sine = numpy.cos(angle), numpy.sin(angle)
        a, b = x[2 * pair], x[2 * pair + 1]
        out[2 * pair] = a * cosine - b * sine
        out[2 * pair + 1] = a * sine + b * cosine
    return out


def swiglu(y, gate, up, down):
    return down @ (silu(gate @ y) * (up @ y))


def of_one(p):
    """Shares that sum to 1."""
    return p / numpy.sum(p)


def mixture(y, judge, used, share_out, expert, see):
    """Each position's best few experts, weighted."""
    probabilities, chosen, shares, out = [], [], [], []
    for row in y:
        p = judge(row)
        # Ties go to the lower index: a stable sort of what is negated.
        best = numpy.argsort(-p, kind="stable")[:used]
        share = share_out(p[best])
        out.append(sum(s * expert(e, row) for s, e in zip(share, best)))
        probabilities.append(p)
        chosen.append(best)
        shares.append(share)
    see("router", probabilities)
    see("experts", chosen)
    see("expert_weights", shares)
    return out


def nothing(name, values):
    """The default observer."""


class Model:
    def __init__(self, metadata, weights, dtype=numpy.float64):
        self.config = Config(metadata)
        self.weights = {k: v.astype(dtype) for k, v in weights.items()}

    def forward(self, tokens, observe=nothing):
        """Logits [position, vocabulary]; observe(name, array) sees every
        intermediate: "l0.t1.q" is layer 0, track 1."""
        c = self.config
        embedding = self.weights["token_embd.weight"]
        h = embedding[tokens]
        self.kept = {}
        for block in range(c.layers // c.block_depth):
            ends = []
            for track in range(c.tracks):
                x = h
                for depth in range(c.block_depth):
                    layer = block * c.block_depth + depth
                    x = self.layer(layer, track, x, observe)
                ends.append(x)
            h = sum(ends) / c.tracks
            observe(f"b{block}.h", h)
        norm = self.weights["output_norm.weight"]
        logits = numpy.array([embedding @ rms(row, norm, c.epsilon)
                              for row in h])
        observe("logits", logits)
        return logits

    def layer(self, layer, track, x, observe):
        """One layer of one track, all positions."""
        c = self.config
        w = lambda name: self.weights[f"blk.{layer}.trk.{track}.{name}.weight"]
        see = lambda name, values: observe(f"l{layer}.t{track}.{name}",
                                           numpy.array(values))

        y = [rms(row, w("attn_norm"), c.epsilon) for row in x]
        see("attn_norm", y)
        mixed = self.attention(layer, track, w, y, see)
        see("attn_mixed", mixed)
        x = numpy.array([row + w("attn_output") @ m
                         for row, m in zip(x, mixed)])
        see("x_attn", x)

        y = [rms(row, w("ffn_norm"), c.epsilon) for row in x]
        see("ffn_norm", y)
        if c.feed_forward[layer % len(c.feed_forward)] == "dense":
            branch = [swiglu(row, w("ffn_gate"), w("ffn_up"), w("ffn_down"))
                      for row in y]
        else:
            branch = self.mixture(w, y, see)
        x = x + numpy.array(branch)
        see("x_ffn", x)
        return x

    def keys_and_values(self, w, y, local, see):
        c = self.config
        k, v = [], []
        for position, row in enumerate(y):
            k.append(self.project(row, w("attn_k"), w("attn_k_norm"),
                                  position, local))
            v.append((w("attn_v") @ row).reshape(-1, c.head_width))
        see("k", k)
        see("v", v)
        return k, v

    def attention(self, layer, track, w, y, see):
        """Every position's heads side by side, before the output matrix."""
        c = self.config
        local = c.attention[layer % len(c.attention)] == "local"
        q = [self.project(row, w("attn_q"), w("attn_q_norm"), position, local)
             for position, row in enumerate(y)]
        see("q", q)
        if layer < c.reuse_from:
            # What a later layer without its own uses is the last that was.
            self.kept[track] = self.keys_and_values(w, y, local, see)
        k, v = self.kept[track]
        group = c.heads // c.kv_heads
        mixed = []
        for i in range(len(y)):
            heads = []
            for head in range(c.heads):
                shared = head // group
                # The window does not count the token itself: W + 1 keys.
                first = max(0, i - c.window) if local else 0
                keys = range(first, i + 1)
                scores = numpy.array([q[i][head] @ k[j][shared] for j in keys])
                share = softmax(scores / numpy.sqrt(c.head_width))
                heads.append(sum(s * v[j][shared]
                                 for s, j in zip(share, keys)))
            mixed.append(numpy.concatenate(heads))
        return mixed

    def project(self, row, matrix, norm, position, local):
        """Heads of q or k: rotated on local layers, then normalised."""
        c = self.config
        heads = (matrix @ row).reshape(-1, c.head_width)
        if local:
            heads = [rope(head, position, c.rope_base) for head in heads]
        return numpy.array([rms(head, norm, c.epsilon) for head in heads])

    def mixture(self, w, y, see):
        c = self.config

        def judge(row):
            z = w("ffn_gate_inp") @ row
            return softmax(c.logit_cap * numpy.tanh(z / c.logit_cap))

        def expert(e, row):
            return swiglu(row, w("ffn_gate_exps")[e], w("ffn_up_exps")[e],
                          w("ffn_down_exps")[e])

        return mixture(y, judge, c.experts_used, of_one, expert, see)

    def greedy(self, tokens, end, most):
        """Token ids that follow, up to and without the end token."""
        tokens, made = list(tokens), []
        for _ in range(most):
            best = int(numpy.argmax(self.forward(tokens)[-1]))
            if best == end:
                break
            tokens.append(best)
            made.append(best)
        return made
