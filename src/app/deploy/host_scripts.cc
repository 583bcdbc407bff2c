#include "app/deploy/host_scripts.h"

namespace tidegate::app::scripts {

// The lease file is replaced, never written into: a reader sees one whole line. Between proving the lease and
// its last effect a script holds the lock, so that who takes the lease over can wait for it; `running` names
// the long ones by process and start time, so that he can end what a dead connection left behind. What may
// run on for ever gets the lock's descriptor closed. `spare` gives the room back that was kept for the case
// that the disk is full: what has begun to flip can then still be written down and taken back.
const std::string_view kPrelude = R"sh(
set -u
umask 022
root=$1 token=$2
shift 2
state=$root/state
fail() { printf '%s\n' "$*" >&2; exit 10; }
locked=''
held() {
  if [ -z "$locked" ]; then
    exec 9>>"$state/lock" || fail "cannot write in $state"
    flock -w 30 9 || { echo "another script is still at work in $root" >&2; exit 12; }
    locked=1
  fi
  lease_token='' lease_owner=''
  { IFS=' ' read -r lease_token lease_expires lease_owner <"$state/lease"; } 2>/dev/null
  [ "$lease_token" = "$token" ] && return 0
  printf 'the lease on %s went to: %s\n' "$root" "${lease_owner:-nobody}" >&2
  exit 11
}
spare() { rm -rf "$state/reserve"; }
renew() {
  printf '%s %s %s\n' "$token" "$(($(date +%s) + $1))" "$lease_owner" >"$state/lease.$token" &&
    mv -f "$state/lease.$token" "$state/lease"
}
hold() {
  held
  renew "$1" 2>/dev/null || { spare; renew "$1"; } || fail "cannot write in $state (disk full?)"
}
started() {
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- ${stat##*) }
  echo "${20} $3"
}
enter() {
  hold "$1"
  working="$$ $(started $$)"
  { echo "$working" >"$state/running"; } 2>/dev/null || { spare; echo "$working" >"$state/running"; } ||
    fail "cannot write in $state (disk full?)"
}
clear() {
  pid=''
  { IFS=' ' read -r pid start group <"$state/running"; } 2>/dev/null
  if [ -n "$pid" ] && [ "$(started "$pid")" = "$start $group" ]; then
    if [ "$group" = "$pid" ]; then kill -s KILL -- "-$pid"; else kill -s KILL "$pid"; fi 2>/dev/null
  fi
  rm -f "$state/running"
}
)sh";

const std::string_view kLook = R"sh(
set -u
root=$1 details=$2
echo "now $(date +%s)"
if [ -s "$root/state/lease" ]; then echo "lease $(head -n 1 "$root/state/lease")"; fi
for current in "$root"/*/current; do
  member=${current%/current}
  member=${member##*/}
  if [ -L "$current" ]; then
    echo "link $member $(readlink "$current")"
  elif [ -e "$current" ]; then
    echo "blocked $member"
  fi
done
for folder in "$root"/*/releases/*/; do
  folder=${folder%/}
  release=${folder##*/}
  member=${folder%/releases/*}
  member=${member##*/}
  case $release in '*' | *.*) continue ;; esac
  is=building
  { IFS= read -r is <"$folder/state"; } 2>/dev/null
  json=''
  if [ -n "$details" ]; then { IFS= read -r json <"$folder/release.json"; } 2>/dev/null; fi
  printf 'release %s %s %s %s\n' "$member" "$release" "$is" "$json"
done
echo journal
if [ -e "$root/state/journal.jsonl" ]; then tail -n 2000 "$root/state/journal.jsonl"; fi
)sh";

// The token that stands in the file after all is said decides, whatever raced with whatever.
const std::string_view kTake = R"sh(
expected=$1 seconds=$2 owner=$3
mkdir -p "$state/log" && chmod 700 "$state/log" || fail "cannot make $state"
[ -w "$state" ] || fail "cannot write in $state"
new=$state/lease.$token
printf '%s %s %s\n' "$token" "$(($(date +%s) + seconds))" "$owner" >"$new" || fail "cannot write in $state (disk full?)"
if [ -s "$state/lease" ]; then
  if [ "$(head -n 1 "$state/lease")" = "$expected" ]; then mv -f "$new" "$state/lease"; fi
