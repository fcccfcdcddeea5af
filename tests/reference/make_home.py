# SPDX-License-Identifier: Apache-2.0
"""What the home model answers, by the naive reference, for the engine's tests.

usage: make_home.py HOME.gguf OUT.golden

For each language, records named "de.request" and so on:

  request, answer   UTF-8 text, one float a byte
  prompt, output    token ids; output is greedy and without </s>
  logits            of the last position of the prompt
  margin            by how much each greedy token (</s> too) beat the next
                    best: an engine with other rounding may differ only where
                    this is small
"""
import sys

import numpy

import golden
import gguf
import ptmoe
import sentencepieces

CALL = "<call>"
MOST = 64
REQUESTS = {
    "de": "Schalte das Licht im Wohnzimmer ein",
    "en": "Turn on the lights in the kitchen",
    "es": "Pon el brillo del dormitorio al 40%",
    "fr": "Ferme les volets de la chambre",
    "it": "Imposta un timer di 10 minuti",
    "nl": "Zet de temperatuur in de woonkamer op 21 graden",
    "pl": "Wyłącz światło w kuchni",
    "pt": "Adiciona leite à lista de compras",
}


def prompt_ids(tokenizer, request):
    """What the file's chat template makes of one request."""
    return ([tokenizer.bos] + tokenizer.encode(request.strip().lower())
            + [tokenizer.ids[CALL]])


def greedy(model, prompt, end):
    """(output ids, margins, logits after the prompt)"""
    tokens, margins, first = list(prompt), [], None
    while len(tokens) < len(prompt) + MOST:
        logits = model.forward(tokens)[-1]
        first = logits if first is None else first
        second, best = numpy.argsort(logits, kind="stable")[-2:]
        margins.append(logits[best] - logits[second])
        if best == end:
            break
        tokens.append(int(best))
    return tokens[len(prompt):], margins, first


def as_bytes(text):
    return list(text.encode())


def main():
    metadata, weights, _ = gguf.read(sys.argv[1])
    model = ptmoe.Model(metadata, weights)
    tokenizer = sentencepieces.Tokenizer(metadata)
    writer = golden.Writer()
    for language, request in REQUESTS.items():
        prompt = prompt_ids(tokenizer, request)
        output, margins, logits = greedy(model, prompt, tokenizer.eos)
        answer = tokenizer.decode(output)
        for name, values in (("request", as_bytes(request)),
                             ("prompt", prompt), ("output", output),
                             ("answer", as_bytes(answer)),
                             ("logits", logits), ("margin", margins)):
            writer(f"{language}.{name}", values)
        print(f"{language} {min(margins):6.2f}  {request} -> {answer}")
    writer.save(sys.argv[2])


if __name__ == "__main__":
    main()
