// Verifies what comes with the reference library of Standard Webhooks, and counts it by path. Answers handshakes of both editions.
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const library = new Webhook(process.env.SECRET);
const seen = {};
createServer(async (request, response) => {
  response.setHeader("content-type", "application/json");
  if (request.method === "GET") return response.end(JSON.stringify(seen));
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts).toString("utf8");
  const of = (seen[request.url] ??= { verified: 0, asked: 0, refused: [] });
  try {
    const event = library.verify(body, request.headers);
    of.verified += 1;
    if (Object.keys(event).length === 0 || "adapty_check" in event) of.asked += 1;
    response.end(JSON.stringify({ adapty_check_response: event.adapty_check }));
  } catch (error) {
    of.refused.push(`${error}`);
    response.statusCode = 400;
    response.end("{}");
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
