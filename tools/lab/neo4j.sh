# shellcheck shell=bash
# Neo4j Community 5.26 (LTS), from Maven Central, on the machine's Java 17: HTTP (Query API v2) and Bolt at the address
# that test hosts and containers reach too.

LAB_NEO4J=$LAB_DIR/neo4j
LAB_NEO4J_LIB=$LAB_CACHE/neo4j
LAB_NEO4J_DRIVER=$LAB_CACHE/neo4j-driver # Neo4j's own Python driver: a reader that others wrote
LAB_NEO4J_DRIVER_PACKAGE=neo4j==6.4.1
LAB_NEO4J_HTTP=http://$LAB_IP:$LAB_PORT_NEO4J_HTTP
LAB_NEO4J_BOLT=bolt://$LAB_IP:$LAB_PORT_NEO4J_BOLT
LAB_NEO4J_OPENS=(--add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/java.io=ALL-UNNAMED
  --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/java.util.concurrent=ALL-UNNAMED)

neo4j_env() {
  cat <<SH
export NEO4J_HTTP_URL=$LAB_NEO4J_HTTP
export NEO4J_BOLT_URL=$LAB_NEO4J_BOLT
export NEO4J_USER=neo4j
export NEO4J_PASSWORD=$(lab_secret neo4j)
export NEO4J_DATABASE=neo4j
export NEO4J_DRIVER_PYTHON=$LAB_NEO4J_DRIVER/bin/python
SH
}

neo4j_java() { # a Java 17 or 21 runtime
  local java
  for java in "${JAVA_HOME:-/nonexistent}/bin/java" java /usr/lib/jvm/java-17-openjdk-*/bin/java; do
    if "$java" -version 2>&1 | head -n 1 | grep -E '"(17|21)[."]' >/dev/null; then
      command -v "$java"
      return 0
    fi
  done
  lab_fail "openjdk-17-jre-headless is missing: run tools/setup.sh lab"
}

neo4j_install() {
  local key settings=()
  neo4j_java >/dev/null || return 1
  neo4j_driver_install || return 1
  key=$(lab_key "@$LAB_HERE/neo4j/pom.xml")
  [[ -e $LAB_NEO4J_LIB/ready-$key ]] && return 0
  command -v mvn >/dev/null || { lab_fail "maven is missing: run tools/setup.sh lab"; return 1; }
  lab_say "getting Neo4j's jars (130 MB)"
  rm -rf "$LAB_NEO4J_LIB" && mkdir -p "$LAB_NEO4J_LIB"
  if [[ -e $HOME/.m2/settings.xml ]]; then settings=(-s "$HOME/.m2/settings.xml"); fi
  mvn -q -B "${settings[@]}" -f "$LAB_HERE/neo4j/pom.xml" "-Dmaven.repo.local=$LAB_CACHE/m2" \
    dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$LAB_NEO4J_LIB" >"$LAB_LOG/mvn.log" 2>&1 ||
    { lab_fail "mvn" "$LAB_LOG/mvn.log"; return 1; }
  rm -rf "$LAB_CACHE/m2"
  touch "$LAB_NEO4J_LIB/ready-$key"
}

neo4j_driver_mark() { echo "$LAB_NEO4J_DRIVER/ready-$(lab_key "$LAB_NEO4J_DRIVER_PACKAGE")"; }

neo4j_driver_install() {
  [[ -e $(neo4j_driver_mark) ]] && return 0
  rm -rf "$LAB_NEO4J_DRIVER"
  {
    /usr/bin/python3 -m venv "$LAB_NEO4J_DRIVER" &&
      "$LAB_NEO4J_DRIVER/bin/pip" install -q --no-cache-dir "$LAB_NEO4J_DRIVER_PACKAGE"
  } >"$LAB_LOG/neo4j-driver.log" 2>&1 || { lab_fail "pip install" "$LAB_LOG/neo4j-driver.log"; return 1; }
  touch "$(neo4j_driver_mark)"
}

neo4j_config() {
  cat <<CONF
server.default_listen_address=$LAB_IP
server.http.enabled=true
server.http.listen_address=:$LAB_PORT_NEO4J_HTTP
server.http.advertised_address=$LAB_IP:$LAB_PORT_NEO4J_HTTP
server.https.enabled=false
server.bolt.listen_address=:$LAB_PORT_NEO4J_BOLT
server.bolt.advertised_address=$LAB_IP:$LAB_PORT_NEO4J_BOLT
internal.server.bolt.thread_pool_shutdown_wait_time=100ms
server.memory.pagecache.size=64m
db.tx_log.preallocate=false
dbms.usage_report.enabled=false
CONF
}

neo4j_answers() {
  [[ $(curl -s --max-time 10 -u "neo4j:$(lab_secret neo4j)" -H 'Content-Type: application/json' \
    -d '{"statement": "RETURN 41 + 1"}' "$LAB_NEO4J_HTTP/db/neo4j/query/v2") == *'"values":[[42]]'* ]]
}

neo4j_runs() { lab_pid neo4j >/dev/null && neo4j_answers; }

neo4j_ready() { [[ -e $(neo4j_driver_mark) ]] && neo4j_runs; }

neo4j_start() {
  local java
  neo4j_runs && return 0
  java=$(neo4j_java) || return 1
  lab_end neo4j
  lab_port_free "$LAB_IP" "$LAB_PORT_NEO4J_HTTP" || return 1
  lab_port_free "$LAB_IP" "$LAB_PORT_NEO4J_BOLT" || return 1
  mkdir -p "$LAB_NEO4J/conf"
  neo4j_config >"$LAB_NEO4J/conf/neo4j.conf"
  if [[ ! -e $LAB_NEO4J/data/databases/system ]]; then # the password can be set before the first start only
    env "NEO4J_HOME=$LAB_NEO4J" "NEO4J_CONF=$LAB_NEO4J/conf" "$java" "${LAB_NEO4J_OPENS[@]}" -cp "$LAB_NEO4J_LIB/*" \
      org.neo4j.cli.AdminTool dbms set-initial-password "$(lab_secret neo4j)" >"$LAB_LOG/neo4j-password.log" 2>&1 ||
      { lab_fail "set-initial-password" "$LAB_LOG/neo4j-password.log"; return 1; }
  fi
  lab_spawn neo4j env "NEO4J_HOME=$LAB_NEO4J" "NEO4J_CONF=$LAB_NEO4J/conf" "$java" -Xms256m -Xmx512m -XX:+UseSerialGC \
    -XX:TieredStopAtLevel=1 "${LAB_NEO4J_OPENS[@]}" -cp "$LAB_NEO4J_LIB/*" org.neo4j.server.CommunityEntryPoint \
    "--home-dir=$LAB_NEO4J" "--config-dir=$LAB_NEO4J/conf" || return 1
  lab_wait neo4j 180 neo4j_answers
}

neo4j_stop() { lab_end neo4j 30; }
