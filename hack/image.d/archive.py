# SPDX-License-Identifier: Apache-2.0
"""An OCI archive of an image with one layer, as hack/*-image write it. The same input gives the same bytes."""
import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

EPOCH = 0
TYPE = "application/vnd.oci.image."


def entry(tar, path, data=None, kind=tarfile.REGTYPE, mode=0o644, link=""):
    info = tarfile.TarInfo(path.lstrip("/"))
    info.type, info.mode, info.mtime, info.linkname = kind, mode, EPOCH, link
    info.size = len(data) if data else 0
    tar.addfile(info, io.BytesIO(data) if data else None)


def folder(tar, path, mode=0o755):
    entry(tar, path, kind=tarfile.DIRTYPE, mode=mode)


def link(tar, path, target):
    entry(tar, path, kind=tarfile.SYMTYPE, mode=0o777, link=target)


class Layer:
    """The bytes of a layer: what is done to `tar` within the block is in it afterwards."""

    def __enter__(self):
        self.file = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=tarfile.PAX_FORMAT)
        return self.tar

    def __exit__(self, *_):
        self.tar.close()
        self.raw = self.file.getvalue()


def write(out, name, raw, config, level=9):
    """Writes the archive of image `name` with the layer `raw` and its configuration; returns its size in MB."""
    blobs = {}

    def put(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": TYPE + kind, "digest": f"sha256:{digest}", "size": len(data)}

    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=EPOCH, compresslevel=level) as file:
        file.write(raw)
    about = put(json.dumps({
        "architecture": "amd64", "os": "linux", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(raw).hexdigest()}"]},
    }, sort_keys=True).encode(), "config.v1+json")
    manifest = put(json.dumps({
        "schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json", "config": about,
        "layers": [put(packed.getvalue(), "layer.v1.tar+gzip")],
    }, sort_keys=True).encode(), "manifest.v1+json")
    manifest["annotations"] = {"io.containerd.image.name": f"docker.io/{name}",
                               "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    index = {"schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": [manifest]}
    with tarfile.open(out + ".new", "w", format=tarfile.PAX_FORMAT) as tar:
        entry(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        entry(tar, "index.json", json.dumps(index, sort_keys=True).encode())
        folder(tar, "blobs")
        folder(tar, "blobs/sha256")
        for digest in sorted(blobs):
            entry(tar, f"blobs/sha256/{digest}", blobs[digest])
    Path(out + ".new").rename(out)
    return Path(out).stat().st_size / 1e6
