# shellcheck shell=bash
# Docker Engine: Debian's dockerd with its own data root, socket, bridge and address ranges, so that it can run beside
# another one. It lives in a pid and a mount namespace of its own: when it goes, containers and mounts go with it.

LAB_DOCKER=$LAB_DIR/docker
LAB_DOCKER_SOCKET=$LAB_DOCKER/docker.sock
LAB_DOCKER_RANGE=$LAB_DOCKER_NET.64.0/18  # user-defined networks
LAB_DOCKER_GATEWAY=$LAB_DOCKER_NET.32.1   # the default bridge is .32.0/24
LAB_DOCKER_FORWARD_WAS_OFF=/run/tidegate-lab.forward-was-off # of the machine: shared by all labs on it

lab_docker() { DOCKER_CONFIG=$LAB_DOCKER/client docker -H "unix://$LAB_DOCKER_SOCKET" "$@"; }

docker_install() {
  command -v dockerd >/dev/null && command -v iptables >/dev/null && command -v tini >/dev/null && return 0
  lab_fail "docker.io, iptables or tini is missing: run tools/setup.sh lab"
}

docker_env() {
  echo "export TIDEGATE_DOCKER_SOCKET=$LAB_DOCKER_SOCKET"
  echo "export DOCKER_HOST=unix://$LAB_DOCKER_SOCKET"
  echo "export TIDEGATE_DOCKER_NETWORK=$(cat "$LAB_DOCKER/network" 2>/dev/null || echo bridge)"
}

# The rules that dockerd would make, for our ranges only: another daemon's chains stay as they are.
docker_rules() { # -I | -D
  local op=$1 r c=(-m comment --comment "tidegate-lab")
  for r in "$LAB_DOCKER_NET.32.0/24" "$LAB_DOCKER_RANGE"; do
    docker_rule "$op" nat POSTROUTING -s "$r" ! -d "$r" "${c[@]}" -j MASQUERADE || return 1
    docker_rule "$op" filter FORWARD -s "$r" "${c[@]}" -j ACCEPT || return 1
    docker_rule "$op" filter FORWARD -d "$r" "${c[@]}" -j ACCEPT || return 1
    docker_rule "$op" mangle FORWARD -s "$r" -p tcp --tcp-flags SYN,RST SYN "${c[@]}" -j TCPMSS --clamp-mss-to-pmtu
  done
  return 0
}

docker_rule() { # -I | -D table chain rule…
  local op=$1 table=$2
  shift 2
  if [[ $op == -D ]]; then
    while iptables -w -t "$table" -D "$@" 2>/dev/null; do :; done
    return 0
  fi
  iptables -w -t "$table" -C "$@" 2>/dev/null || iptables -w -t "$table" -I "$@" 2>>"$LAB_LOG/iptables.log"
}

docker_other_labs() { iptables -w -S FORWARD 2>/dev/null | grep -e '--comment "\?tidegate-lab' >/dev/null; }

docker_network_up() {
  if ! ip link show "$LAB_DOCKER_BRIDGE" >/dev/null 2>&1; then
    ip link add "$LAB_DOCKER_BRIDGE" type bridge || return 1
  fi
  [[ $(ip addr show dev "$LAB_DOCKER_BRIDGE") == *"inet $LAB_DOCKER_GATEWAY/"* ]] ||
    ip addr add "$LAB_DOCKER_GATEWAY/24" dev "$LAB_DOCKER_BRIDGE"
  ip link set "$LAB_DOCKER_BRIDGE" up
  # A forwarding switch that was off is put back off by docker_stop of the last lab on this machine.
  if [[ $(</proc/sys/net/ipv4/ip_forward) == 0 ]]; then
    touch "$LAB_DOCKER_FORWARD_WAS_OFF"
    { echo 1 >/proc/sys/net/ipv4/ip_forward; } 2>/dev/null || true
  fi
  if docker_rules -I; then
    echo bridge >"$LAB_DOCKER/network"
  else
    lab_say "iptables does not work here: containers reach the outside with --network host only"
    echo host >"$LAB_DOCKER/network"
  fi
}

