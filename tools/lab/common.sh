# shellcheck shell=bash
# What every part of the lab shares: where things are, progress lines, and processes that can be ended safely.
# shellcheck disable=SC2034 # names for the files that source this one
# Sourced by `lab`; defines names only and changes nothing.

LAB_DIR=${TIDEGATE_LAB:-$HOME/.cache/tidegate/lab}
LAB_CACHE=$LAB_DIR/cache # slow to get; safe to keep; never needed to stop anything
LAB_RUN=$LAB_DIR/run     # pid files
LAB_LOG=$LAB_DIR/log
LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# One /24 for the bridge to the test hosts, one range for containers. Everything that both containers and test hosts
# must reach listens on LAB_IP: an address of this machine only, and the same from everywhere.
LAB_BRIDGE=${TIDEGATE_LAB_BRIDGE:-tidelab0}
LAB_NET=${TIDEGATE_LAB_NET:-10.99.18}
LAB_IP=$LAB_NET.1
LAB_DOCKER_BRIDGE=${TIDEGATE_LAB_DOCKER_BRIDGE:-tidedock0}
LAB_DOCKER_NET=${TIDEGATE_LAB_DOCKER_NET:-10.99} # .32/24 the default bridge, .64/18 user-defined networks

LAB_PORT_REGISTRY=${TIDEGATE_LAB_PORT_REGISTRY:-18101}
LAB_PORT_S3=${TIDEGATE_LAB_PORT_S3:-18102}
LAB_PORT_MLFLOW=${TIDEGATE_LAB_PORT_MLFLOW:-18103}
LAB_PORT_NEO4J_HTTP=${TIDEGATE_LAB_PORT_NEO4J_HTTP:-18104}
LAB_PORT_NEO4J_BOLT=${TIDEGATE_LAB_PORT_NEO4J_BOLT:-18105}
LAB_PORT_TIDEGATE=${TIDEGATE_LAB_PORT_TIDEGATE:-18180}

LAB_T0=${LAB_T0:-$EPOCHREALTIME}

lab_seconds() { # since this command began, one decimal
  local now=${EPOCHREALTIME/./} t0=${LAB_T0/./}
  local d=$(((now - t0) / 100000))
  printf '%d.%d' $((d / 10)) $((d % 10))
}

lab_say() { printf '[%6ss] %-9s %s\n' "$(lab_seconds)" "${LAB_PART:-lab}" "$*" >&2; }

lab_fail() { # message, log file to show the end of
  lab_say "FAILED: $1"
  if [[ -n ${2:-} && -s $2 ]]; then
    lab_say "end of $2:"
    tail -n 15 "$2" | cut -c1-300 | sed 's/^/            | /' >&2
  fi
  return 1
}

lab_mkdirs() {
  mkdir -p "$LAB_DIR" "$LAB_CACHE" "$LAB_RUN" "$LAB_LOG"
  chmod 711 "$LAB_DIR" # test hosts' users must be able to pass through to what is bound for them
  if [[ -n ${SUDO_UID:-} ]]; then chown "$SUDO_UID:${SUDO_GID:-}" "$LAB_DIR" "$LAB_LOG"; fi
}

# A password or key that stays the same for the life of the state directory.
lab_secret() { # name [bytes]
  local f=$LAB_DIR/secrets/$1
  if [[ ! -s $f ]]; then
    mkdir -p "$LAB_DIR/secrets" && chmod 700 "$LAB_DIR/secrets"
    (umask 077 && openssl rand -hex "${2:-16}" >"$f.new") && mv "$f.new" "$f"
  fi
  cat "$f"
}

# ---- processes --------------------------------------------------------------------------------------------------
# A pid file holds "PID START BOOT". A pid that another process got later has another start time, so it is never ours.

lab_pid_start() { # pid -> start time in clock ticks since boot; fails when there is no such process
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  [[ $1 != Z ]] && echo "${20}"
}

lab_pid() { # name -> pid, when it runs and is ours
  local pid start boot
  { read -r pid start boot <"$LAB_RUN/$1.pid"; } 2>/dev/null || return 1
  [[ $boot == "$(</proc/sys/kernel/random/boot_id)" && $start == "$(lab_pid_start "$pid")" ]] || return 1
  echo "$pid"
}

