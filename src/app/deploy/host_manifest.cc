// The texts of host_scripts.h that say what a release is made of, and whether it is so still.
#include "app/deploy/host_scripts.h"

namespace tidegate::app::scripts {

// Packages are not hashed one by one: pip's RECORD files name each of their files with its hash, and they are
// in the manifest.
const std::string_view kManifest = R"sh(
write_manifest() {
  "$python" -I - "$1" "${env:+$root/$env}" <<'PY'
import hashlib, json, os, sys

folder, env = sys.argv[1:]

def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()

def is_ours(name):
    return name in ("run", "release.env", "release.json", "venv/pyvenv.cfg") or name.startswith(("src/", "venv/bin/")) or name.endswith("/RECORD")

found = {}
for at, folders, names in os.walk(folder):
    folders[:] = [name for name in folders if name != "__pycache__"]
    for name in names + [name for name in folders if os.path.islink(os.path.join(at, name))]:
        path = os.path.join(at, name)
        short = os.path.relpath(path, folder)
        if is_ours(short):
            found[short] = "-> " + os.readlink(path) if os.path.islink(path) else sha256(path)
if env:
    found["@env"] = sha256(env)
with open(os.path.join(folder, "manifest.json"), "w") as out:
    json.dump(found, out, indent=0, sort_keys=True)
PY
}
)sh";

const std::string_view kDrift = R"sh(
set -u
root=$1 python=$2 env=$3
shift 3
"$python" -I - "$root" "${env:+$root/$env}" "$@" <<'PY'
import base64, csv, hashlib, json, os, sys

root, env, members = sys.argv[1], sys.argv[2], sys.argv[3:]
MOST = 100
hashes = {}  # members share the files of packages

def digest(path):
    about = os.stat(path)
    key = (about.st_dev, about.st_ino)
    if key not in hashes:
        total = hashlib.sha256()
        with open(path, "rb") as file:
            for part in iter(lambda: file.read(1 << 20), b""):
                total.update(part)
        hashes[key] = total
    return hashes[key]

def tell(member, kind, path, detail=""):
    counts[kind] = counts.get(kind, 0) + 1
    if sum(counts.values()) <= MOST:
        print("drift " + json.dumps({"member": member, "kind": kind, "path": path.encode(errors="replace").decode(), "detail": detail}))

def now(path):
    try:
        return "-> " + os.readlink(path) if os.path.islink(path) else digest(path).hexdigest()
    except OSError as error:
        return error

def compare(member, path, short, wanted):
    found = now(path)
    if isinstance(found, FileNotFoundError):
        tell(member, "missing", short)
    elif isinstance(found, OSError):
        tell(member, "unreadable", short, found.strerror or "")
    elif found != wanted:
        tell(member, "changed", short)

def packages(member, folder, known):
    lib = os.path.join(folder, "venv/lib")
    for python in sorted(os.listdir(lib)) if os.path.isdir(lib) else []:
        site = os.path.join(lib, python, "site-packages")
        named = set()
        for entry in sorted(os.listdir(site)) if os.path.isdir(site) else []:
            record = os.path.join(site, entry, "RECORD")
            if not entry.endswith(".dist-info") or not os.path.isfile(record):
                continue
            if os.path.relpath(record, folder) not in known:
                tell(member, "added", os.path.relpath(os.path.join(site, entry), folder), "a package")
            with open(record, newline="", encoding="utf-8", errors="surrogateescape") as file:
                for row in csv.reader(file):
                    if len(row) < 2:
                        continue
                    path = os.path.normpath(os.path.join(site, row[0]))
                    named.add(path)
                    if not row[1].startswith("sha256=") or not path.startswith(site + "/"):
                        continue
                    wanted = base64.urlsafe_b64decode(row[1][7:] + "=").hex()
                    compare(member, path, os.path.relpath(path, folder), wanted)
        for at, folders, names in os.walk(site):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                path = os.path.join(at, name)
                if path not in named and name.endswith((".py", ".pth", ".so")):
                    tell(member, "added", os.path.relpath(path, folder))

for member in members:
    counts = {}
    current = os.path.join(root, member, "current")
    folder = os.path.realpath(current)
    try:
        with open(os.path.join(folder, "manifest.json")) as file:
            known = json.load(file)
    except FileNotFoundError:
        if os.path.islink(current):
            tell(member, "missing", "manifest.json")
        continue
    except (OSError, ValueError) as error:
        tell(member, "unreadable", "manifest.json", str(error))
        continue
    wanted_env = known.pop("@env", "")
    if env and wanted_env:
        compare(member, env, "@env", wanted_env)
    for short, wanted in sorted(known.items()):
        compare(member, os.path.join(folder, short), short, wanted)
    for at, folders, names in os.walk(os.path.join(folder, "src")):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            short = os.path.relpath(os.path.join(at, name), folder)
            if short not in known:
                tell(member, "added", short)
    packages(member, folder, known)
    if sum(counts.values()) > MOST:
        print("drift " + json.dumps({"member": member, "kind": "more", "path": "", "detail": f"{sum(counts.values()) - MOST} more"}))
    print("compared", member, len(known))
PY
)sh";

}  // namespace tidegate::app::scripts
