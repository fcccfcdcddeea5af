// SPDX-License-Identifier: Apache-2.0
//
// Requests that other people's HPKE and Binary HTTP compose, through the
// gateway: OHTTP (RFC 9458) and chunked OHTTP, made here from the two.
//   PCC_GATEWAY_URL   such as http://127.0.0.1:8080
//   PCC_MODEL_NAME         the name of its model, where it is not home

import { createHmac, webcrypto } from "node:crypto";
import {
  Aes128Gcm, Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256,
} from "@hpke/core";
import { BHttpDecoder, BHttpEncoder } from "bhttp-js";
import { address, claim, run } from "./report.mjs";

globalThis.crypto ??= webcrypto; // Node 18
const gateway = address("PCC_GATEWAY_URL");
const text = (string) => Buffer.from(string, "latin1");
const AEADS = { 1: [new Aes128Gcm(), 16], 2: [new Aes256Gcm(), 32] };

async function keyConfigs() {
  const answer = await fetch(`${gateway}/.well-known/ohttp-gateway`);
  claim(answer.headers.get("content-type") === "application/ohttp-keys",
    "keys are found where RFC 9540 says");
  const list = Buffer.from(await answer.arrayBuffer());
  const length = list.readUInt16BE(0);
  const config = list.subarray(2, 2 + length);
  const pairs = [];
  for (let at = 37; at < 37 + config.readUInt16BE(35); at += 4)
    pairs.push(config.readUInt16BE(at + 2));
  return {
    id: config[0], kem: config.readUInt16BE(1),
    key: config.subarray(3, 35), aeads: pairs,
  };
}

async function nodeId() {
  const list = await (await fetch(`${gateway}/v1/nodes`)).json();
  return list.nodes[0].id;
}

async function begin(config, aead, label) {
  const header = Buffer.alloc(7);
  header[0] = config.id;
  header.writeUInt16BE(config.kem, 1);
  header.writeUInt16BE(1, 3);
  header.writeUInt16BE(aead, 5);
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(),
    aead: AEADS[aead][0],
  });
  const recipientPublicKey =
    await suite.kem.deserializePublicKey(new Uint8Array(config.key).buffer);
  const sender = await suite.createSenderContext({
    recipientPublicKey, info: Buffer.concat([text(`${label} request\0`), header]),
  });
  return {
    sender, header: Buffer.concat([header, Buffer.from(sender.enc)]),
    secret: (length) => sender.export(text(`${label} response`), length),
  };
}

const hmac = (key, data) => createHmac("sha256", key).update(data).digest();
const expand = (prk, info, length) =>
  hmac(prk, Buffer.concat([text(info), Buffer.from([1])])).subarray(0, length);

/* The keys of a response: plain HKDF, without HPKE's labels. */
async function responseKeys(exchange, aead, nonce) {
  const length = AEADS[aead][1];
  const enc = Buffer.from(exchange.sender.enc);
  const secret = Buffer.from(await exchange.secret(length));
  const prk = hmac(Buffer.concat([enc, nonce]), secret);
  const key = await crypto.subtle.importKey("raw", expand(prk, "key", length),
    "AES-GCM", false, ["decrypt"]);
  return { key, nonce: expand(prk, "nonce", 12) };
}

async function open({ key, nonce }, counter, aad, sealed) {
  const iv = Buffer.from(nonce);
  for (let i = 0; i < 4; i++) iv[11 - i] ^= (counter >>> (8 * i)) & 255;
  return Buffer.from(await crypto.subtle.decrypt(
    { name: "AES-GCM", iv, additionalData: text(aad) }, key, sealed));
}

const varint = (value) => {
  if (value < 64) return Buffer.from([value]);
  const out = Buffer.alloc(value < 16384 ? 2 : 4);
  if (value < 16384) out.writeUInt16BE(value | 0x4000);
  else out.writeUInt32BE((value | 0x80000000) >>> 0);
  return out;
};

function takeVarint(bytes, at) {
  const length = 1 << (bytes[at] >> 6);
  let value = bytes[at] & 63;
  for (let i = 1; i < length; i++) value = value * 256 + bytes[at + i];
  return [value, at + length];
}

function innerRequest(body) {
  return new BHttpEncoder().encodeRequest(
    new Request("https://node.invalid/v1/chat/completions", {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }));
}

async function send(body, type, id) {
  const answer = await fetch(`${gateway}/`, {
    method: "POST", headers: { "content-type": type, "pcc-node": id }, body,
  });
  return {
    status: answer.status, type: answer.headers.get("content-type"),
    body: Buffer.from(await answer.arrayBuffer()),
  };
}

async function unchunked(config, aead, id) {
  const exchange = await begin(config, aead, "message/bhttp");
  const inner = Buffer.from(await innerRequest(question(false)));
  const sealed = Buffer.from(await exchange.sender.seal(inner));
  const answer = await send(Buffer.concat([exchange.header, sealed]),
    "message/ohttp-req", id);
  claim(answer.status === 200 && answer.type === "message/ohttp-res",
    `AEAD ${aead}: an OHTTP request is answered in kind`);
  const length = AEADS[aead][1];
  const keys = await responseKeys(exchange, aead, answer.body.subarray(0, length));
  return open(keys, 0, "", answer.body.subarray(length));
}