# Starts a command as a session of its own. The process itself writes its pid file before it becomes the command, so
# there is no moment at which it runs unrecorded.
lab_spawn() { # name command…
  local name=$1
  shift
  setsid -f bash -c '
    set -e
    stat=$(</proc/$$/stat); stat=${stat##*) }; read -ra f <<<"$stat"
    echo "$$ ${f[19]} $(</proc/sys/kernel/random/boot_id)" >"$1.new"
    mv "$1.new" "$1"
    shift
    exec "$@"' lab-spawn "$LAB_RUN/$name.pid" "$@" </dev/null >"$LAB_LOG/$name.log" 2>&1 9>&-
  local i
  for ((i = 0; i < 200; i++)); do
    [[ -s $LAB_RUN/$name.pid ]] && return 0
    sleep 0.02
  done
  lab_fail "$name did not start" "$LAB_LOG/$name.log"
}

# Ends a process by its pid file: TERM, then KILL after the grace period. Quiet when it does not run.
lab_end() { # name [grace seconds]
  local pid i
  if pid=$(lab_pid "$1"); then
    # unshare ignores TERM and takes its namespace's first process along on KILL: TERM is for that process.
    if [[ $(<"/proc/$pid/comm") == unshare ]]; then
      kill -TERM "$(lab_child "$pid")" 2>/dev/null
    else
      kill -TERM "$pid" 2>/dev/null
    fi
    for ((i = 0; i < ${2:-10} * 20; i++)); do
      lab_pid "$1" >/dev/null || break
      sleep 0.05
    done
    if pid=$(lab_pid "$1"); then
      lab_say "$1 (pid $pid) does not end on TERM: KILL"
      kill -KILL "$pid" 2>/dev/null
      for ((i = 0; i < 100; i++)); do
        lab_pid "$1" >/dev/null || break
        sleep 0.05
      done
    fi
  fi
  rm -f "$LAB_RUN/$1.pid" "$LAB_RUN/$1.pid.new"
}

# The first child of a process: what runs inside a namespace that `unshare --fork` made.
lab_child() { # pid
  local kids
  { read -r kids _ <"/proc/$1/task/$1/children"; } 2>/dev/null
  [[ -n $kids ]] && echo "$kids"
}

# Waits until a command succeeds; gives up early when the named process is gone.
lab_wait() { # name seconds command…
  local name=$1 i
  local limit=$(($2 * 10))
  shift 2
  for ((i = 0; i < limit; i++)); do
    "$@" >/dev/null 2>&1 && return 0
    lab_pid "$name" >/dev/null || { lab_fail "$name ended" "$LAB_LOG/$name.log"; return 1; }
    sleep 0.1
  done
  lab_fail "$name is not ready after $((limit / 10)) s" "$LAB_LOG/$name.log"
}

lab_port_free() { # address port
  if (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; then
    lab_fail "$1:$2 is taken by another process; set TIDEGATE_LAB_PORT_${LAB_PART^^}*"
  fi
}

# ---- the address that everybody reaches ---------------------------------------------------------------------------

lab_net_up() {
  if ! ip link show "$LAB_BRIDGE" >/dev/null 2>&1; then
    ip link add "$LAB_BRIDGE" type bridge || { lab_fail "cannot make the bridge $LAB_BRIDGE (root is needed)"; return 1; }
  fi
  [[ $(ip addr show dev "$LAB_BRIDGE") == *"inet $LAB_IP/"* ]] || ip addr add "$LAB_IP/24" dev "$LAB_BRIDGE"
  ip link set "$LAB_BRIDGE" up
}

lab_net_down() {
  ip link del "$LAB_BRIDGE" 2>/dev/null
  return 0
}

# A hash of texts and of the contents of files (arguments starting with @): names what a cached thing was made from.
lab_key() {
  local a
  for a in "$@"; do
    if [[ $a == @* ]]; then cat "${a#@}" 2>/dev/null; else printf '%s\n' "$a"; fi
  done | sha256sum | cut -c1-16
}
