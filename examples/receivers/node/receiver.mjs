// A receiver of the webhook in format `standard`. Node 18 or later, nothing else.
import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const secrets = (process.env.TIDINGS_SECRET ?? "").split(" ").filter(Boolean);
const file = process.env.STATE ?? "state.json";
const customers = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};

/** Whether one of our secrets signed these bytes, within the last five minutes. */
function isSigned(headers, body) {
  const at = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - at) < 300)) return false;
  const told = (headers["webhook-signature"] ?? "").split(" ");
  return secrets.some((secret) => {
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    const signed = createHmac("sha256", key).update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`).update(body);
    const expected = Buffer.from(`v1,${signed.digest("base64")}`);
    return told.some((one) => one.length === expected.length && timingSafeEqual(Buffer.from(one), expected));
  });
}

/** Keeps what a customer may use, unless something newer is known. */
function keep({ type, data }) {
  if (type === "test") return;
  const { customer, customer_seq: seq, access } = data;
  if (seq <= (customers[customer.id]?.seq ?? 0)) return;
  customers[customer.id] = { app_user_id: customer.app_user_id, seq, access };
  // Your database does this in one statement: insert ... on conflict (id) do update ... where excluded.seq > customers.seq
  writeFileSync(`${file}.new`, JSON.stringify(customers));
  renameSync(`${file}.new`, file);
}

const server = createServer(async (request, response) => {
  if (request.method !== "POST") {
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify(customers));
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  if (!isSigned(request.headers, body)) {
    response.statusCode = 400;
    return response.end();
  }
  keep(JSON.parse(body.toString("utf8")));
  response.statusCode = 204;
  response.end();
});
server.listen(Number(process.env.PORT ?? 8787), "127.0.0.1");
