// Hosts convex-revenuecat as it is published, in Convex's own runtime for tests, behind a socket. What it refuses is kept, and told with the state.
import { createServer } from "node:http";
import { componentsGeneric, defineSchema, httpRouter } from "convex/server";
import { convexTest } from "convex-test";
import { readdirSync } from "node:fs";
import { RevenueCat } from "convex-revenuecat";

const folder = new URL("./node_modules/convex-revenuecat/dist/component/", import.meta.url);
const files = (at, prefix) =>
  readdirSync(at, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return files(new URL(`${entry.name}/`, at), `${prefix}${entry.name}/`);
    return entry.name.endsWith(".js") ? [[prefix + entry.name, new URL(entry.name, at)]] : [];
  });
const modules = Object.fromEntries(files(folder, "./component/").map(([name, url]) => [name, () => import(url)]));
const schema = (await import(new URL("schema.js", folder))).default;
const component = componentsGeneric().revenuecat;
const revenuecat = new RevenueCat(component, { REVENUECAT_WEBHOOK_AUTH: process.env.AUTH });
const http = httpRouter();
http.route({ path: "/webhooks/revenuecat", method: "POST", handler: revenuecat.httpHandler() });
const root = { "./convex/http.js": async () => ({ default: http }), "./convex/_generated/api.js": async () => ({}) };
const t = convexTest(defineSchema({}), root);
t.registerComponent("revenuecat", schema, modules);
const refused = [];
let turn = Promise.resolve();
createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  if (request.method === "GET") {
    const users = new URL(request.url, "http://x").searchParams.get("users").split(",");
    const state = {};
    for (const user of users) {
      const active = await t.query(component.entitlements.getActive, { appUserId: user });
      state[user] = active.map((one) => one.entitlementId).sort();
    }
    return response.end(JSON.stringify({ state, refused }));
  }
  const body = Buffer.concat(parts);
  turn = turn.then(async () => {
    const answer = await t.fetch("/webhooks/revenuecat", { method: "POST", body, headers: { authorization: request.headers.authorization ?? "" } });
    const text = await answer.text();
    if (answer.status !== 200) refused.push([answer.status, text, body.toString("utf8").slice(0, 300)]);
    response.statusCode = answer.status;
    if (answer.headers.get("retry-after")) response.setHeader("retry-after", answer.headers.get("retry-after"));
    response.end(text);
  });
}).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
