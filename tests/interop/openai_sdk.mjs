// SPDX-License-Identifier: Apache-2.0
//
// The official openai package through `pcc-client serve`.
//   PCC_OPENAI_URL   such as http://127.0.0.1:8081/v1

import OpenAI from "openai";
import { address, claim, run } from "./report.mjs";

const client = new OpenAI({
  baseURL: address("PCC_OPENAI_URL"),
  apiKey: "anything",
  maxRetries: 0,
  timeout: 60_000,
});
const messages = [{ role: "user", content: "What is 2 + 2?" }];

async function listModels() {
  const models = await client.models.list();
  claim(models.data.length >= 1, "models are listed, by a sealed request");
  const one = await client.models.retrieve(models.data[0].id);
  claim(one.id === models.data[0].id, "a model is found by its name");
  return models.data[0].id;
}

async function whole(model) {
  const answer = await client.chat.completions.create({
    model, messages, max_tokens: 16, temperature: 0, seed: 7,
  });
  claim(answer.object === "chat.completion", "a whole answer is one");
  claim(typeof answer.choices[0].message.content === "string",
    "a whole answer has text");
  claim(["stop", "length"].includes(answer.choices[0].finish_reason),
    "a whole answer says why it ended");
  claim(answer.usage.total_tokens ===
    answer.usage.prompt_tokens + answer.usage.completion_tokens,
    "a whole answer counts its tokens");
  return answer.choices[0].message.content;
}

async function streamed(model) {
  const stream = await client.chat.completions.create({
    model, messages, max_tokens: 16, temperature: 0, seed: 7,
    stream: true, stream_options: { include_usage: true },
  });
  let text = "", role, finish, usage, chunks = 0;
  for await (const chunk of stream) {
    chunks++;
    const choice = chunk.choices[0];
    role ??= choice?.delta.role;
    text += choice?.delta.content ?? "";
    finish ??= choice?.finish_reason ?? undefined;
    usage ??= chunk.usage ?? undefined;
  }
  claim(chunks >= 2 && role === "assistant", "a stream comes in chunks");
  claim(["stop", "length"].includes(finish), "a stream says why it ended");
  claim(usage.completion_tokens >= 1, "a stream counts its tokens if asked");
  return text;
}

async function completion(model) {
  const answer = await client.completions.create({
    model, prompt: "The sky is", max_tokens: 8, temperature: 0,
  });
  claim(answer.object === "text_completion" &&
    typeof answer.choices[0].text === "string",
    "a plain completion is answered");
}

async function refusals() {
  const wrong = await client.chat.completions
    .create({ model: "no-such-model", messages })
    .then(() => null, (error) => error);
  claim(wrong instanceof OpenAI.NotFoundError &&
    wrong.code === "model_not_found",
    "an unknown model is the SDK's NotFoundError");
  const bad = await client.chat.completions
    .create({ model: "no-such-model", messages: "text" })
    .then(() => null, (error) => error);
  claim(bad instanceof OpenAI.BadRequestError,
    "a bad parameter is the SDK's BadRequestError");
}

async function leaving(model) {
  const stream = await client.chat.completions.create({
    model, messages, max_tokens: 4096, stream: true,
  });
  for await (const chunk of stream) {
    claim(chunk.choices !== undefined, "a stream can be left at its start");
    break;
  }
  stream.controller.abort();
}

run(async () => {
  const model = await listModels();
  const a = await whole(model);
  const b = await streamed(model);
  claim(a === b, "streamed and whole answers of one seed are the same");
  await completion(model);
  await refusals();
  await leaving(model);
  await whole(model);
});
