#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The images that tests of CRI ask for, made on the spot of the static busybox, and a registry on
loopback that serves them over plain HTTP.

    images.py serve PORT            under whatever registry's name they are asked for
    images.py archive REFERENCE     as an OCI archive on standard output, for `ctr image import -`

All have the same files; they differ in their configuration. Only what Debian's python3-minimal has
is used."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading

TYPE = "application/vnd.oci.image."
PATH = "PATH=/bin:/usr/sbin"
SERVER = {"Entrypoint": ["/usr/sbin/nginx", "master process"]}
# By the end of the name; a tag that is not named here is the same image as all its others.
CONFIGS = {
    "pause": {"Entrypoint": ["/pause", "-P"]},
    "nginx": SERVER,
    "httpd": SERVER,
    "hostnet-nginx-amd64": dict(SERVER, Env=[PATH, "PORT=12003"]),
    "test-image-user-uid": {"User": "1002"},
    "test-image-user-username": {"User": "www-data"},
    "test-image-user-uid-group": {"User": "1003:users"},
    "test-image-user-username-group": {"User": "www-data:100"},
    "test-image-predefined-group": {"User": "1000"},
}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www:/:/bin/sh\n"
                  "default-user:x:1000:1000:user:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nwww-data:x:33:\nusers:x:100:\ndefault-user:x:1000:\n"
                 "group-in-image:x:50000:default-user\nnogroup:x:65534:\n",
    "www/index.html": "a page\n",
}
PROGRAMS = {
    "bin/pgrep": '#!/bin/sh\npidof "$1" | tr " " "\\n"\n',
    "usr/sbin/nginx": "#!/bin/sh\ntrap 'kill $server; exit' TERM\necho $$ >/var/run/nginx.pid\n"
                      "echo this is httpd\n"
                       'httpd -f -p "${PORT:-80}" -h /www & server=$!\nwait\n',
}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def copy(source, target):
    with open(source, "rb") as f, open(target, "wb") as g:
        g.write(f.read())
    os.chmod(target, 0o755)


def layer():
    """The files, as a tar that is the same each time."""
    top = output("mktemp", "-d").decode().strip()
    try:
        for name in ("bin", "etc", "tmp", "var/run", "var/lib", "www", "usr/sbin", "root", "mnt", "home"):
            os.makedirs(f"{top}/{name}", exist_ok=True)
        copy("/usr/bin/busybox", f"{top}/bin/busybox")
        copy("/usr/bin/catatonit", f"{top}/pause")
        for applet in output("/usr/bin/busybox", "--list").decode().split():
            if applet != "busybox":
                os.symlink("busybox", f"{top}/bin/{applet}")
        # A file of its own, because one test has it masked.
        os.unlink(f"{top}/bin/ls")
        copy("/usr/bin/busybox", f"{top}/bin/ls")
        for name, text in {**FILES, **PROGRAMS}.items():
            with open(f"{top}/{name}", "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(f"{top}/{name}", 0o755 if name in PROGRAMS else 0o644)
        os.chmod(f"{top}/tmp", 0o1777)
        return output("tar", "-C", top, "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
                      "--numeric-owner", "-cf", "-", ".")
    finally:
        output("rm", "-rf", top)


class Images:
    def __init__(self):
        self.layer = layer()
        self.blobs = {digest(self.layer): self.layer}
        self.manifests = {}
        self.lock = threading.Lock()

    def manifest(self, name):
        """The image of a repository: its manifest, after its blobs are there."""
        name = name.rpartition("/")[2]
        config = CONFIGS.get(name, {})
        config = {"Env": [PATH], **({} if "Entrypoint" in config else {"Cmd": ["sh"]}), **config}
        about = dump({"architecture": "amd64", "os": "linux",
                      "config": dict(config, Labels={"name": name}),
                      "rootfs": {"type": "layers", "diff_ids": [digest(self.layer)]}})
        text = dump({"schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json",
                     "config": {"mediaType": TYPE + "config.v1+json", "digest": digest(about),
                                "size": len(about)},
                     "layers": [{"mediaType": TYPE + "layer.v1.tar", "digest": digest(self.layer),
                                 "size": len(self.layer)}]})
        with self.lock:
            self.blobs[digest(about)] = about
            self.manifests[digest(text)] = text
        return text

    def find(self, path):
        """What a path of the registry's protocol names: (media type, bytes), or None."""
        m = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", path)
        if not m:
            return ("application/json", b"{}") if path in ("/v2", "/v2/") else None
        name, kind, reference = m.groups()
        if kind == "blobs":
            data = self.blobs.get(reference)
            return data and ("application/octet-stream", data)
        text = self.manifest(name)
        if reference.startswith("sha256:"):
            text = self.manifests.get(reference)
        return text and (TYPE + "manifest.v1+json", text)


def answer(images, connection):
    """Requests of one connection, one after another."""
    with connection, connection.makefile("rb") as lines:
        while request := lines.readline():
            while lines.readline().strip():
                pass
            method, path, _ = request.decode().split(" ", 2)
            kind, data = images.find(path.partition("?")[0]) or (None, b"not found\n")
            status = "200 OK" if kind else "404 Not Found"
            head = (f"HTTP/1.1 {status}\r\nContent-Type: {kind or 'text/plain'}\r\n"
                    f"Content-Length: {len(data)}\r\nDocker-Content-Digest: {digest(data)}\r\n\r\n")
            connection.sendall(head.encode() + (b"" if method == "HEAD" else data))


def serve(port):
    images = Images()
    with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
        print(f"images: serving on 127.0.0.1:{port}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(images, connection), daemon=True).start()


def archive(reference):
    images = Images()
    text = images.manifest(reference.rpartition(":")[0])
    images.blobs[digest(text)] = text
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": TYPE + "manifest.v1+json", "digest": digest(text), "size": len(text),
        "annotations": {"io.containerd.image.name": reference}}]}
    top = output("mktemp", "-d").decode().strip()
    try:
        os.makedirs(f"{top}/blobs/sha256")
        files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": dump(index)}
        files.update((f"blobs/sha256/{d[7:]}", data) for d, data in images.blobs.items())
        for name, data in files.items():
            with open(f"{top}/{name}", "wb") as f:
                f.write(data)
        subprocess.run(["tar", "-C", top, "-cf", "-", "."], check=True)
    finally:
        output("rm", "-rf", top)


if len(sys.argv) == 3 and sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
elif len(sys.argv) == 3 and sys.argv[1] == "archive":
    archive(sys.argv[2])
else:
    sys.exit(__doc__)
