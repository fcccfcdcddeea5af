# SPDX-License-Identifier: Apache-2.0
"""Does some template read this request as being about a named device?

"turn on the bedroom lamp" also fits "turn on the {area} lamp", but where a
device is called bedroom lamp, the name wins. Templates that take a name are
compiled to regular expressions over the known names, and a generated request
without a name that one of them matches is not used: its call would be wrong.
"""
import itertools
import re

import templates

DEEPEST = 40
MOST_IN_ANY_ORDER = 3
NAME = "(?:@)"          # stands for the names that fit, put in per block


def as_regex(node, rules, lists, parse, depth=0):
    """A template as a regular expression; "@" marks a name."""
    if depth > DEEPEST:
        raise templates.Unusable("too deep")
    again = lambda child: as_regex(child, rules, lists, parse, depth + 1)
    kind = node[0]
    if kind == "text":
        words = [re.escape(w) for w in re.split(r"\s+", node[1].lower())]
        return " *".join(words)
    if kind == "seq":
        return "".join(map(again, node[1]))
    if kind == "alt":
        return "(?:" + "|".join(map(again, node[1])) + ")"
    if kind == "opt":
        return "(?:" + again(node[1]) + ")?"
    if kind == "perm":
        parts = list(map(again, node[1]))
        if len(parts) > MOST_IN_ANY_ORDER:
            raise templates.Unusable("too many orders")
        return "(?:" + "|".join(" *".join(order) for order
                                in itertools.permutations(parts)) + ")"
    if kind == "rule":
        if node[1] not in rules:
            raise templates.Unusable(node[1])
        return again(parse(rules[node[1]]))
    return list_regex(node[1], lists, again, parse)


def list_regex(name, lists, again, parse):
    if name == "name":
        return NAME
    if name not in lists:
        raise templates.Unusable(name)
    values = lists[name]
    if values.get("wildcard"):
        return ".+"
    if "range" in values:
        return r"\d+(?:[.,]\d)?"
    return "(?:" + "|".join(
        again(parse(str(v["in"] if isinstance(v, dict) else v)))
        for v in values["values"]) + ")"


def one_of(texts):
    """Areas, floors or names as an alternation, the longest first."""
    ordered = sorted({t.lower() for t in texts}, key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, ordered)) + ")"


class NameMatcher:
    def __init__(self, language):
        self.forms = {form.lower() for forms, _ in language.entities
                      for form in forms}
        plain = lambda values: {"values": [
            v.replace("(", "\\(").replace("[", "\\[") for v in values]}
        places = {
            "area": plain({form for forms in language.areas
                           + language.more_areas for form in forms}),
            "floor": plain({form for forms in language.floors
                            + language.more_floors for form in forms})}
        self.patterns = []
        for block in language.blocks:
            fitting = language.fitting_names(block)
            if fitting and "area" not in block.requires:
                self._add(language, block, fitting, places)

    def _add(self, language, block, fitting, places):
        rules = {**language.rules, **block.rules}
        lists = {**language.lists, **block.lists, **places}
        names = one_of(form for forms in fitting for form in forms)
        for sentence in block.sentences:
            try:
                regex = as_regex(language.parse(sentence), rules, lists,
                                 language.parse)
            except templates.Unusable:
                continue
            if NAME in regex:
                self.patterns.append(re.compile(
                    " *" + regex.replace(NAME, names) + "[ .?!]*"))

    def matches(self, text):
        padded = f" {text} "
        if not any(form in padded for form in self.forms):
            return False
        return any(pattern.fullmatch(text) for pattern in self.patterns)