elif ! ln "$new" "$state/lease" 2>/dev/null; then
  if [ ! -s "$state/lease" ]; then mv -f "$new" "$state/lease"; fi
fi
rm -f "$new"
exec 9>>"$state/lock" || fail "cannot write in $state"
tries=0
clear
until flock -w 1 9; do
  tries=$((tries + 1))
  [ $tries -lt 20 ] || { echo "a script of the deployment before is still at work in $root" >&2; exit 12; }
  clear
done
locked=1
held
)sh";

const std::string_view kDropLease = R"sh(
held
rm -f "$state/lease" "$state/running"
)sh";

const std::string_view kPreflight = R"sh(
python=$1 env=$2
shift 2
enter 120
for member in "$@"; do
  mkdir -p "$root/$member/releases" && [ -w "$root/$member/releases" ] || fail "cannot write in $root/$member/releases"
  if [ -e "$root/$member/current" ] && [ ! -L "$root/$member/current" ]; then
    fail "$root/$member/current is not a link: move it away once, and releases can be made live there"
  fi
done
for tool in ln mv sync timeout readlink tar df sha256sum flock; do
  command -v "$tool" >/dev/null || fail "$tool is not installed on this host"
done
if [ -n "$env" ]; then
  [ -f "$root/$env" ] || fail "$root/$env is missing: releases read their settings from it"
  [ -r "$root/$env" ] || fail "$root/$env cannot be read by $(id -un)"
  echo "env $(sha256sum <"$root/$env")"
  first=$root/$1/current/manifest.json
  echo "env_before $(sed -n 's/.*"@env": "\([0-9a-f]*\)".*/\1/p' "$first" 2>/dev/null)"
fi
if [ ! -d "$state/reserve" ]; then
  mkdir "$state/reserve" && head -c 65536 /dev/zero >"$state/reserve/room" &&
    touch "$state/reserve/1" "$state/reserve/2" "$state/reserve/3" "$state/reserve/4" ||
    { spare; fail "$root: the disk is full"; }
fi
for complete in "$state"/venvs/*/.complete; do
  complete=${complete%/.complete}
  echo "packages ${complete##*/}"
done
set -- $(df -Pk "$root" | tail -n 1)
echo "free_kib $4"
set -- $(df -Pi "$root" 2>/dev/null | tail -n 1)
echo "inodes ${2:-0} ${4:-0}"
command -v "$python" >/dev/null || fail "the interpreter $python is not on this host"
"$python" -I - <<'PY' || fail "$python cannot make virtual environments"
import os, platform, sys, sysconfig
try:
    import venv
except ImportError:
    sys.exit("its module venv is missing: install python3-venv")
try:
    from pip import __version__ as pip
except ImportError:
    pip = ""
print("python", sys.version.split()[0], sysconfig.get_config_var("SOABI"), sysconfig.get_platform(),
      os.path.realpath(sys.executable))
print("pip", pip)
print("abi", sys.version.split()[0], sysconfig.get_config_var("SOABI"), sysconfig.get_platform(),
      platform.libc_ver()[1] if platform.libc_ver()[0] == "glibc" else "")
PY
)sh";

const std::string_view kAppend = R"sh(
hold 60
journal=$state/journal.jsonl
add() {
  if [ -s "$journal" ] && [ -n "$(tail -c 1 "$journal")" ]; then echo >>"$journal" || return 1; fi
  printf '%s\n' "$1" >>"$journal" && sync "$journal" "$state"
}
add "$1" 2>/dev/null || { spare; add "$1"; } || fail "cannot write $journal (disk full?)"
)sh";

