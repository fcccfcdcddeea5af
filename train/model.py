# SPDX-License-Identifier: Apache-2.0
"""PT-MoE in torch, for training.

T tracks of L layers; every D layers the tracks' hidden states are averaged.
The tracks are the first dimension of every weight and run as one batched
matrix product; all experts are computed as one wide product whose inner
activations are multiplied by the gates, zero for the experts not chosen:
more arithmetic than dispatching, the same result, and faster at this size.
"""
import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional

import fused


@dataclasses.dataclass
class Config:
    vocabulary: int
    tracks: int = 2
    layers: int = 4
    block_depth: int = 2
    hidden: int = 256
    heads: int = 4
    head_width: int = 16
    feed_forward: int = 384
    experts: int = 4
    experts_used: int = 2
    expert_width: int = 192
    window: int = 64
    rms_epsilon: float = 1e-5
    rope_base: float = 500000.0
    logit_cap: float = 50.0

    def is_global(self, layer):
        return layer % 4 == 3

    def is_sparse(self, layer):
        return layer % 2 == 1


def rotate(x, cosine, sine):
    """RoPE on adjacent pairs: (0,1), (2,3), ..."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cosine - odd * sine,
                        even * sine + odd * cosine), -1).flatten(-2)


class Layer(nn.Module):
    """One layer of all tracks: x is [tracks, batch, length, hidden]."""

    def __init__(self, config, number):
        super().__init__()
        c, self.number, self.config = config, number, config
        inner = c.heads * c.head_width

        def matrix(rows, columns, scale=1.0):
            weight = torch.randn(c.tracks, rows, columns)
            return nn.Parameter(weight * scale / math.sqrt(rows))

        def ones(*shape):
            return nn.Parameter(torch.ones(*shape))

        # The branches start small so that the residual path starts clean.
        small = 1.0 / math.sqrt(2 * c.layers)
        self.attn_norm = ones(c.tracks, 1, 1, c.hidden)
        self.qkv = matrix(c.hidden, 3 * inner)
        self.q_norm = ones(c.tracks, 1, 1, 1, c.head_width)
        self.k_norm = ones(c.tracks, 1, 1, 1, c.head_width)
        self.attn_output = matrix(inner, c.hidden, small)
        self.ffn_norm = ones(c.tracks, 1, 1, c.hidden)
        self.sparse = c.is_sparse(number)
        width = c.experts * c.expert_width if self.sparse else c.feed_forward
        self.gate_up = matrix(c.hidden, 2 * width)
        self.down = matrix(width, c.hidden, small)
        if self.sparse:
            self.down.data.mul_(math.sqrt(c.experts))
            self.router = matrix(c.hidden, c.experts)
        self.balance = 0.0

    def forward(self, x, positions, mask, wanted=None):
        """With wanted, the feed-forward half runs for those rows only."""
        x = x + self.attention(x, positions, mask)
        if wanted is not None:
            x = x[:, wanted].unsqueeze(1)
        return x + self.feed_forward(x)

    def attention(self, x, positions, mask):
        c = self.config
        tracks, batch, length, hidden = x.shape
        y = fused.rms(x, self.attn_norm, c.rms_epsilon)
        qkv = torch.bmm(y.view(tracks, -1, hidden), self.qkv)
        q, k, v = qkv.view(tracks, batch, length, 3, c.heads,
                           c.head_width).unbind(3)
        q, k = q.float(), k.float()
        if not c.is_global(self.number):
            q, k = rotate(q, *positions), rotate(k, *positions)
        q = fused.rms(q, self.q_norm, c.rms_epsilon)
        k = fused.rms(k, self.k_norm, c.rms_epsilon)
        q, k, v = (part.transpose(2, 3) for part in (q, k, v))
        scores = torch.matmul(q, k.transpose(-1, -2)).float()
        weights = torch.softmax(scores / math.sqrt(c.head_width) + mask, -1)
        mixed = torch.matmul(weights.to(v.dtype), v)
        mixed = mixed.transpose(2, 3).reshape(tracks, batch * length, -1)
        return torch.bmm(mixed, self.attn_output).view_as(x)

    def feed_forward(self, x):
        tracks, batch, length, hidden = x.shape
        y = fused.rms(x, self.ffn_norm, self.config.rms_epsilon)
        y = y.view(tracks, -1, hidden)
        gates = self.route(y) if self.sparse else None
        inner = fused.swiglu(torch.bmm(y, self.gate_up), gates)
        return torch.bmm(inner, self.down).view_as(x)

    def route(self, y):
        """Gates [tracks, rows, experts]: softmax over all experts, the best
        few renormalised, the others zero."""
        c = self.config
        with torch.cpu.amp.autocast(enabled=False):
            logits = torch.bmm(y.float(), self.router)
            logits = c.logit_cap * torch.tanh(logits / c.logit_cap)
            shares = torch.softmax(logits, -1)
        best, chosen = shares.topk(c.experts_used, -1)
        gates = torch.zeros_like(shares).scatter(
            -1, chosen, best / best.sum(-1, keepdim=True))
        used = (gates > 0).float().mean(1) / c.experts_used
        self.balance = c.experts * (used * shares.mean(1)).sum(-1).mean()
        return gates


class PTMoE(nn.Module):
    def __init__(self, config, longest=512):
        super().__init__()
        self.config = c = config
        self.embedding = nn.Parameter(
            torch.randn(c.vocabulary, c.hidden) * 0.06)
        self.output_norm = nn.Parameter(torch.ones(c.hidden))
        self.layers = nn.ModuleList(Layer(c, n) for n in range(c.layers))
        pair = torch.arange(0, c.head_width, 2) / c.head_width
        angle = torch.arange(longest)[:, None] * c.rope_base ** -pair
        self.cosine = angle.cos()[:, None]          # [length, 1 head, pairs]
        self.sine = angle.sin()[:, None]
        gap = torch.arange(longest)[:, None] - torch.arange(longest)[None]
        never = torch.tensor(-1e9)
        self.mask_global = torch.where(gap >= 0, 0.0, never)
        near = (gap >= 0) & (gap <= c.window)
        self.mask_local = torch.where(near, 0.0, never)

    def forward(self, tokens, wanted=None):
        """Logits [rows, vocabulary] of the wanted positions (a mask like
        tokens), or [batch, length, vocabulary] of all."""
        c, length = self.config, tokens.shape[1]
        positions = self.cosine[:length], self.sine[:length]
        hidden = functional.embedding(tokens, self.embedding)
        for start in range(0, c.layers, c.block_depth):
            x = hidden.unsqueeze(0).expand(c.tracks, -1, -1, -1).contiguous()
            for number in range(start, start + c.block_depth):
                mask = (self.mask_global if c.is_global(number)
                        else self.mask_local)[:length, :length]
                last = number == c.layers - 1
                x = self.layers[number](x, positions, mask,
                                        wanted if last else None)
            hidden = x.float().mean(0)
        hidden = fused.rms(hidden, self.output_norm, c.rms_epsilon)
        logits = functional.linear(hidden, self.embedding)
        return logits if wanted is None else logits[0]

    def balance(self):
        """1 when all experts of all layers are used alike."""
        parts = [layer.balance for layer in self.layers if layer.sparse]
        return sum(parts) / len(parts)
