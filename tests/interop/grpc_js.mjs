// SPDX-License-Identifier: Apache-2.0
//
// @grpc/grpc-js against the front of a node.
//   PCC_NODE_GRPC    such as unix:/run/pcc/node.sock or 127.0.0.1:50051
//   PCC_NODE_PROTO   node.proto, where it is not ../../node/node.proto
//   PCC_HEALTH_PROTO likewise for ../../node/health.proto

import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import { address, claim, run } from "./report.mjs";

const target = address("PCC_NODE_GRPC");
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const load = (path) => grpc.loadPackageDefinition(loader.loadSync(path, {
  keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
}));
const plain = grpc.credentials.createInsecure();
const nodeProto = process.env.PCC_NODE_PROTO ?? here("../../node/node.proto");
const healthProto =
  process.env.PCC_HEALTH_PROTO ?? here("../../node/health.proto");
const soon = () => ({ deadline: Date.now() + 20_000 });

const node = new (load(nodeProto).pcc.node.v1.Node)(target, plain);
const health = new (load(healthProto).grpc.health.v1.Health)(target, plain);

const unary = (client, method, request) => new Promise((resolve, reject) =>
  client[method](request, new grpc.Metadata(), soon(),
    (error, answer) => (error ? reject(error) : resolve(answer))));

/* The events of a stream to its end: messages, then the status. */
const collect = (stream) => new Promise((resolve) => {
  const messages = [];
  stream.on("data", (message) => messages.push(message));
  stream.on("error", () => {});
  stream.on("status", (status) => resolve({ messages, status }));
});

async function attestation() {
  const now = Math.floor(Date.now() / 1000);
  const cached = await unary(node, "GetAttestation", {});
  claim(cached.bundle.length > 200 && cached.next_refresh > now,
    "GetAttestation gives a bundle and when to ask again");
  const nonce = Buffer.alloc(32, 5);
  const fresh = await unary(node, "GetAttestation", { nonce });
  claim(!fresh.bundle.equals(cached.bundle),
    "GetAttestation makes a fresh bundle for a nonce");
  const error = await unary(node, "GetAttestation", { nonce: Buffer.alloc(5) })
    .then(() => null, (e) => e);
  claim(error?.code === grpc.status.INVALID_ARGUMENT,
    "a nonce of another length is refused");
  return cached.bundle;
}

async function load_() {
  const stream = node.WatchLoad({}, new grpc.Metadata(), soon());
  const first = await new Promise((resolve, reject) => {
    stream.once("data", resolve);
    stream.once("error", reject);
  });
  stream.on("error", () => {});
  stream.cancel();
  claim(first.capacity >= 1 && first.draining === false,
    "WatchLoad tells the load at once");
}

async function checks() {
  const whole = await unary(health, "Check", {});
  claim(whole.status === "SERVING", "health: the server serves");
  const one = await unary(health, "Check", { service: "pcc.node.v1.Node" });
  claim(one.status === "SERVING", "health: the service serves");
  const none = await unary(health, "Check", { service: "no.such" })
    .then(() => null, (error) => error);
  claim(none?.code === grpc.status.NOT_FOUND,
    "health: an unknown service is NOT_FOUND");
}

async function reflection(version) {
  const info = load(here("reflection.proto")).grpc.reflection.v1
    .ServerReflection.service.ServerReflectionInfo;
  const path = `/grpc.reflection.${version}.ServerReflection/` +
    "ServerReflectionInfo";
  const client = new grpc.Client(target, plain);
  const stream = client.makeBidiStreamRequest(path, info.requestSerialize,
    info.responseDeserialize, new grpc.Metadata(), soon());
  const answers = collect(stream);
  stream.write({ list_services: "*" });
  stream.write({ file_containing_symbol: "pcc.node.v1.Node" });
  stream.end();
  const { messages } = await answers;
  const names = messages[0].list_services_response.service.map((s) => s.name);
  claim(names.includes("pcc.node.v1.Node"),
    `reflection ${version} lists the service`);
  const file = messages[1].file_descriptor_response.file_descriptor_proto[0];
  claim(file.includes("GetAttestation"),
    `reflection ${version} describes the service`);
  client.close();
}

/* The node's id, as the statement holds it: bytes 5.. after key and head. */
function idIn(bundle) {
  const mark = Buffer.from([0x01, 0x02, 0x02, 0x58, 0x20]);
  const at = bundle.indexOf(mark);
  claim(at > 0, "the bundle holds a node statement");
  return bundle.subarray(at + mark.length, at + mark.length + 32);
}

async function serve(steps) {
  const stream = node.Serve(new grpc.Metadata(), soon());
  const answers = collect(stream);
  for (const step of steps) stream.write(step);
  stream.end();
  return answers;
}

async function states(node_id) {
  const setup = { setup: { node_id, form: "FORM_CHUNKED" } };
  const noise = { chunk: { data: Buffer.alloc(100, 1), last: true } };
  const started = await serve([setup, noise]);
  claim(started.messages[0]?.setup_ack?.node_id.equals(node_id),
    "Serve acknowledges a setup under its own id");
  claim(started.status.code !== grpc.status.OK,
    "Serve does not answer bytes that are no request");
  const stranger = Buffer.from(node_id);
  stranger[0] ^= 1;
  const other = await serve([
    { setup: { node_id: stranger, form: "FORM_CHUNKED" } }]);
  claim(other.status.code === grpc.status.NOT_FOUND,
    "Serve refuses a setup for another node");
  claim((await serve([noise])).status.code === grpc.status.FAILED_PRECONDITION,
    "Serve refuses a chunk before the setup");
  const wrong = await serve([{ setup: { node_id: Buffer.alloc(3) } }]);
  claim(wrong.status.code === grpc.status.INVALID_ARGUMENT,
    "Serve refuses a setup that does not parse");
}

run(async () => {
  const bundle = await attestation();
  await load_();
  await checks();
  await reflection("v1");
  await reflection("v1alpha");
  await states(idIn(bundle));
});
