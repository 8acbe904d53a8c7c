// A receiver of the webhook in format `standard` for Convex: https://<deployment>.convex.site/tidings
//
//   npx convex env set TIDINGS_SECRET whsec_...

import { httpRouter } from "convex/server";
import { internal } from "./_generated/api";
import { httpAction } from "./_generated/server";

const bytes = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Whether one of our secrets signed these bytes, within the last five minutes. */
async function isSigned(headers: Headers, body: Uint8Array): Promise<boolean> {
  const secrets = (process.env.TIDINGS_SECRET ?? "").split(" ").filter(Boolean);
  const at = headers.get("webhook-timestamp") ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(at)) < 300)) return false;
  const head = new TextEncoder().encode(`${headers.get("webhook-id")}.${at}.`);
  const signed = new Uint8Array([...head, ...body]);
  const told = (headers.get("webhook-signature") ?? "").split(" ").filter((one) => one.startsWith("v1,"));
  for (const secret of secrets) {
    const mac = await crypto.subtle.importKey("raw", bytes(secret.slice("whsec_".length)), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const one of told) {
      // Compares in constant time.
      if (await crypto.subtle.verify("HMAC", mac, bytes(one.slice(3)), signed)) return true;
    }
  }
  return false;
}

const http = httpRouter();
http.route({
  path: "/tidings",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const isOurs = await isSigned(request.headers, body).catch(() => false);
    if (!isOurs) return new Response(null, { status: 400 });
    const { type, data } = JSON.parse(new TextDecoder().decode(body));
    if (type !== "test") {
      await ctx.runMutation(internal.customers.keep, {
        customer: data.customer.id,
        appUserId: data.customer.app_user_id,
        seq: data.customer_seq,
        access: data.access,
      });
    }
    return new Response(null, { status: 204 });
  }),
});
export default http;
