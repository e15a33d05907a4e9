# SPDX-License-Identifier: Apache-2.0
"""A TLS server of our own between the operator and the real API server, which breaks what it is
told to break. It speaks HTTP/1.1; what it passes on is the real server's word."""
import gzip
import http.client
import json
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

STATUS = {"apiVersion": "v1", "kind": "Status", "status": "Failure"}


class Authority:
    """A certificate authority and a server certificate for 127.0.0.1."""

    def __init__(self, folder, name):
        self.folder = Path(folder) / name
        self.folder.mkdir()
        run = lambda *a: subprocess.run(a, check=True, capture_output=True, cwd=self.folder)
        for key in ("ca", "server"):
            run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{key}.key")
        run("openssl", "req", "-x509", "-new", "-key", "ca.key", "-days", "2", "-subj", f"/CN={name}", "-out", "ca.crt",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        run("openssl", "req", "-new", "-key", "server.key", "-subj", "/CN=proxy", "-out", "server.csr")
        (self.folder / "ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-days", "2", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-extfile", "ext", "-in", "server.csr", "-out", "server.crt")

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        return context


class Request:
    def __init__(self, method, path, headers):
        self.method, self.path, self.headers = method, path, headers
        self.watch = "watch=true" in path
        self.write = method in ("POST", "PATCH", "PUT", "DELETE")
        self.lease = "/leases" in path
        self.list = method == "GET" and "limit=" in path
        self.at = time.monotonic()
        self.status = 0


class Proxy:
    """`rule(request)` says what becomes of a request: None passes it on; ("answer", status, headers,
    body) answers in the server's place; ("lost",) passes it on and drops the answer; ("cut", n)
    drops the connection after n bytes of the answer; ("hang", n) sends no more after n bytes;
    ("slow", seconds) waits between small pieces; ("late", seconds) before all of it; ("gzip", n) packs the answer and cuts it to n bytes."""

    def __init__(self, cluster):
        self.cluster, self.rule, self.seen, self.lock = cluster, lambda r: None, [], threading.Lock()
        self.folder = tempfile.TemporaryDirectory()
        self.authority = Authority(self.folder.name, "first")
        self.ca = Path(self.folder.name) / "ca.crt"
        self.ca.write_text((self.authority.folder / "ca.crt").read_text())
        self.token = Path(self.folder.name) / "token"
        self.token.write_text("token-1")
        self.valid = {"token-1"}
        self.server, self.sockets = None, set()
        self.port = 0
        self.start()
        self.kubeconfig = Path(self.folder.name) / "config"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "p",
            "clusters": [{"name": "p", "cluster": {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": "ca.crt"}}],
            "users": [{"name": "p", "user": {"tokenFile": "token"}}],
            "contexts": [{"name": "p", "context": {"cluster": "p", "user": "p"}}]}))

    def start(self):
        proxy, context = self, self.authority.context()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, block_on_close = True, True, False

            def finish_request(self, sock, address):
                try:
                    sock.settimeout(30)
                    sock = context.wrap_socket(sock, server_side=True)
                    sock.settimeout(None)
                except OSError:
                    return
                proxy.sockets.add(sock)
                try:
                    Handler(sock, address, self)
                except (OSError, ValueError):
                    pass
                finally:
                    proxy.sockets.discard(sock)
                    sock.close()

            def handle_error(self, *_):
                pass

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                proxy.handle(self)
            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def cut_all(self):
        for sock in list(self.sockets):
            try:
                sock.shutdown(2)
            except OSError:
                pass

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.cut_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    # --- one request ---

    def handle(self, h):
        body = h.rfile.read(int(h.headers.get("Content-Length", 0)))
        request = Request(h.command, h.path, h.headers)
        with self.lock:
            self.seen.append(request)
        if h.headers.get("Authorization", "").removeprefix("Bearer ") not in self.valid:
            return self.answer(h, request, 401, {}, {**STATUS, "code": 401, "reason": "Unauthorized", "message": "who?"})
        with self.lock:
            what = self.rule(request)
        if what and what[0] == "answer":
            return self.answer(h, request, *what[1:])
        self.forward(h, request, body, what or ("pass",))

    def answer(self, h, request, status, headers, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.status = status
        h.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
            h.send_header(name, str(value))
        h.end_headers()
        h.wfile.write(data)

    def forward(self, h, request, body, what):
        c = self.cluster
        upstream = http.client.HTTPSConnection(c.host, c.port, context=c.tls, timeout=400)
        headers = {n: v for n, v in h.headers.items() if n in ("Accept", "Content-Type", "User-Agent")}
        upstream.request(h.command, h.path, body or None, headers)
        answer = upstream.getresponse()
        if what[0] == "late":
            time.sleep(what[1])
        request.status = answer.status
        if what[0] == "lost":
            answer.read()
            upstream.close()
            h.close_connection = True
            return
        h.send_response(answer.status)
        h.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        if what[0] == "gzip":
            data = gzip.compress(answer.read())
            h.send_header("Content-Encoding", "gzip")
            h.send_header("Content-Length", str(min(len(data), what[1])))
            h.end_headers()
            h.wfile.write(data[:what[1]])
            return
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        left = what[1] if what[0] in ("cut", "hang") else None
        while True:
            piece = answer.read1(16 if what[0] == "slow" else 65536)
            if not piece:
                h.wfile.write(b"0\r\n\r\n")
                break
            if left is not None and len(piece) >= left:
                if left:
                    h.wfile.write(b"%x\r\n%s\r\n" % (left, piece[:left]))
                h.wfile.flush()
                if what[0] == "hang":
                    try:
                        h.connection.recv(1)  # until the other side has had enough
                    except OSError:
                        pass
                h.close_connection = True
                break
            if left is not None:
                left -= len(piece)
            h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            h.wfile.flush()
            if what[0] == "slow":
                time.sleep(what[1])
        upstream.close()

    def rotate_authority(self):
        self.authority = Authority(self.folder.name, f"next{time.monotonic_ns()}")
        self.ca.write_text((self.authority.folder / "ca.crt").read_text())
        self.stop()
        self.start()
