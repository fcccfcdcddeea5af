// SPDX-License-Identifier: Apache-2.0
// A reader of C2SP's tlog-tiles that shares no line with the one in C: RFC 6962
// by its recursion, Ed25519 and SHA-256 of node:crypto.
//   node tlog.mjs FOLDER LOG-KEY [PROOF ENTRY WITNESS-KEY...]
// Every file that the checkpoint covers is read and hashed to its root; then
// the proof is judged.  Exits with 0 if all of it holds.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, logKeyFile, proofFile, entryFile, ...witnessFiles] = process.argv.slice(2);

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const leafHash = (entry) => sha256(Buffer.of(0), entry);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

function must(claim, what) {
  if (!claim) {
    console.error(`tlog.mjs: ${what}`);
    process.exit(1);
  }
}

function parseKey(text) {
  const [name, id, ...rest] = text.trim().split('+');
  const raw = Buffer.from(rest.join('+'), 'base64');
  must(raw.length === 33, 'a key of 33 bytes');
  const computed = sha256(`${name}\n`, raw).subarray(0, 4).toString('hex');
  must(computed === id, `the id of ${name}: ${computed}, not ${id}`);
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw.subarray(1)]);
  return { name, id, type: raw[0], key: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

// The text and the signatures under it.
function parseNote(bytes) {
  const note = bytes.toString('utf8');
  const at = note.lastIndexOf('\n\n');
  must(at >= 0 && note.endsWith('\n'), 'a note');
  const signatures = note.slice(at + 2, -1).split('\n').map((line) => {
    const match = /^\u2014 (\S+) ([A-Za-z0-9+/]+=*)$/.exec(line);
    must(match, `a signature line: ${line}`);
    const raw = Buffer.from(match[2], 'base64');
    return { name: match[1], id: raw.subarray(0, 4).toString('hex'), raw: raw.subarray(4) };
  });
  return { text: note.slice(0, at + 1), signatures };
}

function isSignedBy(note, key) {
  const own = note.signatures.filter((s) => s.name === key.name && s.id === key.id);
  return own.length > 0 && own.every(({ raw }) => {
    if (key.type === 1) return verify(null, Buffer.from(note.text), key.key, raw);
    const time = raw.readBigUInt64BE(0);
    return verify(null, Buffer.from(`cosignature/v1\ntime ${time}\n${note.text}`), key.key, raw.subarray(8));
  });
}

function parseCheckpoint(note, key) {
  const [origin, size, root] = note.text.split('\n');
  must(origin === key.name, 'the origin is the name of the key');
  must(isSignedBy(note, key), 'the log signed its checkpoint');
  return { size: Number(size), root: Buffer.from(root, 'base64') };
}

function rootOf(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

function tilePath(level, index, width) {
  let path = String(index % 1000).padStart(3, '0');
  for (index = Math.floor(index / 1000); index > 0; index = Math.floor(index / 1000))
    path = `x${String(index % 1000).padStart(3, '0')}/${path}`;
  return join(folder, 'tile', String(level), path + (width < 256 ? `.p/${width}` : ''));
}

// Every tile of a level has the hashes that it should; returns those above.
function checkLevel(level, hashes) {
  const above = [];
  for (let at = 0; at < hashes.length; at += 256) {
    const some = hashes.slice(at, at + 256);
    const tile = readFileSync(tilePath(level, at / 256, some.length));
    must(tile.equals(Buffer.concat(some)), `tile ${level}/${at / 256}`);
    if (some.length === 256) above.push(rootOf(some));
  }
  return above;
}

function readEntries(size) {
  const entries = [];
  for (let at = 0; at < size; at += 256) {
    const width = Math.min(256, size - at);
    const bundle = readFileSync(tilePath('entries', at / 256, width));
    let offset = 0;
    for (let i = 0; i < width; i++) {
      const length = bundle.readUInt16BE(offset);
      entries.push(bundle.subarray(offset + 2, offset + 2 + length));
      offset += 2 + length;
    }
    must(offset === bundle.length, `bundle ${at / 256} ends with its last entry`);
  }
  return entries;
}

const logKey = parseKey(readFileSync(logKeyFile, 'utf8'));
const head = parseCheckpoint(parseNote(readFileSync(join(folder, 'checkpoint'))), logKey);
const leaves = readEntries(head.size).map(leafHash);
must(rootOf(leaves).equals(head.root), 'the entries have the root that is signed');
for (let level = 0, hashes = leaves; hashes.length > 0; level++) hashes = checkLevel(level, hashes);
console.log(`${head.size} entries have the root that ${logKey.name} signed`);

// The path of RFC 6962, 2.1.1, from the root downwards.
function pathRoot(leaf, index, size, path) {
  if (size === 1) {
    must(path.length === 0, 'the path has no hash too many');
    return leaf;
  }
  must(path.length > 0, 'the path has no hash too few');
  let split = 1;
  while (split * 2 < size) split *= 2;
  const rest = path.slice(0, -1);
  const last = path[path.length - 1];
  return index < split
    ? nodeHash(pathRoot(leaf, index, split, rest), last)
    : nodeHash(last, pathRoot(leaf, index - split, size - split, rest));
}

if (proofFile !== undefined) {
  const proof = readFileSync(proofFile);
  const at = proof.indexOf('\n\n');
  const [first, index, ...path] = proof.subarray(0, at).toString().split('\n');
  must(first === 'c2sp.org/tlog-proof@v1' && /^index \d+$/.test(index), 'the form of a proof');
  const note = parseNote(proof.subarray(at + 2));
  const proven = parseCheckpoint(note, logKey);
  const root = pathRoot(leafHash(readFileSync(entryFile)), Number(index.slice(6)), proven.size,
    path.map((line) => Buffer.from(line, 'base64')));
  must(root.equals(proven.root), 'the path leads to the root');
  for (const file of witnessFiles)
    must(isSignedBy(note, parseKey(readFileSync(file, 'utf8'))), `cosigned: ${file}`);
  console.log(`the proof holds, with ${witnessFiles.length} witnesses`);
}
