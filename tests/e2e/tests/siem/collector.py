"""An HTTP event collector as Splunk documents it, with acknowledgments: no collector of its makers can be had
here. Writes each event to a file, durably, before it says that it has it.

collector.py PORT CERTIFICATE KEY TOKEN FILE
"""

import http.server
import json
import os
import ssl
import sys

port, certificate, key, token, path = sys.argv[1:6]
kept = open(path, "a", encoding="utf-8")
asked = {}


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["authorization"] != f"Splunk {token}":
            return self.answer(403, {"text": "Invalid token", "code": 4})
        if "x-splunk-request-channel" not in self.headers:
            return self.answer(400, {"text": "Data channel is missing", "code": 10})
        if self.path == "/services/collector/ack":
            acks = {}
            for number in json.loads(body)["acks"]:
                # Kept only when it is asked for again.
                acks[str(number)] = asked.setdefault(number, 0) > 0
                asked[number] += 1
            return self.answer(200, {"acks": acks})
        if self.path != "/services/collector/event":
            return self.answer(404, {"text": "Not found", "code": 404})
        text, decoder = body.decode(), json.JSONDecoder()
        while text:
            event, end = decoder.raw_decode(text)
            kept.write(json.dumps(event) + "\n")
            text = text[end:]
        kept.flush()
        os.fsync(kept.fileno())
        self.answer(200, {"text": "Success", "code": 0, "ackId": len(asked) + os.getpid() * 10000})

    def answer(self, status, said):
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Collector)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
