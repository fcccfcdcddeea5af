# SPDX-License-Identifier: Apache-2.0
"""Training requests: sentence templates expanded into (request, call) pairs.

usage: generate.py HA_INTENTS OUT.jsonl COUNT [--seed N]

No gold utterance is ever written, nor one that differs from a gold utterance
only in case, spaces or punctuation.
"""
import argparse
import collections
import glob
import json
import multiprocessing
import os
import random
import re
import zlib

import gold
import matcher
import numerals
import templates

HERE = os.path.dirname(os.path.abspath(__file__))
BEFORE, AFTER = "\1", "\2"        # where a space may be missing
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
# Slots whose list is free text, and the word lists that feed them.
WILD = {"shopping_list_item": ("items",), "todo_list_item": ("tasks", "items"),
        "zone": ("zones",), "timer_name": ("timers", "items"),
        "timer_command": ("commands",), "message": ("messages", "tasks"),
        "search_query": ("media",)}

# What a home is mostly asked; these come up three times as often.
EVERYDAY = {"HassTurnOn", "HassTurnOff", "HassLightSet", "HassSetPosition",
            "HassStartTimer", "HassIncreaseTimer", "HassDecreaseTimer",
            "HassTimerStatus", "HassGetWeather"}
# Rules that the templates use and leave to others to define.
SHARED_RULES = {"percent": "([ ]%| percent)"}

Block = collections.namedtuple(
    "Block", "number intent sentences fixed requires excludes rules lists")


def with_weights(blocks):
    return blocks, [len(block.sentences) ** 0.5 for block in blocks]


def as_list(value):
    return value if isinstance(value, list) else [value]


def forms(template):
    """All spellings of a name: fixtures write inflections as alternatives."""
    texts = templates.expansions(templates.parse(template))
    return sorted({re.sub(r"\s+", " ", t).strip() for t in texts})


def tidy(value, copied):
    """Numbers are numbers even where a list spells them as strings; what is
    copied from the request is lower-case, as the request is."""
    if isinstance(value, str) and re.fullmatch(r"\d+", value):
        return value if copied else int(value)
    return re.sub(r"\s+", " ", value).strip().lower() if copied else value


