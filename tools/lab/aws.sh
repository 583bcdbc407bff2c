# shellcheck shell=bash
# What stands in for AWS, each a program that others wrote: moto (S3, SNS, SQS, EventBridge) from PyPI, and AWS's own
# Runtime Interface Emulator (what a Lambda function's program talks to), a Go module. Nothing runs here: the tests
# start their own, with ports and accounts of their own.

LAB_AWS_VENV=$LAB_CACHE/aws-venv
LAB_AWS_PACKAGES=("moto[server,s3,sqs,sns,events]==5.2.5" "boto3==1.44.5")
LAB_AWS_RIE_VERSION=v0.0.0-20261030222936-bef5c4ba774d
LAB_AWS_RIE=$LAB_CACHE/bin/aws-lambda-rie-$LAB_AWS_RIE_VERSION

aws_env() {
  cat <<SH
export TIDEGATE_AWS_PYTHON=$LAB_AWS_VENV/bin/python
export TIDEGATE_LAMBDA_RIE=$LAB_AWS_RIE
SH
}

aws_key() { lab_key "$(/usr/bin/python3 -V)" "${LAB_AWS_PACKAGES[@]}"; }

aws_ready() { [[ -e $LAB_AWS_VENV/ready-$(aws_key) && -x $LAB_AWS_RIE ]]; }

aws_build_rie() {
  local dir=$LAB_CACHE/go-aws go
  export GOPATH=$dir/path GOCACHE=$dir/build GOBIN=$dir/bin GOTOOLCHAIN=local GOFLAGS=-modcacherw
  unset GOROOT
  go=$(s3_go "$dir") || return 1
  lab_say "building aws-lambda-rie with $("$go" env GOVERSION)"
  "$go" install -trimpath -ldflags=-s \
    "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@$LAB_AWS_RIE_VERSION" >"$LAB_LOG/go-aws.log" 2>&1 ||
    { lab_fail "go install" "$LAB_LOG/go-aws.log"; return 1; }
  mkdir -p "${LAB_AWS_RIE%/*}"
  mv "$dir/bin/aws-lambda-rie" "$LAB_AWS_RIE"
  chmod -R u+w "$dir" && rm -rf "$dir"
}

aws_install() {
  if [[ ! -e $LAB_AWS_VENV/ready-$(aws_key) ]]; then
    lab_say "installing ${LAB_AWS_PACKAGES[*]}"
    rm -rf "$LAB_AWS_VENV"
    {
      /usr/bin/python3 -m venv "$LAB_AWS_VENV" &&
        "$LAB_AWS_VENV/bin/pip" install -q --no-cache-dir "${LAB_AWS_PACKAGES[@]}"
    } >"$LAB_LOG/pip-aws.log" 2>&1 || { lab_fail "pip install" "$LAB_LOG/pip-aws.log"; return 1; }
    touch "$LAB_AWS_VENV/ready-$(aws_key)"
  fi
  [[ -x $LAB_AWS_RIE ]] || (aws_build_rie)
}

aws_start() { :; }
aws_stop() { :; }
