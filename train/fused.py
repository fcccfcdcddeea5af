# SPDX-License-Identifier: Apache-2.0
"""RMS norm and SwiGLU for training, in kernels.c where a compiler is at hand.

usage: fused.py          compares the kernels with the plain versions
"""
import ctypes
import os
import subprocess
import tempfile

import torch

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels.c")


def _build():
    """The compiled kernels, or None: then torch does all."""
    path = os.path.join(tempfile.mkdtemp(), "kernels.so")
    try:
        subprocess.run(["cc", "-O3", "-march=native", "-ffast-math", "-fopenmp",
                        "-shared", "-fPIC", SOURCE, "-o", path], check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return ctypes.CDLL(path)


KERNELS = _build()


def _at(tensor):
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


# -- plain ------------------------------------------------------------------


def plain_rms(x, weight, epsilon):
    """x [..., width]; weight broadcasts."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * weight


def plain_swiglu(gate_up, gates):
    """[..., 2 width] to [..., width]; gates [..., experts] or None."""
    a, b = gate_up.chunk(2, -1)
    inner = torch.nn.functional.silu(a) * b
    if gates is None:
        return inner
    inner = inner.view(*gates.shape, -1) * gates.unsqueeze(-1).to(inner.dtype)
    return inner.flatten(-2)


# -- fused ------------------------------------------------------------------


class FusedRms(torch.autograd.Function):
    """The tracks come first: weight has one row for each, or one in all."""

    @staticmethod
    def forward(context, x, weight, epsilon):
        x = x.contiguous()
        width = x.shape[-1]
        rows, weights = x.numel() // width, weight.numel() // width
        out, scale = torch.empty_like(x), x.new_empty(rows)
        KERNELS.rms_forward(
            _at(x), _at(weight), _at(out), _at(scale), ctypes.c_long(rows),
            ctypes.c_long(width), ctypes.c_long(rows // weights),
            ctypes.c_float(epsilon))
        context.save_for_backward(x, weight, scale)
        return out

    @staticmethod
    def backward(context, gradient):
        x, weight, scale = context.saved_tensors
        gradient, width = gradient.float().contiguous(), x.shape[-1]
        rows, weights = x.numel() // width, weight.numel() // width
        for_x, partial = torch.empty_like(x), x.new_zeros(weights, 2, width)
        KERNELS.rms_backward(
            _at(gradient), _at(x), _at(scale), _at(weight), _at(for_x),
            _at(partial), ctypes.c_long(rows), ctypes.c_long(width),
            ctypes.c_long(rows // weights))
        return for_x, partial.sum(1).view_as(weight), None


class FusedSwiglu(torch.autograd.Function):
    @staticmethod
    def forward(context, gate_up, gates):
        gate_up = gate_up.contiguous()
        width = gate_up.shape[-1] // 2
        rows = gate_up.numel() // (2 * width)
        expert_width = width // (1 if gates is None else gates.shape[-1])
        gates = None if gates is None else gates.contiguous()
        out = gate_up.new_empty(*gate_up.shape[:-1], width)
        KERNELS.swiglu_forward(
            _at(gate_up), _at(gates), _at(out), ctypes.c_long(rows),
            ctypes.c_long(width), ctypes.c_long(expert_width))
        context.save_for_backward(gate_up, gates)
        return out

    @staticmethod
    def backward(context, gradient):
        gate_up, gates = context.saved_tensors
        gradient, width = gradient.contiguous(), gate_up.shape[-1] // 2
        rows = gate_up.numel() // (2 * width)
        expert_width = width // (1 if gates is None else gates.shape[-1])
        for_in = torch.empty_like(gate_up)
        for_gates = None if gates is None else torch.zeros_like(gates)
        KERNELS.swiglu_backward(
            _at(gradient), _at(gate_up), _at(gates), _at(for_in),
            _at(for_gates), ctypes.c_long(rows), ctypes.c_long(width),
            ctypes.c_long(expert_width))
        return for_in, for_gates


def rms(x, weight, epsilon):
    if KERNELS is None or x.dtype != torch.float32:
        return plain_rms(x, weight, epsilon)
    return FusedRms.apply(x, weight, epsilon)


def swiglu(gate_up, gates=None):
    if KERNELS is None or gate_up.dtype != torch.bfloat16:
        return plain_swiglu(gate_up, gates)
    return FusedSwiglu.apply(gate_up, gates)


# -- comparison -------------------------------------------------------------


def _close(fused, plain, inputs, tolerance):
    """Outputs and all gradients agree relative to their size."""
    results = []
    for function in (fused, plain):
        leaves = [t.clone().requires_grad_() for t in inputs]
        out = function(*leaves)
        weights = torch.linspace(-1, 1, out.numel()).view_as(out)
        (out.float() * weights).sum().backward()
        results.append([out.detach()] + [leaf.grad for leaf in leaves])
    for one, other in zip(*results):
        difference = (one.float() - other.float()).abs().max()
        assert difference <= tolerance * other.float().abs().max(), difference


def main():
    torch.manual_seed(1)
    x, weight = torch.randn(2, 3, 5, 4, 16), torch.rand(2, 1, 1, 1, 16)
    epsilon = 1e-5
    _close(lambda a, w: FusedRms.apply(a, w, epsilon),
           lambda a, w: plain_rms(a, w, epsilon), (x, weight), 1e-5)
    gate_up = torch.randn(2, 7, 2 * 4 * 24).bfloat16()
    # All gates open: the kernel gives closed ones no gradient, on purpose.
    gates = torch.rand(2, 7, 4) + 0.1
    _close(FusedSwiglu.apply, plain_swiglu, (gate_up, gates), 2e-2)
    print("kernels agree with the plain versions")


if __name__ == "__main__":
    main()