// Packages are installed once for a lock file and interpreter, and every member's own venv, at its final
// path, gets them as hard links. A member's folder appears under its name only with all of its files.
const std::string_view kInstall = R"sh(
seconds=$1 python=$2 pip=$3 key=$4 release=$5 env=$6
shift 6
enter "$seconds"
in=$state/incoming/$release packages=$state/venvs/$key log=$state/log
mkdir -p "$state/venvs" || fail "cannot write in $state"
[ -d "$in/src" ] || fail "what was uploaded to $in is gone"
run_pip() {
  case $pip in
    host) PIP_CONFIG_FILE=/dev/null "$python" -m pip --python "$packages/bin/python" --isolated --disable-pip-version-check "$@" ;;
    *) PIP_CONFIG_FILE=/dev/null "$packages/bin/python" -m pip --isolated --disable-pip-version-check "$@" ;;
  esac
}
install_packages() {
  rm -rf "$packages"
  "$python" -m venv --without-pip "$packages" || return 1
  if grep -q '^[^#[:space:]]' "$in/requirements.lock" 2>/dev/null; then
    for wheel in "$in"/wheels/pip-*.whl; do
      if [ "$pip" = own ] && [ -f "$wheel" ]; then export PYTHONPATH="$wheel"; fi
    done
    if [ "$pip" = own ] && [ -z "${PYTHONPATH:-}" ]; then "$packages/bin/python" -m ensurepip >/dev/null || return 1; fi
    run_pip install --quiet --no-input --no-index --find-links "$in/wheels" --require-hashes --only-binary :all: --no-deps \
      --no-compile --no-warn-script-location -r "$in/requirements.lock" && run_pip check || return 1
    unset PYTHONPATH
    "$packages/bin/python" -m compileall -q -j 0 "$packages/lib" >/dev/null 2>&1
  fi
  sync -f "$packages" && : >"$packages/.complete"
}
take_packages() {
  for path in "$packages"/* "$packages"/lib/python*/site-packages; do
    name=${path#"$packages/"}
    case $name in bin | lib | lib64 | include | pyvenv.cfg) continue ;; esac
    rm -rf "$1/$name"
    cp -al "$path" "$1/$name" 2>/dev/null || { rm -rf "$1/$name"; cp -a "$path" "$1/$name"; } || return 1
  done
  for path in "$packages"/bin/*; do
    name=${path##*/}
    if [ -e "$1/bin/$name" ] || [ ! -f "$path" ]; then continue; fi
    cp -p "$path" "$1/bin/$name" && sed -i "1,3s|$packages/bin/python|$1/bin/python|" "$1/bin/$name" || return 1
  done
}
make_member() {
  folder=$root/$1/releases/$release
  { IFS= read -r is <"$folder/state"; } 2>/dev/null
  if [ "${is:-}" = ready ]; then return 0; fi
  if [ "$(readlink "$root/$1/current")" = "releases/$release" ]; then echo "it is live and not whole" >&2; return 1; fi
  rm -rf "$folder" "$folder.tmp"
  mkdir -p "$folder.tmp" && cp -R "$in/src" "$in/run" "$in/members/$1/." "$folder.tmp/" || return 1
  echo building >"$folder.tmp/state" && echo "$key" >"$folder.tmp/packages" || return 1
  mv -T "$folder.tmp" "$folder" && "$python" -m venv --without-pip "$folder/venv" && take_packages "$folder/venv" || return 1
  "$folder/venv/bin/python" -m compileall -q "$folder/src" >/dev/null 2>&1
  write_manifest "$folder" || return 1
  echo "say $1: venv ready"
}
if [ ! -f "$packages/.complete" ]; then
  install_packages >"$log/install" 2>&1 || { tail -n 12 "$log/install" >&2; fail "the packages cannot be installed"; }
  echo "say packages installed, offline and by hash"
else
  echo "say packages are on the host already"
fi
jobs=''
for member in "$@"; do
  make_member "$member" 2>"$log/$member.install" &
  jobs="$jobs $member:$!"
done
bad=''
for job in $jobs; do
  wait "${job##*:}" || { tail -n 5 "$log/${job%:*}.install" >&2; bad="$bad ${job%:*}"; }
done
[ -z "$bad" ] || fail "cannot make the release of$bad"
sync -f "$state" || fail "sync failed"
for member in "$@"; do
  echo ready >"$root/$member/releases/$release/state.new" &&
    mv -f "$root/$member/releases/$release/state.new" "$root/$member/releases/$release/state" || fail "cannot write"
