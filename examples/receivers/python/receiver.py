"""A receiver of the webhook in format `standard`. Python 3.8 or later, nothing else."""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRETS = os.environ.get("TIDINGS_SECRET", "").split()
FILE = os.environ.get("STATE", "state.json")
LOCK = threading.Lock()
CUSTOMERS = {}
if os.path.exists(FILE):
    with open(FILE, encoding="utf-8") as kept:
        CUSTOMERS.update(json.load(kept))


def is_signed(headers, body):
    """Whether one of our secrets signed these bytes, within the last five minutes."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    told = headers.get("webhook-signature", "").split()
    for secret in SECRETS:
        key = base64.b64decode(secret[len("whsec_"):])
        digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        if any(hmac.compare_digest(one, expected) for one in told):
            return True
    return False


def keep(event):
    """Keeps what a customer may use, unless something newer is known."""
    if event["type"] == "test":
        return
    data = event["data"]
    customer, seq = data["customer"], data["customer_seq"]
    with LOCK:
        if seq <= CUSTOMERS.get(customer["id"], {}).get("seq", 0):
            return
        CUSTOMERS[customer["id"]] = {"app_user_id": customer["app_user_id"], "seq": seq, "access": data["access"]}
        # Your database does this in one statement: insert ... on conflict (id) do update ... where excluded.seq > customers.seq
        with open(FILE + ".new", "w", encoding="utf-8") as new:
            json.dump(CUSTOMERS, new)
        os.replace(FILE + ".new", FILE)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with LOCK:
            body = json.dumps(CUSTOMERS).encode()
        self.answer(200, body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_signed(self.headers, body):
            return self.answer(400)
        keep(json.loads(body))
        self.answer(200)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 8787))), Receiver).serve_forever()
