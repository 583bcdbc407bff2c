# shellcheck shell=bash
# Training host and graph host: Debian's sshd, each in network, mount, pid and uts namespaces of its own, with its own
# /srv, /home, /tmp and accounts, plugged into the lab's bridge. They reach this machine's lab address and nothing else,
# so what is installed on them must have come over SSH. When a host's first process ends, all of it is gone.

LAB_HOSTS=("training-host 11 training" "graph-host 12 graph") # name, last octet, /srv/<dir>
LAB_HOST_USER=ec2-user
LAB_HOST_UID=1580
LAB_SSH=$LAB_DIR/ssh # the client's side

hosts_install() {
  [[ -x /usr/sbin/sshd && -x /usr/bin/python3 ]] && command -v ssh tini ip >/dev/null && return 0
  lab_fail "openssh-server, openssh-client, python3, tini or iproute2 is missing: run tools/setup.sh lab"
}

hosts_env() {
  cat <<SH
export TIDEGATE_SSH_CONFIG=$LAB_SSH/config
export TIDEGATE_SSH_KEY=$LAB_SSH/id_ed25519
export TIDEGATE_SSH_KNOWN_HOSTS=$LAB_SSH/known_hosts
export TIDEGATE_SSH_USER=$LAB_HOST_USER
export TIDEGATE_HOST_VENV=/run/lab-venv
export TIDEGATE_TRAINING_HOST=$LAB_NET.11
export TIDEGATE_GRAPH_HOST=$LAB_NET.12
SH
}

hosts_key() { # file comment
  [[ -s $1 ]] || ssh-keygen -q -t ed25519 -N '' -C "$2" -f "$1"
}

hosts_client_files() {
  local name octet srv host
  mkdir -p "$LAB_SSH" && chmod 700 "$LAB_SSH"
  hosts_key "$LAB_SSH/id_ed25519" tidegate-lab || return 1
  : >"$LAB_SSH/known_hosts.new"
  : >"$LAB_SSH/config.new"
  for host in "${LAB_HOSTS[@]}"; do
    read -r name octet srv <<<"$host"
    echo "$name,$LAB_NET.$octet $(cut -d' ' -f1,2 "$LAB_DIR/hosts/$name/ssh/host_key.pub")" >>"$LAB_SSH/known_hosts.new"
    printf 'Host %s\n  HostName %s\n  HostKeyAlias %s\n' "$name" "$LAB_NET.$octet" "$name" >>"$LAB_SSH/config.new"
  done
  cat >>"$LAB_SSH/config.new" <<CONF
Host training-host graph-host $LAB_NET.*
  User $LAB_HOST_USER
  IdentityFile "$LAB_SSH/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "$LAB_SSH/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
CONF
  mv "$LAB_SSH/known_hosts.new" "$LAB_SSH/known_hosts"
  mv "$LAB_SSH/config.new" "$LAB_SSH/config"
  if [[ -n ${SUDO_UID:-} ]]; then chown -R "$SUDO_UID:${SUDO_GID:-}" "$LAB_SSH"; fi
}

hosts_sshd_config() {
  cat <<CONF
HostKey /run/lab-ssh/host_key
AuthorizedKeysFile /run/lab-ssh/authorized_keys
PidFile none
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
AllowUsers $LAB_HOST_USER
StrictModes no
MaxSessions 64
MaxStartups 64
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
CONF
}

# The host's own accounts: the machine's, and the one that people log in with. It may use the lab's Docker, whose
# socket belongs to the group of whoever started the lab.
hosts_accounts() { # directory name
  local d=$1/etc
  { grep -v "^$LAB_HOST_USER:" /etc/passwd; echo "$LAB_HOST_USER:x:$LAB_HOST_UID:$LAB_HOST_UID::/home/$LAB_HOST_USER:/bin/bash"; } >"$d/passwd"
  getent passwd sshd >/dev/null || echo 'sshd:x:113:65534::/run/sshd:/usr/sbin/nologin' >>"$d/passwd"
  {
    grep -v "^$LAB_HOST_USER:" /etc/group
    echo "$LAB_HOST_USER:x:$LAB_HOST_UID:"
    if [[ ${SUDO_GID:-$LAB_HOST_UID} != "$LAB_HOST_UID" ]]; then echo "lab-docker:x:$SUDO_GID:$LAB_HOST_USER"; fi
  } >"$d/group"
  echo "$2" >"$d/hostname"
  printf '127.0.0.1 localhost\n%s lab\n%s training-host\n%s graph-host\n' "$LAB_IP" "$LAB_NET.11" "$LAB_NET.12" >"$d/hosts"
}

hosts_write_owned() { # file: content from standard input; mode 0600, the host user's; untouched when it is so already
  cat >"$1.new"
  if cmp -s "$1.new" "$1"; then rm "$1.new"; return 0; fi
  chmod 600 "$1.new" && chown "$LAB_HOST_UID:$LAB_HOST_UID" "$1.new" && mv "$1.new" "$1"
}

hosts_settings() { # /srv/<dir>: what an operator put on the host before there was any release
  case $1 in
    training)
      cat <<ENV
