# SPDX-License-Identifier: Apache-2.0
"""Training requests: sentence templates expanded into (request, call) pairs.

usage: generate.py HA_INTENTS OUT.jsonl COUNT [--seed N]

No gold utterance is ever written, nor one that differs from a gold utterance
only in case, spaces or punctuation.
"""
import argparse
import collections
import json
import multiprocessing
import random
import re
import zlib

import gold
import matcher
import numerals
import templates
from language import Language
from names import Names

BEFORE, AFTER = "\1", "\2"        # where a space may be missing
DEEPEST = 60
LONGEST = 110


def tidy(value, copied):
    """Numbers are numbers even where a list spells them as strings; what is
    copied from the request is lower-case, as the request is."""
    if isinstance(value, str) and re.fullmatch(r"\d+", value):
        return value if copied else int(value)
    return re.sub(r"\s+", " ", value).strip().lower() if copied else value


class Sampler:
    """Draws requests with their calls in one language."""

    def __init__(self, language, rng):
        self.language, self.rng = language, rng
        self.names = Names(language, rng)
        self.matcher = matcher.NameMatcher(language)

    # -- expansion ----------------------------------------------------------

    def expand(self, node, state):
        """The text of one random choice; slots gather in state.slots."""
        kind, rng = node[0], self.rng
        if kind == "text":
            state.literal += len(node[1].strip())
            return node[1]
        if kind == "seq":
            return "".join([self.expand(child, state) for child in node[1]])
        if kind == "alt":
            return self.expand(rng.choice(node[1]), state)
        if kind == "opt":
            return (self.expand(node[1], state)
                    if rng.random() < state.optional else "")
        if kind == "perm":
            parts = list(node[1])
            rng.shuffle(parts)
            return " ".join([self.expand(part, state) for part in parts])
        if kind == "rule":
            rule = state.block.rules.get(node[1],
                                         self.language.rules.get(node[1]))
            state.depth += 1
            if rule is None or state.depth > DEEPEST:
                raise templates.Unusable(node[1])
            return self.expand(self.language.parse(rule), state)
        return self.expand_list(node[1], node[2], state)

    def expand_list(self, name, slot, state):
        if name == "name":
            return state.put(slot, self.names.entity(state.block)) + AFTER
        if name == "area":
            return state.put(slot, self.names.area()) + AFTER
        if name == "floor":
            return state.put(slot, self.names.floor()) + AFTER
        values = state.block.lists.get(name, self.language.lists.get(name))
        if values is None:
            raise templates.Unusable(name)
        if values.get("wildcard"):
            state.wildcards += 1
            return state.put(slot, self.names.free_text(name))
        if "range" in values:
            return self.expand_number(slot, values["range"], state)
        value = self.rng.choice(values["values"])
        if not isinstance(value, dict):
            text = self.expand(self.language.parse(str(value)), state).strip()
            return state.put(slot, text)
        text = self.expand(self.language.parse(str(value["in"])), state)
        state.slots[slot] = value["out"]
        return text

    def expand_number(self, slot, limits, state):
        rng = self.rng
        number = self.likely_number(limits)
        text = str(number)
        if limits.get("fractions") and rng.random() < 0.15:
            number += 0.5
            text = str(number)
            if self.language.code != "en" and rng.random() < 0.5:
                text = text.replace(".", ",")
        state.slots[slot] = number
        if 0 <= number <= 100 and rng.random() < (0.3 if number == 1 else 0.08):
            text = numerals.in_words(number, self.language.code, rng)
        return BEFORE + text + AFTER

    def likely_number(self, limits):
        """Small and round numbers are said more often than others."""
        rng, first, last = self.rng, limits["from"], limits["to"]
        number = rng.randrange(first, last + 1, limits.get("step", 1))
        kind = rng.random()
        if kind < 0.12:
            number = 1
        elif kind < 0.3:
            number = rng.randint(1, 12)
        elif kind < 0.6:
            number = number // 5 * 5
        return min(last, max(first, number))

    # -- one request --------------------------------------------------------

    def sample(self):
        """(request, intent, slots, rank): rank settles texts with two calls."""
        rng = self.rng
        block = self.choose_block()
        state = Expansion(block, rng.uniform(0.2, 0.7))
        template = self.language.parse(rng.choice(block.sentences))
        text = self.spaced(self.expand(template, state))
        if not text or len(text) > LONGEST:
            raise templates.Unusable("length")
        slots = {**block.fixed, **state.slots}
        slots = {key: tidy(value, key in state.copied)
                 for key, value in slots.items()}
        if "name" not in slots and not state.wildcards \
                and self.matcher.matches(text):
            raise templates.Unusable("a device's name says it better")
        rank = (-state.wildcards, "name" in state.slots, state.literal,
                -block.number)
        return self.dress(text), block.intent, slots, rank

    def choose_block(self):
        """Half by what is asked for (intent and domain), so that rare
        requests are learned too, half by how many templates there are."""
        rng = self.rng
        while True:
            if rng.random() < 0.65:
                group = rng.choices(self.language.groups,
                                    self.language.group_weights)[0]
                block = rng.choices(*group)[0]
            else:
                block = rng.choices(*self.language.all_blocks)[0]
            # Requests that mean "in this room" have an area only the server
            # knows: they are learned without one, and more rarely.
            if "area" not in block.requires or rng.random() < 0.4:
                return block

    def spaced(self, text):
        """Templates leave out spaces around numbers and after names that
        speech has; compounds ("kitchenlights" in some languages) stay."""
        rng = self.rng
        text = re.sub(r"(?<=[^\W\d])" + BEFORE,
                      " " if rng.random() < 0.8 else "", text)
        text = re.sub(AFTER + r"(?=[^\W\d]{2})",
                      " " if rng.random() < 0.5 else "", text)
        text = text.replace(BEFORE, "").replace(AFTER, "")
        return re.sub(r"\s+", " ", text).strip().lower()

    def dress(self, text):
        """Politeness and punctuation in and around the request."""
        rng = self.rng
        if self.language.skip_words and rng.random() < 0.1:
            for _ in range(rng.randint(1, 2)):
                text = self.with_skip_word(text)
        if rng.random() < 0.1:
            words = text.split()
            for _ in range(rng.randint(1, 2)):
                at = rng.randrange(len(words))
                words[at] = words[at].rstrip(",") + ","
            text = " ".join(words)
        if self.language.code == "es" and rng.random() < 0.2:
            return f"¿{text}?"
        if rng.random() < 0.2:
            text += rng.choice("..!??")
        return text

    def with_skip_word(self, text):
        rng = self.rng
        template = self.language.parse(rng.choice(self.language.skip_words))
        extra = self.expand(template, Expansion(None, 0.5)).strip().lower()
        words = text.split()
        place = rng.choice([0, 0, len(words), rng.randint(0, len(words))])
        return " ".join(words[:place] + [extra] + words[place:])