done
)sh";

const std::string_view kVerify = R"sh(
seconds=$1 which=$2 release=$3 command=$4
shift 4
enter "$((seconds + 60))"
jobs=''
for member in "$@"; do
  folder=$root/$member/releases/$release
  if [ "$which" = live ]; then folder=$(readlink -f "$root/$member/current"); fi
  (cd "$folder/src" && exec timeout -k 5 "$seconds" "$folder/run" sh -c "$command" 9>&-) >"$state/log/$member.$which" 2>&1 &
  jobs="$jobs $member:$!"
done
for job in $jobs; do
  member=${job%:*}
  wait "${job##*:}"
  echo "verdict $member $?"
  tail -n 20 "$state/log/$member.$which" | tail -c 4000 | sed "s/^/log $member /"
  echo
done
)sh";

// All that can fail is tried for all members before the first link moves.
const std::string_view kPoint = R"sh(
enter 60
check() {
  while [ $# -gt 1 ]; do
    if [ -n "$2" ] && [ ! -d "$root/$1/$2" ]; then fail "$root/$1/$2 is not there"; fi
    if [ -e "$root/$1/current" ] && [ ! -L "$root/$1/current" ]; then fail "$root/$1/current is not a link"; fi
    shift 2
  done
}
prepare() {
  while [ $# -gt 1 ]; do
    rm -f "$root/$1/current.new"
    if [ -n "$2" ]; then
      ln -s "$2" "$root/$1/current.new" 2>/dev/null || { spare; ln -s "$2" "$root/$1/current.new"; } ||
        fail "cannot make a link in $root/$1"
    fi
    shift 2
  done
}
check "$@"
prepare "$@"
while [ $# -gt 1 ]; do
  if [ -z "$2" ]; then rm -f "$root/$1/current"; else mv -T "$root/$1/current.new" "$root/$1/current"; fi ||
    fail "cannot set $root/$1/current"
  sync "$root/$1" || fail "cannot sync $root/$1"
  shift 2
done
)sh";

const std::string_view kRenew = R"sh(
hold "$1"
)sh";

const std::string_view kEnvHash = R"sh(
held
sha256sum <"$root/$1"
)sh";

const std::string_view kMark = R"sh(
release=$1 is=$2
shift 2
hold 60
for member in "$@"; do
  folder=$root/$member/releases/$release
  if [ -d "$folder" ]; then echo "$is" >"$folder/state.new" && mv -f "$folder/state.new" "$folder/state"; fi
done
)sh";

// A program that runs in a release shows by its working folder, its command line, what it has mapped, or the
// variables that the launcher gave it. Patterns go to grep on its input, or it would find itself.
const std::string_view kClose = R"sh(
enter 300
rm -rf "$state/incoming/$1"
printf '%s\n' "$2" >>"$state/history.jsonl" && sync "$state/history.jsonl"
shift 2
places=''
if [ $# -gt 0 ]; then places=$(ls -l /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null); fi
for name in "$@"; do
  folder=$root/${name%/*}/releases/${name##*/}
  [ -d "$folder" ] || continue
  used=''
  case "$places
" in *"-> $folder/"* | *"-> $folder
"*) used=1 ;; esac
  if [ -z "$used" ] && printf '%s/\n' "$folder" | grep -qsaF -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/maps; then
    used=1
  fi
  if [ -n "$used" ]; then
    echo "used $name"
    continue
  fi
  mv -T "$folder" "$folder.gone" && echo "gone $name"
done
rm -rf "$root"/*/releases/*.gone "$root"/*/releases/*.tmp
for packages in "$state"/venvs/*/; do
  key=${packages%/}
  key=${key##*/}
  [ "$key" = '*' ] || cat "$root"/*/releases/*/packages 2>/dev/null | grep -qxF "$key" || rm -rf "$state/venvs/$key"
done
held
rm -f "$state/lease" "$state/running"
)sh";

}  // namespace tidegate::app::scripts
