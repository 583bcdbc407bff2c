# shellcheck shell=bash
# Image registry: Debian's docker-registry at localhost, over TLS with a certificate of the lab's own authority, with a
# login. dockerd trusts the authority by certs.d (see docker-inner.sh), skopeo by --cert-dir.

LAB_REGISTRY=$LAB_DIR/registry
LAB_REGISTRY_HOST=localhost:$LAB_PORT_REGISTRY
LAB_REGISTRY_CERTS=$LAB_DIR/docker/certs.d/$LAB_REGISTRY_HOST

registry_install() {
  command -v docker-registry >/dev/null && command -v htpasswd >/dev/null && command -v openssl >/dev/null && return 0
  lab_fail "docker-registry, apache2-utils or openssl is missing: run tools/setup.sh lab"
}

registry_env() {
  cat <<SH
export TIDEGATE_REGISTRY=$LAB_REGISTRY_HOST
export TIDEGATE_REGISTRY_USER=tidegate
export TIDEGATE_REGISTRY_PASSWORD=$(lab_secret registry)
export TIDEGATE_REGISTRY_CA=$LAB_DIR/tls/ca.crt
export TIDEGATE_REGISTRY_CERT_DIR=$LAB_REGISTRY_CERTS
SH
}

# The lab's certificate authority and one server certificate for this machine's lab addresses.
registry_certificates() {
  local d=$LAB_DIR/tls
  [[ -s $d/server.crt ]] && openssl x509 -checkend 86400 -noout -in "$d/server.crt" >/dev/null && return 0
  rm -rf "$d.new" && mkdir -p "$d.new" || return 1
  (
    umask 077
    cd "$d.new" || exit 1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -keyout ca.key -out ca.crt \
      -subj "/CN=Tidegate lab CA" -addext keyUsage=critical,keyCertSign,cRLSign
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr -subj "/CN=localhost"
    printf '%s\n' "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:$LAB_IP" extendedKeyUsage=serverAuth >server.ext
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -extfile server.ext -out server.crt
    chmod 644 ca.crt server.crt
    chmod 755 .
  ) >"$LAB_LOG/openssl.log" 2>&1 || { lab_fail "openssl" "$LAB_LOG/openssl.log"; return 1; }
  rm -rf "$d" && mv "$d.new" "$d"
}

registry_config() {
  cat <<YML
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: $LAB_REGISTRY/data}
  delete: {enabled: true}
http:
  addr: 127.0.0.1:$LAB_PORT_REGISTRY
  secret: $(lab_secret registry-http)
  tls: {certificate: $LAB_DIR/tls/server.crt, key: $LAB_DIR/tls/server.key}
auth:
  htpasswd: {realm: tidegate-lab, path: $LAB_REGISTRY/htpasswd}
YML
}

registry_answers() { # with a login it answers, without one it refuses
  local url=https://$LAB_REGISTRY_HOST/v2/
  [[ $(curl -s -o /dev/null -w '%{http_code}' --cacert "$LAB_DIR/tls/ca.crt" "$url") == 401 ]] &&
    curl -sf -o /dev/null --cacert "$LAB_DIR/tls/ca.crt" -u "tidegate:$(lab_secret registry)" "$url"
}

registry_ready() { lab_pid registry >/dev/null && registry_answers; }

registry_start() {
  lab_end registry
  lab_port_free 127.0.0.1 "$LAB_PORT_REGISTRY" || return 1
  registry_certificates || return 1
  mkdir -p "$LAB_REGISTRY/data" "$LAB_REGISTRY_CERTS"
  cp "$LAB_DIR/tls/ca.crt" "$LAB_REGISTRY_CERTS/ca.crt"
  htpasswd -Bbn tidegate "$(lab_secret registry)" >"$LAB_REGISTRY/htpasswd" || return 1
  (umask 077 && registry_config >"$LAB_REGISTRY/config.yml")
  lab_spawn registry docker-registry serve "$LAB_REGISTRY/config.yml" || return 1
  lab_wait registry 20 registry_answers
}

registry_stop() { lab_end registry; }