class Language:
    """All templates, lists and names of one language, and how to sample."""

    def __init__(self, folder, code, rng):
        self.code, self.rng = code, rng
        common = gold.read_yaml(f"{folder}/sentences/{code}/_common.yaml")
        self.lists = common.get("lists") or {}
        self.rules = {**SHARED_RULES, **(common.get("expansion_rules") or {})}
        self.skip_words = common.get("skip_words") or []
        self.parsed = {}
        self.extra = gold.read_yaml(f"{HERE}/wildcards.yaml")[code]
        self._read_names(gold.read_yaml(f"{folder}/tests/{code}/_fixtures.yaml"))
        for path in sorted(glob.glob(f"{folder}/tests/{code}/*/*.yaml")):
            self._read_home(gold.read_yaml(path))
        self._read_blocks(folder)
        self._read_vocabulary()
        self.matcher = matcher.NameMatcher(self)

    # -- reading ----------------------------------------------------------

    def _read_home(self, test):
        """The few devices of a test that brings its own home; of such a file
        nothing else is read here, least of all what is asked."""
        for entity in test.get("entities") or []:
            self.entities.append((forms(entity["name"]), entity))

    def _read_names(self, fixtures):
        self.areas = [forms(area["name"]) for area in fixtures.get("areas", [])]
        self.floors = [forms(f["name"]) for f in fixtures.get("floors", [])]
        self.more_areas = [a.split("|") for a in self.extra["areas"]]
        self.more_floors = [f.split("|") for f in self.extra["floors"]]
        self.entities = []
        for entity in fixtures.get("entities", []):
            context = dict(entity.get("attributes") or {})
            context["domain"] = entity["id"].split(".")[0]
            state = entity.get("state")
            context["state"] = (state or {}).get("out") if isinstance(
                state, dict) else state
            self.entities.append((forms(entity["name"]), context))

    def _read_blocks(self, folder):
        self.blocks = []
        pattern = f"{folder}/sentences/{self.code}/**/*.yaml"
        for path in sorted(glob.glob(pattern, recursive=True)):
            if path.endswith("_common.yaml"):
                continue
            document = gold.read_yaml(path)
            intents = document.get("intents") or {
                os.path.basename(os.path.dirname(path)): document}
            for intent, body in intents.items():
                for data in body.get("data") or []:
                    self.blocks.append(self._block(
                        len(self.blocks), intent, data, document))
        groups = collections.defaultdict(list)
        for block in self.blocks:
            groups[block.intent, block.fixed.get("domain")].append(block)
        self.groups = [with_weights(blocks) for blocks in groups.values()]
        self.group_weights = [3 if intent in EVERYDAY else 1
                              for intent, _ in groups]
        self.all_blocks = with_weights(self.blocks)

    @staticmethod
    def _block(number, intent, data, document):
        requires = dict(data.get("requires_context") or {})
        # Of a list of values the tests expect the first.
        fixed = {key: value[0] if isinstance(value, list) else value
                 for key, value in (data.get("slots") or {}).items()}
        if "name_domains" in data:
            requires["domain"] = data["name_domains"]
        if "inferred_domain" in data:
            fixed["domain"] = data["inferred_domain"]
        return Block(number, intent, data["sentences"], fixed, requires,
                     data.get("excludes_context") or {},
                     {**(document.get("expansion_rules") or {}),
                      **(data.get("expansion_rules") or {})},
                     {**(document.get("lists") or {}),
                      **(data.get("lists") or {})})

    def _read_vocabulary(self):
        """Words for made-up names and free text."""
        seen = set(self.extra["words"])
        for block in self.blocks:
            for sentence in block.sentences:
                seen.update(templates.words(self.parse(sentence)))
        for rule in self.rules.values():
            seen.update(templates.words(self.parse(rule)))
        self.vocabulary = sorted(seen)
        area_words = {w for forms in self.areas + self.more_areas + self.floors
                      for form in forms for w in form.lower().split()}
        self.name_words = [w for w in self.extra["words"] if w not in area_words]

    def parse(self, text):
        if text not in self.parsed:
            self.parsed[text] = templates.parse(text)
        return self.parsed[text]

    # -- names and free text ----------------------------------------------

    def pseudo_word(self):
        """A word nobody has heard: it can only be copied."""
        rng = self.rng
        return "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS)
                       + rng.choice(["", "", rng.choice(CONSONANTS)])
                       for _ in range(rng.randint(1, 3)))

    def fitting_names(self, block):
        return [names for names, context in self.entities
                if _fits(context, block)]

    def entity_name(self, block):
        fitting = self.fitting_names(block)
        if not fitting:
            raise templates.Unusable("no entity fits")
        rng = self.rng
        name = rng.choice(rng.choice(fitting))
        domain = block.requires.get("domain")
        # Scenes and scripts are told from lamps by their names alone.
        loose = 0.25 if domain in ("scene", "script", "person") else 0.5
        if rng.random() > loose:
            return name
        return self.made_up_name(name, rng.choice(rng.choice(fitting)))

    def made_up_name(self, name, other):
        rng, words = self.rng, name.split()
        kind = rng.random()
        if kind < 0.35:
            others = other.split()
            return " ".join(words[:max(1, len(words) - 1)] + others[-1:]
                            if rng.random() < 0.5 else
                            others[:1] + words[-max(1, len(words) - 1):])
        if kind < 0.6:
            word = rng.choice(self.name_words)
            return f"{word} {name}" if rng.random() < 0.5 else f"{name} {word}"
        if kind < 0.75:
            words[rng.randrange(len(words))] = rng.choice(
                [self.pseudo_word(), rng.choice(self.vocabulary),
                 rng.choice(self.name_words)])
            return " ".join(words)
        if kind < 0.85:
            return f"{name} {rng.randint(1, 12)}"
        if kind < 0.95:
            return " ".join(self.pseudo_word() for _ in range(rng.randint(1, 2)))
        return (f"{rng.choice(self.name_words)} {self.pseudo_word()}")

    def area(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.65 or not self.more_areas:
            return rng.choice(rng.choice(self.areas))
        if kind < 0.92:
            return rng.choice(rng.choice(self.more_areas))
        return f"{rng.choice(rng.choice(self.areas))} {rng.randint(1, 9)}"

    def floor(self):
        rng = self.rng
        if self.floors and rng.random() < 0.75:
            return rng.choice(rng.choice(self.floors))
        return rng.choice(rng.choice(self.more_floors))

    def free_text(self, list_name):
        rng, extra = self.rng, self.extra
        kind = rng.random()
        known = lambda: rng.choice(extra[rng.choice(WILD[list_name])])
        if kind < 0.5:
            return known()
        if kind < 0.62 and list_name.endswith("item"):
            return f"{rng.randint(2, 12)} {rng.choice(extra['items'])}"
        if kind < 0.75:
            return f"{rng.choice(self.name_words)} {known()}"
        if kind < 0.85 and list_name != "zone":
            pool = [w for key in ("items", "tasks", "media", "timers", "messages")
                    for w in extra[key]]
            return rng.choice(pool)
        if kind < 0.93 and list_name != "zone":
            return " ".join(rng.choice(self.vocabulary)
                            for _ in range(rng.randint(1, 3)))
        return " ".join(self.pseudo_word() for _ in range(rng.randint(1, 2)))

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
            rule = state.block.rules.get(node[1], self.rules.get(node[1]))
            state.depth += 1
            if rule is None or state.depth > 60:
                raise templates.Unusable(node[1])
            return self.expand(self.parse(rule), state)
        return self.expand_list(node[1], node[2], state)

    def expand_list(self, name, slot, state):
        if name == "name":
            return state.put(slot, self.entity_name(state.block)) + AFTER
        if name == "area":
            return state.put(slot, self.area()) + AFTER
        if name == "floor":
            return state.put(slot, self.floor()) + AFTER
        values = state.block.lists.get(name, self.lists.get(name))
        if values is None:
            raise templates.Unusable(name)
        if values.get("wildcard"):
            state.wildcards += 1
            return state.put(slot, self.free_text(name))
        if "range" in values:
            return self.expand_number(slot, values["range"], state)
        value = self.rng.choice(values["values"])
        if not isinstance(value, dict):
            text = self.expand(self.parse(str(value)), state).strip()
            return state.put(slot, text)
        text = self.expand(self.parse(str(value["in"])), state)
        state.slots[slot] = value["out"]
        return text

    def expand_number(self, slot, limits, state):
        rng = self.rng
        number = self.likely_number(limits)
        text = str(number)
        if limits.get("fractions") and rng.random() < 0.15:
            number += 0.5
            text = str(number)
            if self.code != "en" and rng.random() < 0.5:
                text = text.replace(".", ",")
        state.slots[slot] = number
        if 0 <= number <= 100 and rng.random() < (0.3 if number == 1 else 0.08):
            text = numerals.in_words(number, self.code, rng)
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
        text = self.expand(self.parse(rng.choice(block.sentences)), state)
        text = self.spaced(text)
        if not text or len(text) > 110:
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
                group = rng.choices(self.groups, self.group_weights)[0]
                block = rng.choices(*group)[0]
            else:
                block = rng.choices(*self.all_blocks)[0]
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
        if self.skip_words and rng.random() < 0.1:
            for _ in range(rng.randint(1, 2)):
                text = self.with_skip_word(text)
        if self.code == "es" and rng.random() < 0.2:
            return f"¿{text}?"
        if rng.random() < 0.2:
            text += rng.choice("..!??")
        return text

    def with_skip_word(self, text):
        rng = self.rng
        extra = self.expand(self.parse(rng.choice(self.skip_words)),
                            Expansion(None, 0.5)).strip().lower()
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


def _fits(context, block):
    for key, wanted in block.requires.items():
        if key == "area" or isinstance(wanted, dict):
            continue
        if context.get(key) not in as_list(wanted):
            return False
    return not any(context.get(key) in as_list(unwanted)
                   for key, unwanted in block.excludes.items())


def generate_language(task):
    folder, code, count, seed = task
    rng = random.Random(seed * 1000 + zlib.crc32(code.encode()) % 1000)
    language = Language(folder, code, rng)
    forbidden = {gold.normalised(u["text"]) for u in gold.load(folder, code)[0]}
    made, attempts = {}, 0
    while len(made) < count and attempts < 12 * count:
        attempts += 1
        try:
            text, intent, slots, rank = language.sample()
        except templates.Unusable:
            continue
        key = gold.normalised(text)
        if key in forbidden or not key:
            continue
        if key not in made or made[key][0] < rank:
            made[key] = (rank, text, gold.call_text(intent, slots))
    return code, attempts, repeated(made.values())


def repeated(made, least=1500, most=12):
    """[(request, call)]: intents of few phrasings are repeated, up to a
    limit, or they would be forgotten among the others."""
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
