# shellcheck shell=bash
# Object store: versitygw (a Go module, built once) over a directory, with versions and with event notifications to
# TIDEGATE_HOOK_URL. It speaks at the address that test hosts and containers reach too.

LAB_S3=$LAB_DIR/s3
LAB_S3_URL=http://$LAB_IP:$LAB_PORT_S3
LAB_S3_BUCKET=team-data
LAB_S3_HOOK=${TIDEGATE_HOOK_URL:-http://127.0.0.1:$LAB_PORT_TIDEGATE/hooks/s3/$LAB_S3_BUCKET}
LAB_S3_VERSION=v1.8.0
LAB_S3_BINARY=$LAB_CACHE/bin/versitygw-$LAB_S3_VERSION
LAB_S3_GO=1.25.0 # what that version asks for, at least

s3_env() {
  cat <<SH
export TIDEGATE_S3_ENDPOINT=$LAB_S3_URL
export TIDEGATE_S3_ACCESS_KEY=tidegate-lab
export TIDEGATE_S3_SECRET_KEY=$(lab_secret s3)
export TIDEGATE_S3_REGION=us-east-1
export TIDEGATE_S3_BUCKET=$LAB_S3_BUCKET
export TIDEGATE_HOOK_URL='$(cat "$LAB_S3/hook" 2>/dev/null || echo "$LAB_S3_HOOK")'
SH
}

# The machine's Go when it is new enough; else a newer toolchain, which is itself a Go module.
s3_go() { # go directory -> the go command
  local have
  command -v go >/dev/null || { lab_fail "golang-go is missing: run tools/setup.sh lab"; return 1; }
  have=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
  if [[ $(printf '%s\n' "$LAB_S3_GO" "$have" | sort -V | head -n 1) == "$LAB_S3_GO" ]]; then
    command -v go
    return 0
  fi
  local module=golang.org/toolchain@v0.0.1-go$LAB_S3_GO.linux-$(dpkg --print-architecture)
  lab_say "Go ${have:-of unknown version} is too old; getting $module"
  mkdir -p "$1/empty" && cd "$1/empty" || return 1
  [[ -e go.mod ]] || echo "module empty" >go.mod
  go mod download "$module" >"$LAB_LOG/go.log" 2>&1 || { lab_fail "go mod download" "$LAB_LOG/go.log"; return 1; }
  # Modules come without execute bits.
  chmod -R u+w "$GOPATH/pkg/mod/$module" && chmod +x "$GOPATH/pkg/mod/$module"/bin/* "$GOPATH/pkg/mod/$module"/pkg/tool/*/*
  echo "$GOPATH/pkg/mod/$module/bin/go"
}

s3_build() {
  local dir=$LAB_CACHE/go go
  export GOPATH=$dir/path GOCACHE=$dir/build GOBIN=$dir/bin GOTOOLCHAIN=local GOFLAGS=-modcacherw
  unset GOROOT
  go=$(s3_go "$dir") || return 1
  lab_say "building versitygw $LAB_S3_VERSION with $("$go" env GOVERSION) (two minutes of processor time)"
  "$go" install -trimpath -ldflags=-s "github.com/versity/versitygw/cmd/versitygw@$LAB_S3_VERSION" >"$LAB_LOG/go.log" 2>&1 ||
    { lab_fail "go install" "$LAB_LOG/go.log"; return 1; }
  mkdir -p "${LAB_S3_BINARY%/*}"
  mv "$dir/bin/versitygw" "$LAB_S3_BINARY"
  chmod -R u+w "$dir" && rm -rf "$dir" # modules and objects: large, and not needed again
}

s3_install() {
  if [[ ! -x $LAB_S3_BINARY ]]; then (s3_build) || return 1; fi
  python_install
}

s3_answers() { # any HTTP answer
  curl -s -o /dev/null --max-time 2 "$LAB_S3_URL/"
}

s3_ready() { # and tells the hook that is asked for
  lab_pid s3 >/dev/null && s3_answers && [[ -z ${TIDEGATE_HOOK_URL:-} || $(cat "$LAB_S3/hook") == "$LAB_S3_HOOK" ]]
}

# versitygw does not start unless its hook's port takes one test event. When nobody listens there yet, answer that one
# event and be gone; events themselves always go straight to the hook.
s3_hook_stand_in() {
  local hostport
  hostport=$(sed -E 's#^[a-z]+://([^/@]*@)?([^/?]*).*#\2#' <<<"$LAB_S3_HOOK")
  [[ $hostport == *:* ]] || hostport=$hostport:80
  (exec 3<>"/dev/tcp/${hostport%:*}/${hostport##*:}") 2>/dev/null && return 0
  # Ended by itself after one request or 20 s.
  timeout 20 /usr/bin/python3 - "${hostport%:*}" "${hostport##*:}" 9>&- >/dev/null 2>&1 <<'PY' &
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), H).handle_request()
PY
  local i
  for ((i = 0; i < 100; i++)); do
    [[ $(ss -Hltn "sport = :${hostport##*:}") ]] && return 0
    sleep 0.05
  done
  lab_fail "cannot listen at $hostport for the hook's test event"
}

s3_start() {
  lab_end s3
  lab_port_free "$LAB_IP" "$LAB_PORT_S3" || return 1
  mkdir -p "$LAB_S3/data" "$LAB_S3/versions"
  s3_hook_stand_in || return 1
  (umask 077 && echo "$LAB_S3_HOOK" >"$LAB_S3/hook")
  echo '{"s3:ObjectCreated:*": true, "s3:ObjectRemoved:*": true}' >"$LAB_S3/events.json"
  ROOT_ACCESS_KEY=tidegate-lab ROOT_SECRET_KEY=$(lab_secret s3) lab_spawn s3 "$LAB_S3_BINARY" --port "$LAB_IP:$LAB_PORT_S3" \
    --region us-east-1 --quiet --event-webhook-url "$LAB_S3_HOOK" --event-filter "$LAB_S3/events.json" \
    posix --versioning-dir "$LAB_S3/versions" "$LAB_S3/data" || return 1
  lab_wait s3 30 s3_answers || return 1
  s3_client "$LAB_HERE/s3bucket.py" "$LAB_S3_BUCKET" >"$LAB_LOG/s3bucket.log" 2>&1 ||
    { lab_fail "cannot make the bucket $LAB_S3_BUCKET" "$LAB_LOG/s3bucket.log"; return 1; }
}

s3_client() { # script arguments…: runs one of the S3 helpers with the lab's settings
  (
    eval "$(s3_env)"
    "$LAB_VENV/bin/python" "$@"
  )
}

s3_stop() { lab_end s3; }
