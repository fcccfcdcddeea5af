# SPDX-License-Identifier: Apache-2.0
"""Train the home model.

usage: train.py REQUESTS.jsonl TOKENIZER.model OUT_FOLDER --minutes M [...]

The learning rate follows the clock, not a step count, so a run ends when it
should on a busy machine too; a checkpoint with averaged weights every few
minutes is a usable model if the run is cut short.
"""
import argparse
import dataclasses
import json
import os
import time

import numpy
import torch
from torch.nn import functional

import model as ptmoe
import tokenizer as pieces

BUCKET = 64              # batches sorted by length together, to pad little


class Requests:
    """All requests as token ids: one flat array and where each begins."""

    def __init__(self, path, tokenizer, longest, seed):
        cache = f"{path}.{tokenizer.size}.npz"
        if not os.path.exists(cache):
            self._encode(path, tokenizer, cache, longest)
        data = numpy.load(cache)
        self.ids, self.start, self.prompt = (
            data["ids"], data["start"], data["prompt"])
        self.count = len(self.prompt)
        self.rng = numpy.random.default_rng(seed)

    @staticmethod
    def _encode(path, tokenizer, cache, longest):
        ids, start, prompt = [], [0], []
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                request = json.loads(line)
                question = tokenizer.prompt(request["request"])
                answer = tokenizer.answer(request["call"])
                if len(question) + len(answer) > longest:
                    continue
                ids.extend(question + answer)
                start.append(len(ids))
                prompt.append(len(question))
        numpy.savez(cache, ids=numpy.array(ids, numpy.int16),
                    start=numpy.array(start, numpy.int64),
                    prompt=numpy.array(prompt, numpy.int16))

    def batches(self, size):
        """(tokens [batch, length], targets, wanted) without end, shuffled."""
        if self.count < size * BUCKET:
            raise ValueError(f"{self.count} requests are too few")
        while True:
            order = self.rng.permutation(self.count)
            length = self.start[1:] - self.start[:-1]
            step = size * BUCKET
            for at in range(0, self.count - step + 1, step):
                group = order[at:at + step]
                group = group[numpy.argsort(length[group], kind="stable")]
                for row in self.rng.permutation(BUCKET):
                    yield self._batch(group[row * size:(row + 1) * size])

    def _batch(self, chosen):
        width = max(self.start[i + 1] - self.start[i] for i in chosen)
        tokens = numpy.zeros((len(chosen), width), numpy.int64)
        wanted = numpy.zeros((len(chosen), width - 1), bool)
        for row, i in enumerate(chosen):
            ids = self.ids[self.start[i]:self.start[i + 1]]
            tokens[row, :len(ids)] = ids
            # Only the answer is learned: <call> predicts its first piece.
            wanted[row, self.prompt[i] - 1:len(ids) - 1] = True
        tokens = torch.from_numpy(tokens)
        return tokens[:, :-1], tokens[:, 1:], torch.from_numpy(wanted)


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix steps are orthogonalised (Jordan et al., 2024):
    all directions of a weight learn equally fast. For stacks of matrices
    [tracks, rows, columns]."""

    def __init__(self, parameters, rate, momentum=0.95):
        super().__init__(parameters, {"lr": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state["average"] = torch.zeros_like(weight)
                average = state["average"]
                average.lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(average, group["momentum"])
                update = orthogonal(update)
                rows, columns = weight.shape[-2:]
                scale = max(1.0, columns / rows) ** 0.5
                weight.mul_(1 - group["lr"] * 0.02)
                weight.add_(update, alpha=-group["lr"] * scale)


def orthogonal(update, steps=5):
    """Nearly the orthogonal factor, by Newton-Schulz iterations in bf16."""
    x = update.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.transpose(-1, -2)
    x = x / (x.float().norm(dim=(-2, -1), keepdim=True) + 1e-7).bfloat16()
    for _ in range(steps):
        square = torch.bmm(x, x.transpose(-1, -2))
        inner = torch.baddbmm(square, square, square, beta=-4.7750,
                              alpha=2.0315)
        x = torch.baddbmm(x, inner, x, beta=3.4445)
    return (x.transpose(-1, -2) if tall else x).float()


def optimizers(model, rate):
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        kind = name.split(".")[-1]
        is_matrix = parameter.dim() == 3 and kind != "router"
        (matrices if is_matrix else others).append(parameter)
    return (Muon(matrices, rate),
            torch.optim.AdamW(others, rate * 0.15, betas=(0.9, 0.98),
                              weight_decay=0.0))


def schedule(progress, step):
    """Warm up, stay, then fall linearly over the last 60 % of the time."""
    return min(1.0, (step + 1) / 150) * min(1.0, (1.01 - progress) / 0.6)


def loss_of(model, batch):
    tokens, targets, wanted = batch
    with torch.cpu.amp.autocast(dtype=torch.bfloat16):
        logits = model(tokens, wanted)
    loss = functional.cross_entropy(logits.float(), targets[wanted])
    return loss, loss + 0.01 * model.balance()


class Average:
    """A running mean of the weights: better than the last ones while the
    learning rate is still high."""

    def __init__(self, model, keep=0.998):
        self.keep = keep
        self.weights = {k: v.detach().clone()
                        for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model, step):
        keep = min(self.keep, step / (step + 10))
        for name, weight in model.state_dict().items():
            self.weights[name].lerp_(weight, 1 - keep)


def save(path, model, average, config, facts):
    torch.save({"model": model.state_dict(), "average": average.weights,
                "config": dataclasses.asdict(config), "facts": facts},
               path + ".part")
    os.replace(path + ".part", path)


def train(model, config, requests, options):
    average = Average(model)
    parts = optimizers(model, options.rate)
    rates = [part.param_groups[0]["lr"] for part in parts]
    begin, spent = time.time(), time.process_time()
    seen, step, mean, saved = 0, 0, None, begin
    for step, batch in enumerate(requests.batches(options.batch)):
        progress = (time.time() - begin) / (60 * options.minutes)
        if progress >= 1 or step == options.steps:
            break
        for part, rate in zip(parts, rates):
            part.param_groups[0]["lr"] = rate * schedule(progress, step)
        loss, total = loss_of(model, batch)
        for part in parts:
            part.zero_grad(set_to_none=True)
        total.backward()
        for part in parts:
            part.step()
        if step % 4 == 0:
            average.update(model, step // 4)
        seen += int((batch[0] != 0).sum())
        value = loss.item()
        mean = value if mean is None else 0.98 * mean + 0.02 * value
        now = time.time()
        if step % 50 == 49:
            print(f"step {step + 1} loss {mean:.4f} tokens {seen / 1e6:.2f}M "
                  f"{seen / (now - begin):.0f}/s "
                  f"{seen / (time.process_time() - spent):.0f}/cpu-s "
                  f"balance {float(model.balance()):.3f} "
                  f"seconds {now - begin:.0f}", flush=True)
        if now - saved > 60 * options.checkpoint_minutes:
            save(f"{options.folder}/checkpoint.pt", model, average, config,
                 facts(options, seen, step, now - begin))
            saved = now
    save(f"{options.folder}/final.pt", model, average, config,
         facts(options, seen, step, time.time() - begin))


def facts(options, seen, step, seconds):
    return {"tokens": seen, "steps": step, "seconds": round(seconds),
            "seed": options.seed, "batch": options.batch, "rate": options.rate}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("requests")
    parser.add_argument("tokenizer")
    parser.add_argument("folder")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--steps", type=int, default=-1)
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checkpoint-minutes", type=float, default=10)
    parser.add_argument("--warm-start", help="checkpoint of an earlier stage")
    parser.add_argument("--shape", default="{}",
                        help="JSON that overrides fields of model.Config")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(2)
    os.makedirs(options.folder, exist_ok=True)
    tokenizer = pieces.Tokenizer(options.tokenizer)
    config = ptmoe.Config(tokenizer.size, **json.loads(options.shape))
    model = ptmoe.PTMoE(config)
    if options.warm_start:
        model.load_state_dict(torch.load(options.warm_start)["model"])
    requests = Requests(options.requests, tokenizer, 120, options.seed)
    count = sum(p.numel() for p in model.parameters())
    print(f"{count} weights, {requests.count} requests, "
          f"{requests.start[-1]} tokens", config, flush=True)
    train(model, config, requests, options)


if __name__ == "__main__":
    main()
