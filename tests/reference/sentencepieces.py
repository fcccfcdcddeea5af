# SPDX-License-Identifier: Apache-2.0
"""The SentencePiece BPE tokenizer that a GGUF file carries, the plain way.

User-defined pieces are cut out first, the longest at each place; of the rest,
neighbours are merged, the pair of the highest score first and of equals the
leftmost, until none is known. What is left over is spelt in bytes.
"""
CONTROL, USER_DEFINED, BYTE = 3, 4, 6
SPACE = "\u2581"


class Tokenizer:
    def __init__(self, metadata):
        key = lambda name: metadata[f"tokenizer.ggml.{name}"]
        self.pieces, self.scores = key("tokens"), key("scores")
        self.kinds = key("token_type")
        self.bos, self.eos = key("bos_token_id"), key("eos_token_id")
        self.ids = {}
        for i, piece in enumerate(self.pieces):
            self.ids.setdefault(piece, i)
        self.user_defined = sorted(
            (p for p, kind in zip(self.pieces, self.kinds)
             if kind == USER_DEFINED), key=len, reverse=True)
        self.user_starts = {piece[0] for piece in self.user_defined}

    def encode(self, text):
        """Ids of a text, without <s>."""
        if not text:
            return []
        text = SPACE + text.replace(" ", SPACE)
        ids, plain, at = [], "", 0
        while at < len(text):
            symbol = None
            if text[at] in self.user_starts:
                symbol = next((s for s in self.user_defined
                               if text.startswith(s, at)), None)
            if symbol is None:
                plain += text[at]
                at += 1
                continue
            ids += self.merge(plain) + [self.ids[symbol]]
            plain, at = "", at + len(symbol)
        return ids + self.merge(plain)

    def merge(self, text):
        parts = list(text)
        while True:
            best, best_score = None, None
            for i in range(len(parts) - 1):
                known = self.ids.get(parts[i] + parts[i + 1])
                if known is None:
                    continue
                if best is None or self.scores[known] > best_score:
                    best, best_score = i, self.scores[known]
            if best is None:
                break
            parts[best:best + 2] = [parts[best] + parts[best + 1]]
        ids = []
        for part in parts:
            if part in self.ids:
                ids.append(self.ids[part])
            else:
                ids += [self.ids[f"<0x{b:02X}>"] for b in part.encode()]
        return ids

    def decode(self, ids):
        data = b""
        for i in ids:
            if self.kinds[i] == BYTE:
                data += bytes([int(self.pieces[i][3:5], 16)])
            elif self.kinds[i] != CONTROL:
                data += self.pieces[i].replace(SPACE, " ").encode()
        return data.decode("utf-8", "replace")
