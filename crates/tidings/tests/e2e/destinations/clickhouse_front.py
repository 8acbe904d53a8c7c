"""The engine of today's ClickHouse behind as much of its HTTP interface as an insert and a question need: `PORT DIRECTORY`.

Source: ClickHouse docs, "HTTP interface": the statement is in `query`, what is inserted is the body, and all else in the query are settings.
"""

import re
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

session = Session(sys.argv[2])


def asked(query, settings, body):
    """With settings, which stand before the format of an insert."""
    if settings:
        given = ", ".join(f"{name} = '{value}'" for name, value in settings)
        query = query.replace(" FORMAT ", f" SETTINGS {given} FORMAT ")
    return session.query(f"{query}\n{body}" if body else query).bytes()


class Front(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, b"Ok.\n")

    def do_POST(self):
        settings = dict(parse_qsl(urlsplit(self.path).query))
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        query = settings.pop("query", None)
        if query is None:
            query, body = body, ""
        try:
            self.answer(200, asked(query, settings.items(), body))
        except RuntimeError as error:
            code = re.search(r"Code: (\d+)", str(error)).group(1)
            self.answer(404 if code in ("60", "81") else 400, str(error).encode(), code)

    def answer(self, status, said, code=None):
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        if code:
            self.send_header("x-clickhouse-exception-code", code)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()
