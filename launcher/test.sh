# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon test: builds, unit tests on the host, the tests of framework and launcher, guest tests in QEMU.
#
# One line a test: "ok NAME (N s)", "not ok NAME (N s)", "skip NAME (reason)"; what a failed test printed stands
# above its line. The tally is a file with such lines, so that what runs apart counts too.

test_usage() {
    cat <<'END'
Usage: ./tenon test [--quick | --full | --remake-linux-log]

Builds with gcc, gcc with checks, and clang; runs the unit tests on the host and the guest tests in QEMU, on Tenon
by both boot ways with one and two processors and on Debian's Xen, and boots what cannot boot. One line a test; the
last line is "N passed, N failed", with ", N skipped" where a reason was given above. Status 0: none failed.

  --quick   unit tests and a few boots: about three minutes
  --full    what takes long as well, such as a hundred boots of Debian's kernel in a row: about an hour and a half
  --remake-linux-log   no tests: boots Debian's kernel on Tenon and on Xen and writes tests/stock/linux_log, the lines
            of its log that differ, and those of its warnings that do not; you explain what is new
END
}

# test_line WORD NAME SECONDS-OR-REASON
test_line() {
    local line
    case $1 in
    ok) line="ok $2 ($3 s)" ;;
    'not ok') line="not ok $2 ($3 s)" ;;
    skip) line="skip $2 ($3)" ;;
    esac
    echo "$line" | tee -a "$tally"
}

test_build() {
    local start=$SECONDS
    if build_preset "$1"; then
        test_line ok "build/$1" $((SECONDS - start))
    else
        # What is left from before must not stand in for it.
        rm -f "$(build_folder "$1")"/{tenon,guest-kernel}.elf
        test_line "not ok" "build/$1" $((SECONDS - start))
    fi
}

# test_unit: every test that ctest knows in the checked build, but for those of QEMU, which come later.
test_unit() {
    local log=build/logs/unit.log
    note "unit tests ..."
    ctest --test-dir build/checked --label-exclude guest --output-on-failure --timeout 600 -j 2 >"$log" 2>&1 </dev/null
    awk -v tally="$tally" '
        # What a failed test printed comes after its line; keep the order of the output, results last.
        / Test +#[0-9]+: / && /(Passed|Failed|Not Run|Skipped|Exception|Timeout|Disabled)/ {
            line = $0
            sub(/^.*Test +#[0-9]+: /, "", line)
            name = line
            sub(/ .*/, "", name)
            seconds = match(line, /[0-9.]+ sec/) ? substr(line, RSTART, RLENGTH - 4) : "0"
            if (line ~ /   Passed /) result = "ok unit/" name " (" seconds " s)"
            else if (line ~ /(Skipped|Disabled)/) result = "skip unit/" name " (it said so)"
            else result = "not ok unit/" name " (" seconds " s)"
            results[++n] = result
            failed = result ~ /^not ok/
            next
        }
        /^ *Start +[0-9]+: / { failed = 0; next }
        failed && NF { print }
        END {
            if (n == 0) results[++n] = "not ok unit (ctest ran no test)"
            for (i = 1; i <= n; i++) { print results[i]; print results[i] >> tally }
        }' "$log"
}

test_remake_linux_log() {
    need_build default
    need_xen
    mkdir -p build/logs/test/linux-log
    tests/stock/log_test build build/logs/test/linux-log remake
}

test_main() {
    local speed=usual passed failed skipped
    while [ $# -gt 0 ]; do
        case $1 in
        --quick) speed=quick ;;
        --full) speed=full ;;
        --remake-linux-log) test_remake_linux_log; return ;;
        *) wrong_use "test has no option '$1'; ./tenon test --help" ;;
        esac
        shift
    done
    need_packages "the emulated machine" "$packages_machine"
    # shellcheck disable=SC2086 # words
    need_packages "a CD that boots by GRUB" $packages_grub
    mkdir -p build/logs
    tally=build/logs/tally
    : >"$tally"
    test_build default
    test_build checked
    [ "$speed" = quick ] || test_build clang
    test_unit
    tests/lib/selftest --tally "$tally"
    tests/lib/kernel_test --tally "$tally"
    need_xen
    tests/guest/run --tally "$tally" --speed "$speed" --images build
    passed=$(grep -c '^ok ' "$tally")
    failed=$(grep -c '^not ok ' "$tally")
    skipped=$(grep -c '^skip ' "$tally")
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