/* In pieces of odd sizes, as nothing binds them to the inner message's. */
async function sealChunks(exchange, inner, size) {
  const parts = [exchange.header];
  let at = 0;
  for (; inner.length - at > size; at += size) {
    const sealed = Buffer.from(
      await exchange.sender.seal(inner.subarray(at, at + size)));
    parts.push(varint(sealed.length), sealed);
  }
  parts.push(varint(0), Buffer.from(
    await exchange.sender.seal(inner.subarray(at), text("final"))));
  return Buffer.concat(parts);
}

async function openChunks(exchange, aead, body) {
  const length = AEADS[aead][1];
  const keys = await responseKeys(exchange, aead, body.subarray(0, length));
  const parts = [];
  for (let at = length, counter = 0; ; counter++) {
    const [size, begin_] = takeVarint(body, at);
    if (size === 0) {
      parts.push(await open(keys, counter, "final", body.subarray(begin_)));
      return Buffer.concat(parts);
    }
    parts.push(await open(keys, counter, "", body.subarray(begin_, begin_ + size)));
    at = begin_ + size;
  }
}

async function chunked(config, aead, id, stream) {
  const exchange = await begin(config, aead, "message/bhttp chunked");
  const inner = Buffer.from(await innerRequest(question(stream)));
  const answer = await send(await sealChunks(exchange, inner, 37),
    "message/ohttp-chunked-req", id);
  claim(answer.status === 200 && answer.type === "message/ohttp-chunked-res",
    `AEAD ${aead}: a chunked request is answered in kind`);
  return openChunks(exchange, aead, answer.body);
}

let model;
const question = (stream) => ({
  model, stream, max_tokens: 8, temperature: 0,
  messages: [{ role: "user", content: "Hello" }],
});

async function asJson(bhttp) {
  const answer = await readIndeterminate(bhttp);
  claim(answer.status === 200, "the inner answer is 200");
  return JSON.parse(answer.content);
}

/* bhttp-js reads known lengths alone; the node answers in the other form. */
async function readIndeterminate(bytes) {
  if (bytes[0] === 1) {
    const known = new BHttpDecoder().decodeResponse(bytes);
    return { status: known.status, content: await known.text() };
  }
  claim(bytes[0] === 3, "the inner answer is of indeterminate length");
  let [status, at] = takeVarint(bytes, 1);
  for (let length; ;) {
    [length, at] = takeVarint(bytes, at);
    if (length === 0) break;
    at += length;
    [length, at] = takeVarint(bytes, at);
    at += length;
  }
  const content = [];
  for (let length; ;) {
    [length, at] = takeVarint(bytes, at);
    if (length === 0) break;
    content.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { status, content: Buffer.concat(content).toString() };
}

async function tampered(config, id) {
  const exchange = await begin(config, 1, "message/bhttp");
  const inner = Buffer.from(await innerRequest(question(false)));
  const sealed = Buffer.from(await exchange.sender.seal(inner));
  sealed[sealed.length - 1] ^= 1;
  const answer = await send(Buffer.concat([exchange.header, sealed]),
    "message/ohttp-req", id);
  claim(answer.status !== 200 || answer.body.length > 0,
    "a flipped bit does not hang the node");
  claim(!answer.body.includes("choices"),
    "a flipped bit is not answered as a request");
}

async function unknownKey(config, id) {
  const exchange = await begin({ ...config, id: (config.id + 100) & 255 }, 1,
    "message/bhttp");
  const sealed = Buffer.from(await exchange.sender.seal(text("x")));
  const answer = await send(Buffer.concat([exchange.header, sealed]),
    "message/ohttp-req", id);
  claim(answer.status === 401 && answer.type === "application/problem+json" &&
    answer.body.includes("http-problem-types#ohttp-key"),
    "an unknown key is the registered problem ohttp-key");
}

run(async () => {
  const config = await keyConfigs();
  const id = await nodeId();
  model = process.env.PCC_MODEL_NAME ?? "home";
  claim(config.kem === 0x20 && config.aeads.includes(1),
    "the key is X25519 with AES-128-GCM");
  for (const aead of config.aeads.filter((one) => AEADS[one])) {
    const plain = await asJson(await unchunked(config, aead, id));
    claim(plain.object === "chat.completion",
      `AEAD ${aead}: the OHTTP answer opens to a completion`);
    const pieces = await asJson(await chunked(config, aead, id, false));
    claim(pieces.object === "chat.completion",
      `AEAD ${aead}: the chunked answer opens to a completion`);
  }
  const events = await readIndeterminate(await chunked(config, 1, id, true));
  claim(events.content.includes("data: [DONE]"),
    "a streamed answer opens to its last event");
  await tampered(config, id);
  await unknownKey(config, id);
}, 180);
