#!/bin/bash
# The steps of ./check, sourced by it. Each runs in a subshell with its output in a log: 0 good, 77 skipped, else failed.
# A step may leave a note for the summary and a count of tests ("passed failed skipped").

note() { printf '%s' "$*" >"$OUT/${FUNCNAME[1]#step_}.note"; }

cpp_files() { git ls-files -co --exclude-standard 'src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h' 'bench/*.cc' 'bench/*.h'; }

step_setup() {
  tools/setup.sh build || return
  if chosen lab || chosen demo; then tools/setup.sh lab; fi
}

step_format() {
  local bad=0 file
  # A file that Git knows may be gone from the tree; that is not this step's business.
  cpp_files | while IFS= read -r file; do [[ -e $file ]] && printf '%s\0' "$file"; done |
    xargs -0 -r clang-format-19 --dry-run -Werror --ferror-limit=1 || bad=1
  while IFS= read -r file; do
    case $(head -n 1 "$file" 2>/dev/null) in
      '#!/bin/bash'* | '#!/bin/sh'* | '#!/usr/bin/env bash'*) bash -n "$file" || bad=1 ;;
      *) [[ $file != *.sh ]] || bash -n "$file" || bad=1 ;;
    esac
  done < <(git ls-files -co --exclude-standard check demo .ci tools examples tests bench)
  git ls-files -co --exclude-standard -z '*.py' |
    xargs -0 -r python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]' || bad=1
  return $bad
}

step_tree() {
  python3 tools/check_tree.py || return
  note "$(sed -n 's/^functions *//p' "$OUT/tree.log" | cut -d, -f1-2)"
}

configure_and_build() { # preset targets…
  local preset=$1
  shift
  cmake --preset "$preset" || return
  cmake --build "build/$preset" -j "$JOBS" ${1+--target "$@"}
}

step_debug() {
  local times=$CACHE/compile-times-debug.tsv rc
  CCACHE_PREFIX=$PWD/tools/compile_time TIDEGATE_COMPILE_TIMES=$times configure_and_build debug
  rc=$?
  if [[ -s $times ]]; then
    echo "slowest translation units (CPU seconds when last compiled):"
    # The newest line of each source, of those that are still here.
    tac "$times" | awk -F '\t' '!seen[$2]++' | while IFS=$'\t' read -r cpu source; do
      [[ -e $source ]] && printf '%6s  %s\n' "$cpu" "$source"
    done | sort -rn >"$OUT/compile-times"
    head -n 5 "$OUT/compile-times"
    note "slowest unit $(awk 'NR == 1 { print $1 " CPU s, " $2 }' "$OUT/compile-times")"
  fi
  return $rc
}

# The environment of the lab, when this run has brought it up: without it the tests that need it skip, and say so.
enter_lab() {
  [[ ${RESULT[lab]:-} == ok ]] || return 0
  eval "$(tools/lab/lab env)"
}

# ctest with every case counted; more than one call in a step adds up.
run_ctest() { # step build-directory ctest-arguments…
  local step=$1 dir=$2 rc p f s a b c
  shift 2
  rm -rf "$OUT/$step.gtest" "$OUT/$step.xml"
  GTEST_COLOR=no GTEST_OUTPUT="xml:$OUT/$step.gtest/" \
    ctest --test-dir "$dir" --output-on-failure --no-tests=error --output-junit "$OUT/$step.xml" "$@"
  rc=$?
  [[ -s $OUT/$step.xml ]] || return 1
  python3 tools/count_tests.py "$OUT/$step.xml" "$OUT/$step.gtest" >"$OUT/$step.counted" || return 1
  read -r a b c <"$OUT/$step.counted"
  read -r p f s < <(cat "$OUT/$step.count" 2>/dev/null || echo 0 0 0)
  echo "$((p + a)) $((f + b)) $((s + c))" >"$OUT/$step.count"
  tail -n +2 "$OUT/$step.counted" | sed "s/^\([a-z]*\): /\1: $step: /" >>"$OUT/$step.cases"
  awk '{ printf "%d passed, %d failed, %d skipped", $1, $2, $3 }' "$OUT/$step.count" >"$OUT/$step.note"
  return $rc
}

