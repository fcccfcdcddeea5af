# SPDX-License-Identifier: Apache-2.0
"""The reference checks itself.

usage: check.py FOLDER       (where make_tiny.py wrote its files)
"""
import os
import sys

import numpy

import golden
import gguf
import make_ordinary
import make_tiny
import ordinary
import ptmoe


def load(folder, name, dtype=numpy.float64):
    keys, weights, _ = gguf.read(os.path.join(folder, name))
    return ptmoe.Model(keys, weights, dtype)


def golden_files_are_what_the_model_computes(folder):
    for name in ("tiny", "tiny_t1", "tiny_reuse"):
        seen = golden.Writer()
        stored = golden.load(os.path.join(folder, f"{name}.golden"))
        tokens = stored["tokens"].astype(int)
        load(folder, f"{name}.gguf").forward(tokens, seen)
        assert set(stored) == set(seen.records) | {"tokens"}
        for record, values in seen.records.items():
            assert numpy.allclose(values, stored[record], 1e-6, 1e-6), record


def llama_cpp_agrees(folder):
    folder = os.path.join(folder, "ordinary")
    peer = golden.load(os.path.join(folder, "peer.golden"))
    for name in make_ordinary.MODELS:
        keys, weights, _ = gguf.read(os.path.join(folder, f"{name}.gguf"))
        tokens = peer[f"{name}.tokens"].astype(int)
        logits = ordinary.Model(keys, weights).forward(tokens)
        first = int(peer[f"{name}.prompt"][0]) - 1
        difference = numpy.abs(logits[first:].ravel() - peer[f"{name}.logits"])
        assert difference.max() < 1e-4, name


def equal_tracks_are_one_track(folder):
    one = load(folder, "tiny_t1.gguf").forward(make_tiny.TOKENS)
    two = load(folder, "tiny_equal.gguf").forward(make_tiny.TOKENS)
    assert numpy.allclose(one, two, 1e-12, 1e-12)


def float32_is_close_to_float64(folder):
    wide = load(folder, "tiny.gguf").forward(make_tiny.TOKENS)
    narrow = load(folder, "tiny.gguf", numpy.float32).forward(make_tiny.TOKENS)
    assert numpy.abs(wide - narrow).max() < 1e-4 * numpy.abs(wide).max()


def later_tokens_change_no_earlier_logits(folder):
    model = load(folder, "tiny.gguf")
    whole = model.forward(make_tiny.TOKENS)
    part = model.forward(make_tiny.TOKENS[:7])
    assert numpy.allclose(whole[:7], part, 1e-12, 1e-12)


def local_layers_forget_beyond_the_window(folder):
    """With every layer local, a token out of all windows' reach has no say."""
    model = load(folder, "tiny.gguf")
    model.config.attention = ["local"]
    model.config.window = 2
    tokens = make_tiny.TOKENS
    reach = model.config.window * model.config.layers
    other = [(tokens[0] + 1) % make_tiny.VOCABULARY] + tokens[1:]
    first, second = model.forward(tokens), model.forward(other)
    assert numpy.array_equal(first[reach + 1:], second[reach + 1:])
    assert not numpy.array_equal(first[reach], second[reach])


def q8_0_keeps_what_it_can(_):
    values = numpy.random.default_rng(3).normal(0, 1, (5, 64))
    values = values.astype(numpy.float32)
    back = gguf.dequantise_q8_0(gguf.quantise_q8_0(values), values.shape)
    step = numpy.abs(values.reshape(-1, 32)).max(1) / 127
    error = numpy.abs(values - back).reshape(-1, 32).max(1)
    assert (error <= 0.51 * step + 1e-3 * step * 127).all()
    zero = numpy.zeros((1, 32), numpy.float32)
    assert not gguf.dequantise_q8_0(gguf.quantise_q8_0(zero), zero.shape).any()


CHECKS = (golden_files_are_what_the_model_computes, llama_cpp_agrees,
          equal_tracks_are_one_track,
          float32_is_close_to_float64, later_tokens_change_no_earlier_logits,
          local_layers_forget_beyond_the_window, q8_0_keeps_what_it_can)


def main():
    for check in CHECKS:
        check(sys.argv[1])
        print("ok", check.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
