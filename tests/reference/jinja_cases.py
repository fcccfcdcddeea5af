#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Python's jinja2 makes of chat templates, for ours to be held against.

    jinja_cases.py FOLDER CASES     expected prompts of FOLDER/*.jinja

Each template is rendered for a matrix of conversations, with the options and
names that transformers gives it, with a date and without.  A conversation
that a template refuses is expected to be refused.  Then

    JINJA_CASES=CASES build/tests/reference/test_jinja_cases

renders all of it once more and says, template by template, what is equal.
jinja_cases.json, which the tests always use, was made from jinja_cases/.
"""
import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.sandbox

BOS, EOS = "<s>", "</s>"
DATE = (2024, 7, 6)

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": " Hi there! \n"}
ANSWER = {"role": "assistant", "content": " Hello. "}
AGAIN = {"role": "user", "content": "<|im_end|>\n\u00dcber \"quotes\" </s>"}
THINKS = {"role": "assistant",
          "content": "<think>\nhm\n</think>\n\nFour\n[/INST] \U0001f600"}
MORE = {"role": "user", "content": "\n\nline 1\r\nline 2\ttab\u3000 "}
EMPTY = {"role": "user", "content": ""}

CHATS = [
    [USER],
    [SYSTEM, USER],
    [USER, ANSWER, AGAIN],
    [SYSTEM, USER, ANSWER, AGAIN],
    [SYSTEM, USER, THINKS, MORE, ANSWER, AGAIN],
    [USER, THINKS, MORE],
    [AGAIN, THINKS, MORE, ANSWER, USER, THINKS, AGAIN],
    [USER, ANSWER],
    [SYSTEM, USER, THINKS],
    [EMPTY],
    [SYSTEM],
    [USER, USER],
    [USER, SYSTEM, USER],
    [ANSWER, USER],
    [SYSTEM, SYSTEM, USER],
]


class Generation(jinja2.ext.Extension):
    """{% generation %}, which marks answers for training."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"],
                                       drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


def to_json(value, ensure_ascii=False, indent=None, separators=None,
            sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent,
                      separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment(date):
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True,
        extensions=[Generation, jinja2.ext.loopcontrols])
    made.filters["tojson"] = to_json
    made.globals["raise_exception"] = raise_exception
    if date is not None:
        made.globals["strftime_now"] = (
            lambda form: datetime.datetime(*date).strftime(form))
    return made


def expected(text, chat, date):
    """The prompt, or None where there is none."""
    try:
        template = environment(date).from_string(text)
        return template.render(
            messages=chat, tools=None, documents=None,
            add_generation_prompt=True, bos_token=BOS, eos_token=EOS)
    except Exception:  # whatever it is, there is no prompt
        return None


def cases_of(path):
    text = path.read_text(encoding="utf-8")
    cases = []
    for date in (None, DATE):
        if date is not None and "strftime_now" not in text:
            continue
        for chat in CHATS:
            cases.append({"messages": chat, "date": date,
                          "expected": expected(text, chat, date)})
    return {"name": path.stem, "template": text, "bos": BOS, "eos": EOS,
            "cases": cases}


def main():
    folder, out = map(pathlib.Path, sys.argv[1:3])
    paths = sorted(folder.glob("*.jinja"))
    made = {"templates": [cases_of(path) for path in paths]}
    out.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"{len(paths)} templates, "
          f"{sum(len(t['cases']) for t in made['templates'])} cases")


if __name__ == "__main__":
    main()