docker_network_down() {
  local link
  docker_rules -D
  # Bridges of user-defined networks whose daemon could not remove them.
  for link in $(ip -o -4 addr show | awk -v p="^${LAB_DOCKER_NET//./\\.}\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\." \
    '$2 ~ /^br-/ && $4 ~ p {print $2}'); do
    ip link del "$link" 2>/dev/null
  done
  ip link del "$LAB_DOCKER_BRIDGE" 2>/dev/null
  if [[ -e $LAB_DOCKER_FORWARD_WAS_OFF ]] && ! docker_other_labs; then
    { echo 0 >/proc/sys/net/ipv4/ip_forward; } 2>/dev/null || true
    rm -f "$LAB_DOCKER_FORWARD_WAS_OFF"
  fi
  return 0
}

docker_config() {
  local mtu
  mtu=$(cat "/sys/class/net/$(ip -4 route show default | awk '{for (i = 1; i < NF; i++) if ($i == "dev") {print $(i + 1); exit}}')/mtu" 2>/dev/null)
  cat <<JSON
{
  "data-root": "$LAB_DOCKER/data",
  "exec-root": "$LAB_DOCKER/exec",
  "pidfile": "$LAB_DOCKER/dockerd.pid",
  "hosts": ["unix://$LAB_DOCKER_SOCKET"],
  "bridge": "$LAB_DOCKER_BRIDGE",
  "iptables": false,
  "mtu": ${mtu:-1500},
  "default-address-pools": [{"base": "$LAB_DOCKER_RANGE", "size": 24}],
  "oom-score-adjust": 0,
  "shutdown-timeout": 5,
  "log-opts": {"max-size": "20m"}
}
JSON
}

docker_ready() { docker_ping && [[ -n $(lab_pid dockerd) ]]; }

docker_ping() { lab_docker version >/dev/null 2>&1; }

docker_start() {
  docker_ready && return 0
  if ((${#LAB_DOCKER_SOCKET} >= 100)); then
    lab_fail "the socket's path is longer than 99 characters: set TIDEGATE_LAB to a shorter one"
    return 1
  fi
  lab_end dockerd 5
  mkdir -p "$LAB_DOCKER/certs.d" "$LAB_DOCKER/client" /etc/docker
  chmod 711 "$LAB_DOCKER"
  # Left by a daemon that was killed; the pids in there are of a namespace that is gone.
  rm -rf "$LAB_DOCKER/exec" "$LAB_DOCKER/dockerd.pid" "$LAB_DOCKER_SOCKET"
  docker_network_up || { lab_fail "cannot make the bridge $LAB_DOCKER_BRIDGE"; return 1; }
  docker_config >"$LAB_DOCKER/daemon.json"
  lab_spawn dockerd unshare --pid --fork --kill-child --mount --propagation unchanged \
    bash "$LAB_HERE/docker-inner.sh" "$LAB_DOCKER" || return 1
  lab_wait dockerd 60 docker_ping || return 1
  chgrp "${SUDO_GID:-$LAB_HOST_UID}" "$LAB_DOCKER_SOCKET" # the user's own group; the test hosts' user else
}

docker_stop() {
  local ids
  if lab_pid dockerd >/dev/null; then
    if ids=$(timeout 10 docker -H "unix://$LAB_DOCKER_SOCKET" ps -aq 2>/dev/null) && [[ -n $ids ]]; then
      # shellcheck disable=SC2086
      lab_docker rm -fv $ids >/dev/null 2>&1
    fi
    timeout 10 docker -H "unix://$LAB_DOCKER_SOCKET" network prune -f >/dev/null 2>&1
  fi
  lab_end dockerd 20
  umount -R -l "$LAB_DOCKER/root" 2>/dev/null
  docker_network_down
  rm -rf "$LAB_DOCKER/exec" "$LAB_DOCKER/dockerd.pid" "$LAB_DOCKER_SOCKET"
}
