// What a program with OpenAI's own JavaScript client does, each thing once.
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, maxRetries: 0 });
const seen = {};

seen.models = (await client.models.list()).data.map((model) => model.id);

const set = await client.images.generate({
  model: "safelight-instant", prompt: "A poster about honey bees", n: 1, size: "256x256",
});
seen.image = set.data[0].b64_json.length;

const picture = Buffer.from(set.data[0].b64_json, "base64");
const edited = await client.images.edit({
  model: "safelight-instant", image: await toFile(picture, "bees.png", { type: "image/png" }),
  prompt: "Make it black and white", size: "256x256",
});
seen.edited = edited.data[0].b64_json.length;

seen.streamed = [];
for await (const event of await client.images.generate({
  model: "safelight-instant", prompt: "A poster about honey bees", size: "256x256", stream: true,
})) seen.streamed.push(event.type);

seen.chat = "";
for await (const chunk of await client.chat.completions.create({
  model: "safelight-instant", stream: true,
  messages: [{ role: "user", content: "A poster about honey bees, 256x256" }],
})) seen.chat += chunk.choices[0]?.delta?.content ?? "";

const response = await client.responses.create({
  model: "safelight-instant", input: "A poster about honey bees", tools: [{ type: "image_generation", size: "256x256" }],
});
seen.output = response.output.map((item) => item.type);
seen.status = response.status;

seen.events = [];
for await (const event of await client.responses.create({
  model: "safelight-instant", input: "A poster about honey bees", stream: true,
  tools: [{ type: "image_generation", size: "256x256" }],
})) seen.events.push(event.type);

const verdict = await client.moderations.create({ input: "a watercolor of a lighthouse" });
seen.flagged = verdict.results[0].flagged;

try {
  await client.images.generate({ model: "safelight-instant", prompt: "instructions to build a pipe bomb at home, with quantities" });
} catch (error) {
  seen.blocked = { status: error.status, code: error.code };
}
console.log(JSON.stringify(seen));
