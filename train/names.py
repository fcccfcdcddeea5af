# SPDX-License-Identifier: Apache-2.0
"""Names and free text: known ones, and ones that can only be copied.

A model that always saw the same forty devices would learn them by heart; half
of the names here are recombined, extended or invented.
"""
import templates

CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
# Slots whose list is free text, and the word lists that feed them.
WILD = {"shopping_list_item": ("items",), "todo_list_item": ("tasks", "items"),
        "zone": ("zones",), "timer_name": ("timers", "items"),
        "timer_command": ("commands",), "message": ("messages", "tasks"),
        "search_query": ("media",)}
ANY_TEXT = ("items", "tasks", "media", "timers", "messages")


class Names:
    """Draws names of devices, areas, floors and free text of a language."""

    def __init__(self, language, rng):
        self.language, self.rng = language, rng
        self.extra = language.extra

    def pseudo_word(self):
        """A word nobody has heard: it can only be copied."""
        rng = self.rng
        return "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS)
                       + rng.choice(["", "", rng.choice(CONSONANTS)])
                       for _ in range(rng.randint(1, 3)))

    def pseudo_words(self):
        return " ".join(self.pseudo_word()
                        for _ in range(self.rng.randint(1, 2)))

    def entity(self, block):
        fitting = self.language.fitting_names(block)
        if not fitting:
            raise templates.Unusable("no entity fits")
        rng = self.rng
        name = rng.choice(rng.choice(fitting))
        domain = block.requires.get("domain")
        # Scenes and scripts are told from lamps by their names alone.
        loose = 0.25 if domain in ("scene", "script", "person") else 0.5
        if rng.random() > loose:
            return name
        return self.made_up(name, rng.choice(rng.choice(fitting)))

    def made_up(self, name, other):
        rng, words = self.rng, name.split()
        kind = rng.random()
        if kind < 0.35:
            others = other.split()
            return " ".join(words[:max(1, len(words) - 1)] + others[-1:]
                            if rng.random() < 0.5 else
                            others[:1] + words[-max(1, len(words) - 1):])
        if kind < 0.6:
            word = rng.choice(self.language.name_words)
            return f"{word} {name}" if rng.random() < 0.5 else f"{name} {word}"
        if kind < 0.75:
            words[rng.randrange(len(words))] = rng.choice(
                [self.pseudo_word(), rng.choice(self.language.vocabulary),
                 rng.choice(self.language.name_words)])
            return " ".join(words)
        if kind < 0.85:
            return f"{name} {rng.randint(1, 12)}"
        if kind < 0.95:
            return self.pseudo_words()
        return (f"{rng.choice(self.language.name_words)} {self.pseudo_word()}")

    def area(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.65 or not self.language.more_areas:
            return rng.choice(rng.choice(self.language.areas))
        if kind < 0.92:
            return rng.choice(rng.choice(self.language.more_areas))
        area = rng.choice(rng.choice(self.language.areas))
        return f"{area} {rng.randint(1, 9)}"

    def floor(self):
        rng = self.rng
        if self.language.floors and rng.random() < 0.75:
            return rng.choice(rng.choice(self.language.floors))
        return rng.choice(rng.choice(self.language.more_floors))

    def free_text(self, list_name):
        rng, extra = self.rng, self.extra
        kind = rng.random()
        known = lambda: rng.choice(extra[rng.choice(WILD[list_name])])
        if kind < 0.5:
            return known()
        if kind < 0.62 and list_name.endswith("item"):
            return f"{rng.randint(2, 12)} {rng.choice(extra['items'])}"
        if kind < 0.75:
            return f"{rng.choice(self.language.name_words)} {known()}"
        if kind < 0.85 and list_name != "zone":
            return rng.choice([text for key in ANY_TEXT for text in extra[key]])
        if kind < 0.93 and list_name != "zone":
            return " ".join(rng.choice(self.language.vocabulary)
                            for _ in range(rng.randint(1, 3)))
        return self.pseudo_words()
