#!/bin/bash
# Installs Debian packages that Tidegate needs. Quick when they are there already.
#   tools/setup.sh build    what building and checking Tidegate takes
#   tools/setup.sh lab      what tools/lab runs: the real parts for the demo and the end-to-end tests
#   tools/setup.sh          both
# Can be sourced for its functions: setup_build, setup_lab.

setup_build_packages() {
  cat <<'LIST'
clang-19 lld-19 llvm-19 libclang-rt-19-dev  # the compiler, its linker, its sanitizers
clang-format-19 clang-tidy-19 clang-tools-19 universal-ctags python3  # the checks of style and size
cmake ninja-build ccache pkg-config git  # the build
libboost1.81-dev libboost-json1.81-dev  # Asio, Beast, JSON
libyaml-dev libexpat1-dev libre2-dev libfmt-dev libspdlog-dev libcli11-dev  # YAML, regular expressions, text, logs, command line
libsqlite3-dev libcurl4-openssl-dev libssl-dev libgit2-dev  # state, HTTP client, TLS, Git
libarchive-dev libzstd-dev zlib1g-dev  # archives
libgtest-dev  # tests
bash zsh  # what the completion scripts are tested with
LIST
}

setup_lab_packages() {
  cat <<'LIST'
docker.io iptables tini  # Docker Engine: job containers and image builds
mmdebstrap ca-certificates  # base images, where Docker Hub does not answer
docker-registry apache2-utils skopeo openssl  # the image registry: TLS, login, and a second client
openssh-server openssh-client iproute2 util-linux  # training and graph host: sshd in network namespaces
python3 python3-venv python3-pip  # the hosts' Python; MLflow and the S3 helper in a virtual environment
curl procps git  # readiness checks and the demo's own steps
python3-gitlab  # a client of GitLab's API that others wrote, for a test
LIST
  # These three may be there in another form.
  command -v go >/dev/null || echo 'golang-go  # builds the object store, versitygw'
  command -v java >/dev/null || echo 'openjdk-17-jre-headless  # runs Neo4j'
  command -v mvn >/dev/null || echo 'maven  # fetches Neo4j'
}

setup_as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "setup: root or sudo is needed for: $*" >&2
    return 3
  fi
}

setup_has() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Packages that are services start them when installed. The lab runs its own, so none of these may start by itself,
# now or at the next boot, because of us; one that was installed before stays as it is.
setup_without_services() { # command…
  local rc policy=/usr/sbin/policy-rc.d
  if [[ -e $policy ]] && ! grep -q 'made by tidegate setup' "$policy"; then
    "$@"
    return
  fi
  setup_as_root sh -c "printf '#!/bin/sh\n# made by tidegate setup; goes when it is done\nexit 101\n' >$policy && chmod 755 $policy"
  "$@"
  rc=$?
  setup_as_root rm -f "$policy"
  return $rc
}

setup_disable() { # services of packages that were installed just now
  command -v systemctl >/dev/null || return 0
  local p
  for p in "$@"; do
    case $p in
      docker.io) setup_as_root systemctl disable docker.service docker.socket containerd.service ;;
      docker-registry) setup_as_root systemctl disable docker-registry.service ;;
      openssh-server) setup_as_root systemctl disable ssh.service ;;
    esac
  done >/dev/null 2>&1
  return 0
}

setup_install() { # what for; the list on standard input
  local line names p why missing=() log
  while IFS= read -r line; do
    names=${line%%  #*}
    why=${line##*  # }
    for p in $names; do
      setup_has "$p" && continue
      missing+=("$p")
      printf 'setup: %-24s %s\n' "$p" "$why" >&2
    done
  done
  if ((${#missing[@]} == 0)); then
    echo "setup: $1: everything is there" >&2
    return 0
  fi
  log=$(mktemp /tmp/tidegate-setup.XXXXXX)
  local t0=$SECONDS apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600)
  echo "setup: $1: installing ${#missing[@]} packages (log: $log)" >&2
  if ! setup_as_root "${apt[@]}" update >"$log" 2>&1 ||
    ! setup_without_services setup_as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "setup: $1: apt-get failed; the whole log is in $log" >&2
    return 3
  fi
  setup_disable "${missing[@]}"
  rm -f "$log"
  echo "setup: $1: done in $((SECONDS - t0)) s" >&2
}

setup_build() { setup_install build < <(setup_build_packages); }

setup_lab() { setup_install lab < <(setup_lab_packages); }

setup_main() {
  case ${1:-all} in
    build) setup_build ;;
    lab) setup_lab ;;
    all) setup_build && setup_lab ;;
    *)
      sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
      return 2
      ;;
  esac
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -uo pipefail
  setup_main "$@"
fi
