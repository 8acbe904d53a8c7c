// A receiver of the webhook in format `standard` for Supabase. The table is in ../../migrations. Deno, nothing else.
//
//   supabase secrets set TIDINGS_SECRET=whsec_...
//   supabase functions deploy tidings --no-verify-jwt   (the signature says who sent it, no JWT does)

const secrets = (Deno.env.get("TIDINGS_SECRET") ?? "").split(" ").filter(Boolean);
const url = Deno.env.get("SUPABASE_URL") ?? "";
const key = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "";
const bytes = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Whether one of our secrets signed these bytes, within the last five minutes. */
async function isSigned(headers: Headers, body: Uint8Array): Promise<boolean> {
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

Deno.serve(async (request) => {
  const body = new Uint8Array(await request.arrayBuffer());
  const is_ours = await isSigned(request.headers, body).catch(() => false);
  if (request.method !== "POST" || !is_ours) return new Response(null, { status: 400 });
  const { type, data } = JSON.parse(new TextDecoder().decode(body));
  if (type === "test") return new Response(null, { status: 204 });
  // Keeps what a customer may use, unless something newer is known: in one statement, so that two that come at once do no harm.
  const kept = await fetch(`${url}/rest/v1/rpc/keep_customer`, {
    method: "POST",
    headers: { apikey: key, authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ id: data.customer.id, app_user_id: data.customer.app_user_id, seq: data.customer_seq, access: data.access }),
  });
  await kept.body?.cancel();
  return new Response(null, { status: kept.ok ? 204 : 500 });
});
