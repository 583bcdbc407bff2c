"""One hash over everything below some paths: names, modes, links, and every byte. Sent to a host and run there."""

import hashlib
import json
import os
import stat
import sys


def entries(path):
    yield path
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for name in sorted(os.listdir(path)):
            yield from entries(os.path.join(path, name))


def content(path, about, known):
    # The three venvs share files by hard link: each is read once.
    place = (about.st_dev, about.st_ino)
    if place not in known:
        with open(path, "rb") as file:
            known[place] = hashlib.file_digest(file, "sha256").hexdigest()
    return known[place]


def main(paths):
    whole, known, files, size = hashlib.sha256(), {}, 0, 0
    for root in paths:
        for path in entries(root):
            about = os.lstat(path)
            what = ""
            if stat.S_ISLNK(about.st_mode):
                what = os.readlink(path)
            elif stat.S_ISREG(about.st_mode):
                what = content(path, about, known)
                files, size = files + 1, size + about.st_size
            whole.update(f"{path}\0{about.st_mode:o}\0{what}\n".encode("utf-8", "surrogateescape"))
    print(json.dumps({"digest": whole.hexdigest(), "files": files, "bytes": size}))


main(sys.argv[1:])
