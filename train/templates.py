# SPDX-License-Identifier: Apache-2.0
"""The template language of the household sentences.

  text   [optional]   (one|of|these)   (in;any;order)   <rule>   {list:slot}

parse() turns a template into nested tuples, words() lists its literal words.
Choosing among the alternatives is generate.py's business.
"""
import re

SPECIAL = "|;[](){}<>\\"


class Unusable(Exception):
    """A template that cannot be expanded: an unknown list, an empty choice."""


def parse(text):
    """Nodes: ('text', s) ('seq', nodes) ('alt', nodes) ('perm', nodes)
    ('opt', node) ('list', name, slot) ('rule', name)."""
    node, position = _group(text, 0, "")
    if position != len(text):
        raise Unusable(f"unbalanced: {text!r}")
    return node


def _group(text, position, closing):
    branches, separator = [[]], "|"
    while position < len(text) and text[position] not in (closing or "\0"):
        char = text[position]
        if char in "|;":
            separator = char
            branches.append([])
            position += 1
        elif char in "[(":
            inner, position = _group(text, position + 1,
                                     "]" if char == "[" else ")")
            position += 1
            branches[-1].append(("opt", inner) if char == "[" else inner)
        elif char in "{<":
            end = text.index("}" if char == "{" else ">", position)
            name = text[position + 1:end].strip()
            if char == "<":
                branches[-1].append(("rule", name))
            else:
                name, _, slot = name.partition(":")
                branches[-1].append(("list", name, slot or name))
            position = end + 1
        elif char == "\\":
            branches[-1].append(("text", text[position + 1]))
            position += 2
        else:
            end = position + 1
            while end < len(text) and text[end] not in SPECIAL:
                end += 1
            branches[-1].append(("text", text[position:end]))
            position = end
    nodes = [("seq", branch) for branch in branches]
    if len(nodes) == 1:
        return nodes[0], position
    return ("perm" if separator == ";" else "alt", nodes), position


def words(node):
    """Every literal word of a parsed template."""
    kind = node[0]
    if kind == "text":
        return [w for w in re.findall(r"\w+", node[1].lower()) if len(w) > 1]
    if kind == "opt":
        return words(node[1])
    if kind in ("seq", "alt", "perm"):
        return [word for child in node[1] for word in words(child)]
    return []


def expansions(node, limit=200):
    """All texts of a template without lists or rules (names of rooms)."""
    kind = node[0]
    if kind == "text":
        return [node[1]]
    if kind == "opt":
        return ([""] + expansions(node[1], limit))[:limit]
    if kind == "alt":
        return [t for child in node[1] for t in expansions(child)][:limit]
    if kind in ("seq", "perm"):
        texts = [""]
        for child in node[1]:
            texts = [a + b for a in texts
                     for b in expansions(child, limit)][:limit]
        return texts
    raise Unusable(f"{kind} in a plain template")
