# shellcheck shell=bash
# MLflow tracking server, from PyPI, on SQLite, at the address that test hosts and containers reach too.

LAB_MLFLOW=$LAB_DIR/mlflow
LAB_MLFLOW_URL=http://$LAB_IP:$LAB_PORT_MLFLOW

mlflow_install() { python_install; }

mlflow_env() { echo "export MLFLOW_TRACKING_URI=$LAB_MLFLOW_URL"; }

mlflow_answers() {
  curl -sf -o /dev/null -X POST -H 'Content-Type: application/json' -d '{"max_results": 1}' \
    "$LAB_MLFLOW_URL/api/2.0/mlflow/experiments/search"
}

mlflow_ready() { lab_pid mlflow >/dev/null && mlflow_answers; }

mlflow_start() {
  lab_end mlflow
  lab_port_free "$LAB_IP" "$LAB_PORT_MLFLOW" || return 1
  mkdir -p "$LAB_MLFLOW/artifacts"
  # It starts processes of its own: in a pid namespace none is left behind. PATH: it looks for them by name.
  lab_spawn mlflow unshare --pid --fork --kill-child --mount --propagation unchanged \
    bash "$LAB_HERE/pid-inner.sh" "$LAB_MLFLOW/root" env "PATH=$LAB_VENV/bin:$PATH" MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    "$LAB_VENV/bin/mlflow" server --host "$LAB_IP" --port "$LAB_PORT_MLFLOW" --workers 1 \
    --backend-store-uri "sqlite:///$LAB_MLFLOW/mlflow.db" --artifacts-destination "$LAB_MLFLOW/artifacts" \
    --allowed-hosts "$LAB_IP:*,$LAB_IP,localhost:*,127.0.0.1:*" || return 1
  lab_wait mlflow 120 mlflow_answers
}

mlflow_stop() {
  lab_end mlflow
  umount -R -l "$LAB_MLFLOW/root" 2>/dev/null
  return 0
}
