# SPDX-License-Identifier: Apache-2.0
"""One language's sentence templates, word lists and names of things."""
import collections
import glob
import os
import re

import gold
import templates

HERE = os.path.dirname(os.path.abspath(__file__))
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


class Language:
    """What the templates of one language say and which names fit them."""

    def __init__(self, folder, code):
        self.code = code
        common = gold.read_yaml(f"{folder}/sentences/{code}/_common.yaml")
        self.lists = common.get("lists") or {}
        self.rules = {**SHARED_RULES, **(common.get("expansion_rules") or {})}
        self.skip_words = common.get("skip_words") or []
        self.parsed = {}
        self.extra = gold.read_yaml(f"{HERE}/wildcards.yaml")[code]
        tests = f"{folder}/tests/{code}"
        self._read_names(gold.read_yaml(f"{tests}/_fixtures.yaml"))
        for path in sorted(glob.glob(f"{tests}/*/*.yaml")):
            self._read_home(gold.read_yaml(path))
        self._read_blocks(folder)
        self._read_vocabulary()

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
        self.name_words = [word for word in self.extra["words"]
                           if word not in area_words]

    def parse(self, text):
        if text not in self.parsed:
            self.parsed[text] = templates.parse(text)
        return self.parsed[text]

    def fitting_names(self, block):
        return [names for names, context in self.entities
                if _fits(context, block)]


def _fits(context, block):
    for key, wanted in block.requires.items():
        if key == "area" or isinstance(wanted, dict):
            continue
        if context.get(key) not in as_list(wanted):
            return False
    return not any(context.get(key) in as_list(unwanted)
                   for key, unwanted in block.excludes.items())