class Expansion:
    """What one expansion gathers on its way through the template."""

    def __init__(self, block, optional):
        self.block, self.optional = block, optional
        self.slots, self.copied = {}, set()
        self.literal = self.wildcards = self.depth = 0

    def put(self, slot, value):
        self.slots[slot] = value
        if isinstance(value, str):
            self.copied.add(slot)
        return str(value)


def generate_language(task):
    folder, code, count, seed = task
    rng = random.Random(seed * 1000 + zlib.crc32(code.encode()) % 1000)
    sampler = Sampler(Language(folder, code), rng)
    forbidden = {gold.normalised(utterance["text"])
                 for part in gold.load(folder, code) for utterance in part}
    made, attempts = {}, 0
    while len(made) < count and attempts < 12 * count:
        attempts += 1
        try:
            text, intent, slots, rank = sampler.sample()
        except templates.Unusable:
            continue
        key = gold.normalised(text)
        if key in forbidden or not key:
            continue
        if key not in made or made[key][0] < rank:
            made[key] = (rank, text, gold.call_text(intent, slots))
    return code, attempts, repeated(made.values())


def repeated(made, most=12):
    """[(request, call)]: intents of few phrasings are repeated until they
    are 1 % of all, or as often as is sensible: they must not be forgotten."""
    least = len(made) / 100
    by_intent = collections.defaultdict(list)
    for _, text, call in made:
        by_intent[call.split('"')[3]].append((text, call))
    pairs = []
    for group in by_intent.values():
        pairs += group * min(most, max(1, round(least / len(group))))
    return pairs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ha_intents")
    parser.add_argument("output")
    parser.add_argument("count", type=int, help="requests in all languages")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    share = options.count // len(gold.LANGUAGES)
    tasks = [(options.ha_intents, code, share, options.seed)
             for code in gold.LANGUAGES]
    with multiprocessing.Pool(2) as pool, \
            open(options.output, "w", encoding="utf-8") as out:
        for code, attempts, pairs in pool.imap(generate_language, tasks):
            print(code, len(pairs), "requests from", attempts, flush=True)
            for text, call in pairs:
                out.write(json.dumps({"language": code, "request": text,
                                      "call": call}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
