// SPDX-License-Identifier: Apache-2.0
// What llama.cpp computes of the tiny files, by way of node-llama-cpp.
//
// usage: make_peer.mjs FOLDER      (needs npm: node-llama-cpp 3.22.1)
//
// Writes FOLDER/peer.golden.  For each NAME.gguf of the folder, records
//
//   NAME.tokens   a prompt, and what llama.cpp goes on with, greedily
//   NAME.prompt   how many of these are the prompt
//   NAME.logits   after the prompt and every one that follows, side by side
//
// Keys and values are kept in F32, so that llama.cpp rounds as little as we.
import fs from "node:fs";
import path from "node:path";
import {getLlama} from "node-llama-cpp";

const PROMPT = [1, 17, 63, 3, 42, 42, 8, 60, 31, 5, 33, 50];
const LENGTH = 32;
const VOCABULARY = 64;

function record(name, values) {
    const label = Buffer.from(name);
    const out = Buffer.alloc(8 + label.length + 4 * values.length);
    let at = out.writeUInt32LE(label.length);
    at += label.copy(out, at);
    at = out.writeUInt32LE(values.length, at);
    for (const value of values)
        at = out.writeFloatLE(value, at);
    return out;
}

// One token in, all logits out.
async function logitsAfter(sequence, token) {
    const results = await sequence.controlledEvaluate(
        [[token, {generateNext: {logits: true}}]]);
    const logits = new Float32Array(VOCABULARY).fill(NaN);
    for (const [id, logit] of results[0].next.logits)
        logits[id] = logit;
    if (logits.some(Number.isNaN))
        throw new Error("a logit is missing");
    return logits;
}

async function run(llama, file) {
    const model = await llama.loadModel({modelPath: file, gpuLayers: 0});
    const context = await model.createContext({
        contextSize: 64, threads: 1, flashAttention: false,
        experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"});
    const sequence = context.getSequence();
    const tokens = [...PROMPT], all = [];
    for (let i = 0; i < LENGTH; i++) {
        const logits = await logitsAfter(sequence, tokens[i]);
        if (i + 1 >= PROMPT.length)
            all.push(...logits);
        if (i + 1 === tokens.length && tokens.length < LENGTH)
            tokens.push(logits.indexOf(Math.max(...logits)));
    }
    await context.dispose();
    await model.dispose();
    return {tokens, logits: all};
}

const folder = process.argv[2];
const llama = await getLlama({build: "never", gpu: false, maxThreads: 1,
                              logLevel: "warn"});
const out = [];
for (const file of fs.readdirSync(folder).sort()) {
    if (!file.endsWith(".gguf"))
        continue;
    const name = path.basename(file, ".gguf");
    const {tokens, logits} = await run(llama, path.join(folder, file));
    out.push(record(`${name}.tokens`, tokens),
             record(`${name}.prompt`, [PROMPT.length]),
             record(`${name}.logits`, logits));
    console.log(name, tokens.slice(PROMPT.length).join(" "));
}
fs.writeFileSync(path.join(folder, "peer.golden"), Buffer.concat(out));
process.exit(0);
