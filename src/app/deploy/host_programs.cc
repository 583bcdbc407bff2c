// The texts of host_scripts.h that read a host's settings: the launcher, and MLflow's probe.
#include "app/deploy/host_scripts.h"

namespace tidegate::app::scripts {

const std::string_view kLoad = R"sh(
load() {
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line#"${line%%[![:space:]]*}"}
    line=${line%"${line##*[![:space:]]}"}
    case $line in '' | '#'*) continue ;; esac
    line=${line#export }
    name=${line%%=*}
    case $name in "$line" | '' | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac
    value=${line#*=}
    case $value in
      \"*\") value=${value#\"} value=${value%\"} ;;
      \'*\') value=${value#\'} value=${value%\'} ;;
    esac
    export "$name=$value"
  done <"$1"
}
)sh";

const std::string_view kMlflow = R"sh(
python=$1 env=$2
held
if [ -n "$env" ]; then load "$root/$env"; fi
"$python" -I - <<'PY'
import base64, json, os, ssl, sys, urllib.error, urllib.parse, urllib.request

def end(code, text):
    print(text, file=sys.stderr)
    sys.exit(code)

base = os.environ.get("MLFLOW_TRACKING_URI", "").rstrip("/")
if not base.startswith(("http://", "https://")):
    end(10, f"MLFLOW_TRACKING_URI is {base!r} on this host: runs would go to a folder instead of a server")
context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None)
if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
user, token = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_TOKEN")
headers = {}
if user:
    login = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}".encode()
    headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
elif token:
    headers["Authorization"] = "Bearer " + token

def get(path, **query):
    url = base + path + ("?" + urllib.parse.urlencode(query) if query else "")
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10, context=context) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        end(10 if error.code in (401, 403) else 12, f"MLflow at {base} answers {error.code} to {path}")
    except OSError as error:
        end(12, f"MLflow at {base} does not answer: {error}")

get("/health")
name, number = os.environ.get("MLFLOW_EXPERIMENT_NAME"), os.environ.get("MLFLOW_EXPERIMENT_ID")
if name:
    answer = get("/api/2.0/mlflow/experiments/get-by-name", experiment_name=name)
else:
    answer = get("/api/2.0/mlflow/experiments/get", experiment_id=number or "0")
if answer is None:
    print("experiment none")
    sys.exit(0)
try:
    experiment = json.loads(answer)["experiment"]
    found, stage = str(experiment["experiment_id"]), experiment.get("lifecycle_stage", "active")
except (ValueError, KeyError, TypeError):
    end(10, f"{base} does not answer as an MLflow server does")
if stage != "active":
    end(10, f"MLflow's experiment {name or found} is {stage}: runs in it would fail")
print("experiment", found)
PY
)sh";

const std::string_view kLauncher = R"sh(#!/bin/sh
# Starts a program in this release: with the host's settings, the release's own facts and its packages.
#   run train.py --epochs 3      a file of the release, by its Python
#   run python -m pkg …          any other program, looked for in the release's packages first
# The release is the one that `current` means now; a program that runs stays in it when `current` moves on.
set -u
env_file='@ENV@'
release=$(dirname "$(readlink -f "$0")")
@LOAD@
if [ $# -eq 0 ]; then
  sed -n '2,4s/^# //p' "$0" >&2
  exit 2
fi
if [ -n "$env_file" ]; then
  [ -r "$env_file" ] || { echo "$0: cannot read $env_file" >&2; exit 78; }
  load "$env_file"
fi
load "$release/release.env"
unset PYTHONHOME
export VIRTUAL_ENV="$release/venv" PATH="$release/venv/bin:$PATH"
if [ -f "$release/src/$1" ]; then
  program=$release/src/$1
  shift
  exec "$release/venv/bin/python" "$program" "$@"
fi
exec "$@"
)sh";

}  // namespace tidegate::app::scripts