MLFLOW_TRACKING_URI=$LAB_MLFLOW_URL
MLFLOW_EXPERIMENT_NAME=curriculum-coach
AWS_ACCESS_KEY_ID=tidegate-lab
AWS_SECRET_ACCESS_KEY=$(lab_secret s3)
AWS_DEFAULT_REGION=us-east-1
AWS_ENDPOINT_URL_S3=$LAB_S3_URL
MLFLOW_S3_ENDPOINT_URL=$LAB_S3_URL
ENV
      ;;
    graph)
      cat <<ENV
NEO4J_URI=$LAB_NEO4J_BOLT
NEO4J_HTTP_URL=$LAB_NEO4J_HTTP
NEO4J_USER=neo4j
NEO4J_PASSWORD=$(lab_secret neo4j)
NEO4J_DATABASE=neo4j
ENV
      ;;
  esac
}

hosts_prepare() { # name octet srv
  local d=$LAB_DIR/hosts/$1 shared=$LAB_DIR/hosts/$1/srv/$3/shared file=graph.env
  mkdir -p "$d"/{etc,ssh,tmp} "$d/home/$LAB_HOST_USER" "$shared"
  chmod 1777 "$d/tmp"
  chmod 755 "$d" "$d"/{etc,ssh,home,srv}
  chown "$LAB_HOST_UID:$LAB_HOST_UID" "$d/home/$LAB_HOST_USER" "$d/srv/$3" "$shared"
  hosts_key "$d/ssh/host_key" "$1" || return 1
  hosts_sshd_config >"$d/ssh/sshd_config"
  hosts_accounts "$d" "$1"
  if [[ $3 == training ]]; then file=mlflow.env; fi
  hosts_settings "$3" | hosts_write_owned "$shared/$file"
}

hosts_launch() { # name octet
  local pid veth=${LAB_BRIDGE:0:10}h$2
  lab_end "$1"
  ip link del "$veth" 2>/dev/null
  lab_spawn "$1" unshare --net --uts --pid --fork --kill-child --mount --propagation unchanged \
    bash "$LAB_HERE/host-inner.sh" "$1" "$LAB_NET.$2/24" "$LAB_DIR/hosts/$1" "$LAB_DIR/docker" || return 1
  local i
  for ((i = 0; i < 100; i++)); do
    pid=$(lab_child "$(lab_pid "$1")") && break
    sleep 0.05
  done
  ip link add "$veth" type veth peer name eth0 netns "$pid" && ip link set "$veth" master "$LAB_BRIDGE" up ||
    { lab_fail "cannot connect $1 to the bridge" "$LAB_LOG/$1.log"; return 1; }
}

hosts_answer() { ssh -F "$LAB_SSH/config" "$1" true </dev/null >/dev/null 2>&1; }

# The lab's Python packages, for programs on a host that need more than a host has (MLflow's client). They cannot be
# read in their own place, which is below a home.
hosts_lend() { # name
  local pid
  [[ -x $LAB_VENV/bin/python ]] || return 0
  pid=$(lab_child "$(lab_pid "$1")") || return 1
  nsenter -t "$pid" -m -- sh -c \
    'mkdir -p /run/lab-venv && { mountpoint -q /run/lab-venv || mount --bind "$1" /run/lab-venv; }' sh "$LAB_VENV"
}
hosts_lent() { [[ ! -x $LAB_VENV/bin/python ]] || ssh -F "$LAB_SSH/config" "$1" test -x /run/lab-venv/bin/python </dev/null; }

hosts_ready() {
  hosts_lent training-host 2>/dev/null || return 1
  lab_pid training-host >/dev/null && lab_pid graph-host >/dev/null && hosts_answer training-host && hosts_answer graph-host
}

hosts_start() {
  mkdir -p "$LAB_DIR/docker" # bound into the hosts, whether or not Docker runs yet
  local name octet srv host
  for host in "${LAB_HOSTS[@]}"; do
    read -r name octet srv <<<"$host"
    hosts_prepare "$name" "$octet" "$srv" || return 1
  done
  hosts_client_files || { lab_fail "cannot make keys"; return 1; }
  for host in "${LAB_HOSTS[@]}"; do
    read -r name octet srv <<<"$host"
    cp "$LAB_SSH/id_ed25519.pub" "$LAB_DIR/hosts/$name/ssh/authorized_keys"
    chmod 644 "$LAB_DIR/hosts/$name/ssh/authorized_keys"
    if ! lab_pid "$name" >/dev/null || ! hosts_answer "$name"; then
      hosts_launch "$name" "$octet" || return 1
      lab_wait "$name" 20 hosts_answer "$name" || return 1
    fi
    hosts_lend "$name" || lab_say "$name has no use of the lab's Python packages"
  done
}

hosts_stop() {
  local name octet srv host
  for host in "${LAB_HOSTS[@]}"; do
    read -r name octet srv <<<"$host"
    lab_end "$name"
    ip link del "${LAB_BRIDGE:0:10}h$octet" 2>/dev/null
    umount -R -l "$LAB_DIR/hosts/$name/root" 2>/dev/null
  done
  return 0
}
