#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// What the tokenizers library makes of tokenizer_texts.py's texts, for each
// splitting rule, with the vocabulary of tokenizer_byte_level.py.
//
// usage: npm install tokenizers@0.23.2
//        node tokenizer_oracle.mjs FOLDER MERGES.json
// writes FOLDER/RULE.hashes
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.resolve('package.json'));
const { Tokenizer } = require('tokenizers');

// As the makers of each vocabulary publish them.
const LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+" +
  '|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const TEKKEN =
  '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*' +
  '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+' +
  '|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+' +
  '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*' +
  '|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const bytes = (useRegex) => ({ type: 'ByteLevel', add_prefix_space: false,
                               trim_offsets: false, use_regex: useRegex });
const split = (regex) => ({ type: 'Split', pattern: { Regex: regex },
                            behavior: 'Isolated', invert: false });
const digits = { type: 'Digits', individual_digits: true };
const RULES = {
  gpt2: { steps: [bytes(true)] },
  digits: { steps: [digits, bytes(true)] },
  llama3: { steps: [split(LLAMA3), bytes(false)], wholeWords: true },
  qwen2: { steps: [split(LLAMA3.replace('{1,3}', '')), bytes(false)] },
  tekken: { steps: [split(TEKKEN), bytes(false)], wholeWords: true },
};

const make = ({ steps, wholeWords = false }, { tokens, merges }) =>
  Tokenizer.fromString(JSON.stringify({
    version: '1.0', truncation: null, padding: null, added_tokens: [],
    normalizer: null, post_processor: null, decoder: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: steps },
    model: { type: 'BPE', dropout: null, unk_token: null,
             continuing_subword_prefix: null, end_of_word_suffix: null,
             fuse_unk: false, byte_fallback: false,
             ignore_merges: wholeWords, merges,
             vocab: Object.fromEntries(tokens.map((t, i) => [t, i])) },
  }));

// Texts that are UTF-8: the library takes no others.
const readTexts = (file) => {
  const texts = [];
  for (let at = 0; at < file.length;) {
    const length = file.readUInt16LE(at);
    texts.push(file.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return texts.slice(0, texts.length - Math.floor(texts.length / 10))
    .map((text) => text.toString('utf8'));
};

const hash = (ids) => {
  let value = 0x811c9dc5;
  for (const id of ids)
    for (let shift = 0; shift < 32; shift += 8)
      value = Math.imul(value ^ (id >>> shift & 0xff), 0x01000193) >>> 0;
  return value;
};

const main = async (folder, merges) => {
  const texts = readTexts(fs.readFileSync(`${folder}/texts.bin`));
  const vocabulary = JSON.parse(fs.readFileSync(merges, 'utf8'));
  for (const [name, rule] of Object.entries(RULES)) {
    const tokenizer = make(rule, vocabulary);
    const out = Buffer.alloc(4 * texts.length);
    for (const [i, text] of texts.entries()) {
      const made = await tokenizer.encode(text);
      out.writeUInt32LE(hash(made.getIds()), 4 * i);
    }
    fs.writeFileSync(`${folder}/${name}.hashes`, out);
  }
};

await main(process.argv[2], process.argv[3]);
