// A receiver of the webhook in format `standard` for Firebase: a Node function that keeps what customers may use in Firestore.
//
//   firebase functions:secrets:set TIDINGS_SECRET
//   firebase deploy --only functions

const { createHmac, timingSafeEqual } = require("node:crypto");
const { initializeApp } = require("firebase-admin/app");
const { getFirestore } = require("firebase-admin/firestore");
const { defineSecret } = require("firebase-functions/params");
const { onRequest } = require("firebase-functions/v2/https");

initializeApp();
const secret = defineSecret("TIDINGS_SECRET");

/** Whether one of our secrets signed these bytes, within the last five minutes. */
function isSigned(request) {
  const at = request.get("webhook-timestamp");
  if (!(Math.abs(Date.now() / 1000 - Number(at)) < 300)) return false;
  const told = (request.get("webhook-signature") ?? "").split(" ");
  return secret.value().split(" ").some((one) => {
    const key = Buffer.from(one.slice("whsec_".length), "base64");
    const signed = createHmac("sha256", key).update(`${request.get("webhook-id")}.${at}.`).update(request.rawBody);
    const expected = Buffer.from(`v1,${signed.digest("base64")}`);
    return told.some((word) => word.length === expected.length && timingSafeEqual(Buffer.from(word), expected));
  });
}

exports.tidings = onRequest({ secrets: [secret] }, async (request, response) => {
  if (request.method !== "POST" || !isSigned(request)) return response.status(400).end();
  const { type, data } = JSON.parse(request.rawBody.toString("utf8"));
  if (type === "test") return response.status(204).end();
  // Keeps what a customer may use, unless something newer is known; in a transaction, so that two that come at once do no harm.
  const firestore = getFirestore();
  const kept = firestore.collection("customers").doc(data.customer.id);
  await firestore.runTransaction(async (transaction) => {
    const known = await transaction.get(kept);
    if (known.exists && known.get("seq") >= data.customer_seq) return;
    transaction.set(kept, { app_user_id: data.customer.app_user_id, seq: data.customer_seq, access: data.access });
  });
  response.status(204).end();
});
