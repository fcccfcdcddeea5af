# SPDX-License-Identifier: Apache-2.0
"""Gold utterances: what is asked and expected, and when a call is right."""
import glob
import json
import os
import re

import yaml

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path):
    with open(path, encoding="utf-8") as stream:
        return yaml.load(stream, Loader=LOADER) or {}


def call_text(intent, slots):
    """The one spelling of a call: sorted slots, no spaces."""
    call = {"name": intent, "arguments": dict(sorted(slots.items()))}
    return json.dumps(call, ensure_ascii=False, separators=(",", ":"))


def normalised(text):
    """Two utterances that differ only in case, space or punctuation are one."""
    return re.sub(r"\s+", " ", re.sub(r"[^\w%°]", " ", text.lower())).strip()


def load(folder, language):
    """(utterances, left out), lists of {text, intent, slots}.

    Left out of the score are those whose expected area comes from where the
    microphone stands: the request does not say it, so no model can.
    """
    utterances, left_out = [], []
    pattern = os.path.join(folder, "tests", language, "**", "*.yaml")
    for path in sorted(glob.glob(pattern, recursive=True)):
        if path.endswith("_fixtures.yaml"):
            continue
        for test in read_yaml(path).get("tests") or []:
            expected = test.get("intent") or {
                "name": os.path.basename(os.path.dirname(path)),
                "slots": test.get("slots")}
            slots = expected.get("slots") or {}
            sentences = test["sentences"]
            if isinstance(sentences, str):
                sentences = [sentences]
            for sentence in sentences:
                unsaid = _area_unsaid(sentence, slots,
                                      expected.get("context") or {})
                (left_out if unsaid else utterances).append(
                    {"text": sentence, "slots": slots,
                     "intent": expected["name"]})
    return utterances, left_out


def _area_unsaid(sentence, slots, context):
    if "area" not in context or "area" not in slots:
        return False
    areas = slots["area"]
    spoken = normalised(sentence)
    return not any(normalised(area) in spoken
                   for area in (areas if isinstance(areas, list) else [areas]))


def fold(value):
    """Comparable: numbers as numbers, text without case or loose spaces."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return re.sub(r"\s+", " ", value.lower()).strip()
    return value


def same_value(expected, found):
    """A list in the gold accepts any of its members, or all of them."""
    if isinstance(expected, list):
        options = [fold(v) for v in expected]
        if isinstance(found, list):
            return {str(fold(v)) for v in found} == {str(v) for v in options}
        return fold(found) in options
    return fold(expected) == fold(found)


def judge(utterance, output):
    """(valid JSON call, right intent, exact call) for one model output."""
    try:
        call = json.loads(output)
    except ValueError:
        return False, False, False
    if not isinstance(call, dict):
        return False, False, False
    slots, found = utterance["slots"], call.get("arguments")
    if not isinstance(found, dict):
        return False, False, False
    intent = call.get("name") == utterance["intent"]
    exact = intent and set(slots) == set(found) and all(
        same_value(slots[key], found[key]) for key in slots)
    return True, intent, exact
