# shellcheck shell=bash
# Nothing that runs: the Python packages with which others read lineage (OpenLineage, in-toto, DSSE).

LAB_ATTEST=$LAB_CACHE/attest
LAB_ATTEST_PACKAGES=("openlineage-python==1.54.0" "in-toto-attestation==0.9.3" "securesystemslib[crypto]==1.6.0")

attest_key() { lab_key "$(/usr/bin/python3 -V)" "${LAB_ATTEST_PACKAGES[@]}"; }

attest_install() {
  rm -rf "$LAB_ATTEST"
  {
    /usr/bin/python3 -m venv "$LAB_ATTEST" &&
      "$LAB_ATTEST/bin/pip" install -q --no-cache-dir "${LAB_ATTEST_PACKAGES[@]}"
  } >"$LAB_LOG/attest.log" 2>&1 || { lab_fail "pip install" "$LAB_LOG/attest.log"; return 1; }
  touch "$LAB_ATTEST/ready-$(attest_key)"
}

attest_ready() { [[ -e $LAB_ATTEST/ready-$(attest_key) ]]; }
attest_start() { :; }
attest_stop() { :; }
attest_env() { echo "export TIDEGATE_ATTEST_PYTHON=$LAB_ATTEST/bin/python"; }