step_unit() { run_ctest unit build/debug -L unit -j "$JOBS"; }

step_lab() {
  # Parts that ran before stay: only those that were down are ours to stop.
  tools/lab/lab status | sed -n 's/ down$//p' >"$OUT/lab.ours"
  tools/lab/lab up
}

step_component() {
  enter_lab
  run_ctest component build/debug -L component -j 2 # most go one after another: they share the lab
}

step_asan() {
  local rc=0
  configure_and_build asan || return
  enter_lab
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
  run_ctest asan build/asan -L unit -LE tools -j "$JOBS" || rc=1
  run_ctest asan build/asan -L component -j 2 || rc=1
  return $rc
}

# Tests of libraries with threads. A name that is not there is a failure: the list is to be kept.
TSAN_TESTS=(sys_test runner_test local_test shell_test http_test http_component_test sqlite_test git_test s3_test
  registry_test deploy_test server_test executor_conformance_test)
# Of the whole server two suites: pushes, API, data and gate, with the real binary.
TSAN_E2E=(e2e_pipelines e2e_data)

step_tsan() {
  configure_and_build tsan "${TSAN_TESTS[@]}" tidegate tidegate-job || return
  enter_lab
  local names all=("${TSAN_TESTS[@]}" "${TSAN_E2E[@]}")
  names=$(IFS='|'; echo "${all[*]}")
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 run_ctest tsan build/tsan -R "^($names)\$"
}

step_coroutines() {
  python3 tools/clang_checks.py coroutines --build build/debug --jobs "$JOBS"
}

step_tidy() {
  python3 tools/clang_checks.py tidy --build build/debug --jobs "$JOBS"
  local rc=$?
  note "$(tail -n 1 "$OUT/tidy.log")"
  return $rc
}

fuzz_one() { # target seconds
  local target=$1 binary corpus=$CACHE/fuzz/$1 found=$OUT/fuzz-found/$1
  binary=$(find build/asan -name "$target" -type f -perm -u+x | head -n 1)
  mkdir -p "$corpus" "$found"
  local inputs=("$corpus")
  if [[ -d tests/fuzz/seeds/$target ]]; then inputs+=("tests/fuzz/seeds/$target"); fi
  "$binary" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/" \
    "${inputs[@]}" >"$OUT/fuzz-$target.log" 2>&1
  local rc=$?
  tail -n 25 "$OUT/fuzz-$target.log"
  echo "$target: $([[ $rc == 0 ]] && echo ok || echo "FAILED, input in $found")"
  return $rc
}

step_fuzz() {
  cmake --preset asan || return
  local targets target passed=0 failed=0 pids=()
  targets=$(ninja -C build/asan -t targets all | sed -n 's|^tests/fuzz/\([a-z0-9_]*_fuzz\): CXX_EXE.*|\1|p')
  [[ -n $targets ]] || { echo "no fuzz targets"; return 1; }
  # shellcheck disable=SC2086 # a list
  cmake --build build/asan -j "$JOBS" --target $targets || return
  for target in $targets; do
    while (($(jobs -rp | wc -l) >= JOBS)); do sleep 0.2; done
    fuzz_one "$target" 10 &
    pids+=($!)
  done
  for target in "${pids[@]}"; do
    if wait "$target"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  echo "$passed $failed 0" >"$OUT/fuzz.count"
  note "$passed targets"
  ((failed == 0))
}

step_release() {
  configure_and_build release tidegate tidegate-job || return
  note "build/release/tidegate, $(stat -c %s build/release/tidegate | numfmt --to=iec)"
}

step_docs() { python3 tools/check_docs.py --binary build/debug/tidegate; }

step_demo() {
  [[ -x demo ]] || { note "there is no ./demo"; return 77; }
  ./demo --once
}
