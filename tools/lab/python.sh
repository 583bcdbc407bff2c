# shellcheck shell=bash
# The lab's Python: one virtual environment with what its parts and helpers need from PyPI.

LAB_VENV=$LAB_CACHE/venv
LAB_PYTHON_PACKAGES=("mlflow==3.17.2" "boto3==1.44.5")

python_install() ( # several parts may ask at once: the first installs, the others wait
  exec 8>"$LAB_CACHE/python.lock"
  flock 8
  local key
  key=$(lab_key "$(/usr/bin/python3 -V)" "${LAB_PYTHON_PACKAGES[@]}")
  [[ -e $LAB_VENV/ready-$key ]] && return 0
  lab_say "installing ${LAB_PYTHON_PACKAGES[*]} (about a minute)"
  rm -rf "$LAB_VENV"
  {
    /usr/bin/python3 -m venv "$LAB_VENV" &&
      "$LAB_VENV/bin/pip" install -q --no-cache-dir "${LAB_PYTHON_PACKAGES[@]}"
  } >"$LAB_LOG/pip.log" 2>&1 || { lab_fail "pip install" "$LAB_LOG/pip.log"; return 1; }
  touch "$LAB_VENV/ready-$key"
)
