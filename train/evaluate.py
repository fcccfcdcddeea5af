# SPDX-License-Identifier: Apache-2.0
"""Right calls on gold utterances: greedy, unconstrained, per language.

usage: evaluate.py HA_INTENTS MODEL [--tokenizer FILE] [--errors FILE] ...

MODEL is an exported GGUF file, whose own tokenizer and dequantised weights
are then what is judged, or a checkpoint (its averaged weights count), which
needs the tokenizer's file.
"""
import argparse
import json
import random
import time

import torch

import export
import gold
import model as ptmoe
import tokenizer as pieces

ANSWER_MOST = 70


def load(path, tokenizer_path):
    """(model, tokenizer)"""
    if path.endswith(".gguf"):
        return export.model_from_gguf(path), export.FileTokenizer(path)
    saved = torch.load(path)
    model = ptmoe.PTMoE(ptmoe.Config(**saved["config"]))
    model.load_state_dict(saved["average"])
    return model, pieces.Tokenizer(tokenizer_path)


@torch.no_grad()
def best_next(model, rows):
    """For every row of ids, the best next token at each of its positions."""
    tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for at, row in enumerate(rows):
        tokens[at, :len(row)] = torch.tensor(row)
    best = model(tokens).argmax(-1)
    return [line[:len(row)] for line, row in zip(best.tolist(), rows)]


def answer(model, tokenizer, requests, guesses):
    """The greedy answer to each request, as text.

    The guesses only save time: one pass tells how far the model agrees with
    a guess, and it writes on from there. Any guess gives the same answer.
    """
    prompts = [tokenizer.prompt(request) for request in requests]
    rows = [prompt + tokenizer.answer(guess)
            for prompt, guess in zip(prompts, guesses)]
    for at, best in enumerate(best_next(model, rows)):
        row, end = rows[at], len(prompts[at])
        while end < len(row) and best[end - 1] == row[end]:
            end += 1
        rows[at] = row[:end] if end == len(row) else row[:end] + [best[end - 1]]
    for _ in range(ANSWER_MOST):
        still = [row for row in rows if row[-1] != tokenizer.eos]
        if not still:
            break
        for row, best in zip(still, best_next(model, still)):
            row.append(best[-1])
    return [tokenizer.text(row[len(prompt):])
            for row, prompt in zip(rows, prompts)]


def guess(utterance):
    """The gold call as the model would spell it."""
    slots = {key: value[0] if isinstance(value, list) else value
             for key, value in utterance["slots"].items()}
    return gold.call_text(utterance["intent"], {
        key: value.lower() if isinstance(value, str) else value
        for key, value in slots.items()})


def evaluate_language(model, tokenizer, utterances, batch=96):
    """(counts, wrong answers)"""
    counts, wrong = {"n": 0, "valid": 0, "intent": 0, "exact": 0}, []
    order = sorted(utterances, key=lambda u: len(u["text"]))
    for at in range(0, len(order), batch):
        group = order[at:at + batch]
        outputs = answer(model, tokenizer, [u["text"] for u in group],
                         [guess(u) for u in group])
        for utterance, output in zip(group, outputs):
            valid, intent, exact = gold.judge(utterance, output)
            counts["n"] += 1
            counts["valid"] += valid
            counts["intent"] += intent
            counts["exact"] += exact
            if not exact:
                wrong.append((utterance, output))
    return counts, wrong


def table_row(counts, left_out):
    share = lambda key: round(100 * counts[key] / counts["n"], 2)
    return {"n": counts["n"], "left_out": left_out,
            "valid_json": share("valid"), "intent": share("intent"),
            "exact": share("exact")}


def evaluate(model, tokenizer, folder, most=None, errors=None):
    """{language: row, "mean": row}; the mean weighs languages alike."""
    table = {}
    for language in gold.LANGUAGES:
        utterances, left_out = gold.load(folder, language)
        if most and len(utterances) > most:
            utterances = random.Random(1).sample(utterances, most)
        counts, wrong = evaluate_language(model, tokenizer, utterances)
        table[language] = table_row(counts, len(left_out))
        print(language, table[language], flush=True)
        for utterance, output in wrong if errors else []:
            errors.write(f"{language}\t{utterance['text']}\t" + gold.call_text(
                utterance["intent"], utterance["slots"]) + f"\t{output}\n")
    table["mean"] = {key: round(sum(row[key] for row in table.values())
                                / len(gold.LANGUAGES), 2)
                     for key in ("valid_json", "intent", "exact")}
    print("mean", table["mean"])
    return table


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ha_intents")
    parser.add_argument("model")
    parser.add_argument("--tokenizer", help="SentencePiece file")
    parser.add_argument("--errors", help="write wrong answers here")
    parser.add_argument("--most", type=int, help="utterances per language")
    parser.add_argument("--results", help="write the table here as JSON")
    options = parser.parse_args()
    torch.set_num_threads(2)
    model, tokenizer = load(options.model, options.tokenizer)
    begin = time.time()
    errors = (open(options.errors, "w", encoding="utf-8") if options.errors
              else None)
    table = evaluate(model, tokenizer, options.ha_intents, options.most, errors)
    print(f"{time.time() - begin:.0f} seconds")
    if options.results:
        with open(options.results, "w", encoding="utf-8") as out:
            json.dump(table, out, indent=1)


if __name__ == "__main__":
    main()
