# SPDX-License-Identifier: Apache-2.0
"""What takes minutes to make is kept. An entry is a directory that appears by one rename when
it is whole; made.json inside lists its files, so that later damage is noticed too."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from progress import VmError

HASHED_BELOW = 64 << 20  # larger files are known by size and time of change


def key_of(*parts):
    """A short name for what a thing is made of: strings, bytes, or paths of files."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            part = part.read_bytes()
        elif isinstance(part, str):
            part = part.encode()
        h.update(len(part).to_bytes(8, "little") + part)
    return h.hexdigest()[:12]


def _facts(path):
    st = path.stat()
    facts = {"size": st.st_size, "mtime": st.st_mtime_ns}
    if st.st_size < HASHED_BELOW:
        facts["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return facts


def fault_of(entry):
    """What is wrong with an entry, None if it is whole."""
    try:
        made = json.loads((entry / "made.json").read_text())
        for name, facts in made["files"].items():
            if _facts(entry / name) != facts:
                return f"{name} has changed since it was made"
    except FileNotFoundError as e:
        return f"{Path(e.filename).name} is missing"
    except (ValueError, KeyError, TypeError):
        return "made.json cannot be read"
    return None


@contextmanager
def locked(directory, name, progress):
    """One maker at a time; the others wait and then find it made."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f".{name}.lock", "w", encoding="ascii") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.step(f"{name}: waiting for another hack/vm that is making it")
            fcntl.flock(f, fcntl.LOCK_EX)
        progress.locks.append(f.fileno())
        try:
            yield
        finally:
            progress.locks.remove(f.fileno())


def remove(path):
    """Remove a tree in which a process that was just killed may still do its last step."""
    for _ in range(50):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)
    raise VmError(f"{path} cannot be removed")


def _entries(directory, pattern):
    return sorted(directory.glob(pattern), key=lambda p: p.stat().st_mtime, reverse=True)


def entry_whole(directory, pattern):
    """The newest whole entry of that name, if there is one; nothing is changed, so no lock is needed."""
    return next((e for e in _entries(directory, pattern) if fault_of(e) is None), None)


def entry_find(directory, pattern, progress):
    """The newest whole entry of that name; a broken one is told and removed."""
    for entry in _entries(directory, pattern):
        fault = fault_of(entry)
        if fault is None:
            return entry
        progress.step(f"{entry.name}: {fault}; making it again")
        remove(entry)
    return None


def entry_make(directory, name, make):
    """make(TMP) fills an empty directory; only when it returns does the entry exist."""
    for stale in directory.glob(f".making-{name}-*"):
        remove(stale)  # we hold the lock: its maker has gone
    tmp = Path(tempfile.mkdtemp(prefix=f".making-{name}-", dir=directory))
    try:
        make(tmp)
        files = {str(p.relative_to(tmp)): _facts(p) for p in tmp.rglob("*") if p.is_file()}
        if not files:
            raise VmError(f"{name}: nothing was made")
        (tmp / "made.json").write_text(json.dumps({"files": files}, indent=1) + "\n")
        os.chmod(tmp, 0o755)
        entry = directory / name
        os.rename(tmp, entry)
        return entry
    finally:
        remove(tmp)
