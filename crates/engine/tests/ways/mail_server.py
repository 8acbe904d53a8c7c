"""A mail server for tests: `starttls|tls|plain CERTIFICATE KEY`. Tells its port, then of each message it takes, as lines of JSON."""

import asyncio
import base64
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult

LARGEST = 100_000


class Handler:
    async def auth_XOAUTH2(self, server, args):
        """Source: Google, "OAuth 2.0 Mechanism": what is wrong with a token is said first, and it is refused when that was heard."""
        said = base64.b64decode(args[1])
        if said == b"user=tidings\x01auth=Bearer a-token\x01\x01":
            return AuthResult(success=True, auth_data=said)
        error = base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode()
        await server.push(f"334 {error}")
        heard = await server._reader.readline()
        await server.push("535 5.7.8 no such token" if heard.strip() == b"" else "501 5.5.2 what?")
        return AuthResult(success=False, handled=True)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("stranger@"):
            return "553 5.7.1 that address is not yours"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "nobody":
            return "550 5.1.1 no such mailbox"
        if name == "grey":
            return "450 4.2.0 greylisted, come again"
        if name == "full":
            return "452 4.2.2 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        read = message_from_bytes(envelope.content, policy=policy.default)
        taken = {
            "names": [[one.display_name, one.addr_spec] for one in read["to"].addresses],
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "hello": session.host_name,
            "encrypted": session.ssl is not None or sys.argv[1] == "tls",
            "message": envelope.content.decode("ascii"),
        }
        print(json.dumps(taken), flush=True)
        return "250 2.0.0 OK queued as 1"


def authenticate(server, session, envelope, mechanism, given):
    right = (given.login, given.password) == (b"tidings", b"right")
    return AuthResult(success=right, handled=False)


async def main(mode, certificate, key):
    context = None
    if mode != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
    more = {"authenticator": authenticate, "auth_required": mode != "plain"}
    if mode == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    elif mode == "tls":
        more |= {"auth_require_tls": False}

    def serve():
        return SMTP(Handler(), hostname="mail.test", data_size_limit=LARGEST, **more)

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        serve, "127.0.0.1", 0, ssl=context if mode == "tls" else None
    )
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


asyncio.run(main(*sys.argv[1:]))
