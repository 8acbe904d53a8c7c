"""Verifies what comes with the reference library of Standard Webhooks, and counts it by path. Answers handshakes of both editions."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook

LIBRARY = Webhook(os.environ["SECRET"])
LOCK = threading.Lock()
SEEN = {}


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with LOCK:
            self.answer(200, SEEN)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with LOCK:
            of = SEEN.setdefault(self.path, {"verified": 0, "asked": 0, "refused": []})
            try:
                event = LIBRARY.verify(body, headers)
                of["verified"] += 1
                if not event or "adapty_check" in event:
                    of["asked"] += 1
                self.answer(200, {"adapty_check_response": event.get("adapty_check")})
            except Exception as error:
                of["refused"].append(repr(error))
                self.answer(400, {})

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
