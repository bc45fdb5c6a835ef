// What an application on the Vercel AI SDK does: text with reasoning, streamed, and images.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage, generateText, streamText } from "ai";

const safelight = createOpenAICompatible({ name: "safelight", baseURL: process.env.BASE_URL, apiKey: "none" });
const prompt = "A poster about honey bees, 256x256";
const seen = {};

const answer = await generateText({ model: safelight("safelight-thinking"), prompt, maxRetries: 0 });
seen.text = answer.text;
seen.reasoning = answer.reasoningText ?? "";

const stream = streamText({ model: safelight("safelight-instant"), prompt, maxRetries: 0 });
seen.parts = [];
for await (const part of stream.fullStream) if (!seen.parts.includes(part.type)) seen.parts.push(part.type);

const { images } = await generateImage({
  model: safelight.imageModel("safelight-instant"), prompt: "A poster about honey bees", n: 2, size: "256x256", maxRetries: 0,
});
seen.images = images.map((image) => image.mediaType);
console.log(JSON.stringify(seen));
