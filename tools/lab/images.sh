# shellcheck shell=bash
# Base images, under the names that pipelines use. Where Docker Hub answers they are its own; where it does not they
# are made here from Debian's packages, and carry this machine's CA bundle and pip settings so that builds inside reach
# the package registries that the machine itself reaches. Images made here never leave this machine.

LAB_IMAGES=("debian:bookworm-slim" "python:3.11" "docker:latest")
LAB_IMAGES_DIR=$LAB_CACHE/images
LAB_IMAGES_RECIPE=1 # raise when a recipe below changes

images_env() { :; }

images_packages() {
  case $1 in
    python:*) echo python3,python3-venv,python3-pip,ca-certificates,git ;;
    docker:*) echo ca-certificates,git,openssh-client ;;
    *) echo ca-certificates ;;
  esac
}

images_have() { # made here from what holds now, or not made here at all
  local key
  key=$(lab_docker image inspect -f '{{index .Config.Labels "tidegate.lab"}}' "$1" 2>/dev/null) || return 1
  [[ -z $key || $key == "$(images_key "$1")" ]]
}

images_apt_sources() { # files of Debian's own sources on this machine; none: mmdebstrap's default
  local f
  for f in /etc/apt/sources.list /etc/apt/sources.list.d/debian*.sources /etc/apt/sources.list.d/debian*.list; do
    if grep -qsE '^(deb|Types:.*deb)' "$f"; then echo "$f"; fi
  done
}

images_apt_options() { # what this machine's administrator set about fetching, as options
  apt-config dump | sed -nE 's/^(Acquire::(Check-|Retries|http|https)[^ ]*) "(.*)";$/\1 "\3";/p' | grep -v '""'
}

images_pip_conf() { # this machine's pip settings, without paths that exist only here
  echo "[global]"
  [[ -e /etc/ssl/certs/ca-certificates.crt ]] && echo "cert = /etc/ssl/certs/ca-certificates.crt"
  python3 -m pip config list 2>/dev/null |
    sed -nE "s/^[^.]+\.(index-url|extra-index-url|trusted-host|proxy|timeout)='(.*)'$/\1 = \2/p" | sort -u
  return 0
}

# Run by mmdebstrap with the new root as $1; $2 is the image, $3 the directory with this machine's settings.
images_customize() {
  local root=$1 image=$2 settings=$3
  if [[ -s $settings/ca-certificates.crt ]]; then
    cp "$settings/ca-certificates.crt" "$root/etc/ssl/certs/ca-certificates.crt"
  fi
  case $image in
    python:*)
      cp "$settings/pip.conf" "$root/etc/pip.conf"
      ln -s /usr/bin/python3 "$root/usr/local/bin/python"
      rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED # as in the official image: pip owns this Python
      ;;
    docker:*)
      cp "$settings/docker" "$root/usr/local/bin/docker"
      ;;
  esac
}

images_make() { # image -> $LAB_IMAGES_DIR/<name>-<key>.tar
  local image=$1 tar=$2 settings=$LAB_IMAGES_DIR/settings opts=() o sources
  while read -r o; do opts+=("--aptopt=$o"); done < <(images_apt_options)
  mapfile -t sources < <(images_apt_sources)
  export LAB_IMAGES_DIR
  mmdebstrap --quiet --variant=minbase --include="$(images_packages "$image")" "${opts[@]}" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook="bash -c 'source \"$LAB_HERE/common.sh\"; source \"$LAB_HERE/images.sh\"; images_customize \"\$@\"' hook \"\$1\" '$image' '$settings'" \
    bookworm "$tar.new.tar" "${sources[@]}" >"$LAB_LOG/image-${image%%:*}.log" 2>&1 || {
    rm -f "$tar.new.tar"
    lab_fail "mmdebstrap for $image" "$LAB_LOG/image-${image%%:*}.log"
    return 1
  }
  mv "$tar.new.tar" "$tar"
}

images_settings() {
  local d=$LAB_IMAGES_DIR/settings
  mkdir -p "$d"
  cat /etc/ssl/certs/ca-certificates.crt >"$d/ca-certificates.crt" 2>/dev/null
  images_pip_conf >"$d/pip.conf"
  cp -f /usr/bin/docker "$d/docker"
}

images_key() { # image: names what it is made from
  lab_key "$LAB_IMAGES_RECIPE" "$1" "$(images_packages "$1")" "$(env | grep -E '^PIP_(INDEX|EXTRA|TRUSTED|PROXY)' | sort)" \
    @/etc/ssl/certs/ca-certificates.crt @/etc/pip.conf "@$HOME/.pip/pip.conf" "@$HOME/.config/pip/pip.conf" \
    "$(images_apt_sources | xargs -r cat)"
}

images_tar() { echo "$LAB_IMAGES_DIR/${1%%:*}-$(images_key "$1").tar"; }

# A "no" comes at once; silence is not worth a long wait. The tag's manifest is small.
images_hub_answers() { timeout 8 skopeo inspect --raw docker://debian:bookworm-slim >/dev/null 2>&1; }

images_install() {
  command -v mmdebstrap >/dev/null || { lab_fail "mmdebstrap is missing: run tools/setup.sh lab"; return 1; }
  local image tar bad=0 pids=()
  if images_ready 2>/dev/null; then return 0; fi
  images_settings
  if images_hub_answers; then
    touch "$LAB_IMAGES_DIR/hub"
    return 0
  fi
  rm -f "$LAB_IMAGES_DIR/hub"
  for image in "${LAB_IMAGES[@]}"; do
    tar=$(images_tar "$image")
    [[ -s $tar ]] && continue
    lab_say "making $image from Debian packages (about 20 s)"
    rm -f "$LAB_IMAGES_DIR/${image%%:*}"-*.tar
    images_make "$image" "$tar" &
    pids+=($!)
  done
  for image in "${pids[@]}"; do wait "$image" || bad=1; done
  return $bad
}

images_import() { # image tarball
  local change=(--change 'ENV LANG=C.UTF-8' --change "LABEL tidegate.lab=$(images_key "$1")")
  case $1 in
    python:*) change+=(--change 'CMD ["python3"]') ;;
    docker:*) change+=(--change 'CMD ["sh"]') ;;
    *) change+=(--change 'CMD ["bash"]') ;;
  esac
  lab_docker import "${change[@]}" "$2" "$1" >/dev/null || { lab_fail "docker import $1"; return 1; }
}

images_start() {
  local image
  for image in "${LAB_IMAGES[@]}"; do
    images_have "$image" && continue
    if [[ -e $LAB_IMAGES_DIR/hub ]] && timeout 300 docker -H "unix://$LAB_DOCKER_SOCKET" pull -q "$image" >/dev/null; then
      lab_say "$image pulled"
      continue
    fi
    local tar
    tar=$(images_tar "$image")
    if [[ ! -s $tar ]]; then images_make "$image" "$tar" || return 1; fi
    images_import "$image" "$tar" || return 1
    lab_say "$image imported"
  done
}

images_ready() {
  local image
  for image in "${LAB_IMAGES[@]}"; do images_have "$image" || return 1; done
}

images_stop() { :; } # they stay in the daemon's data root
