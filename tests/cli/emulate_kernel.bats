#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# scripts/emulate-kernel with a stand-in for the emulator, which shows what it is given: no kernel
# is downloaded or booted here.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    emulate=scripts/emulate-kernel
    work=$BATS_TEST_TMPDIR
    mkdir -p "$work/bin" "$work/share"
    echo kernel >"$work/bzImage"
    cat >"$work/bin/qemu-system-x86_64" <<'END'
#!/bin/bash
echo "$*"
while (($#)); do
    case $1 in -initrd) initrd=$2 ;; esac
    shift
done
cp "$initrd" "$STAND_IN_INITRD"
printf 'hello\r\n[    2.000000] reboot: Power down\r\nemulate-kernel: exit 7\r\n'
END
    for tool in modprobe depmod xz; do printf '#!/bin/sh\n' >"$work/bin/$tool"; done
    printf '#!/bin/sh\ncat >/dev/null\necho files of "$PWD"\ncat command settings\n' >"$work/bin/cpio"
    printf '#!/bin/sh\n' >"$work/bin/busybox"
    chmod +x "$work"/bin/*
    export PATH=$work/bin:$PATH STAND_IN_INITRD=$work/initrd XDG_CACHE_HOME=$work/cache
}

refused() { # TEXT, ARGUMENTS...: exit code 2 and one line
    local text=$1
    shift
    run --separate-stderr "$emulate" "$@"
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ "$stderr" == "emulate-kernel: error: "*"$text"* ]]
}

@test "mistakes are refused" {
    refused 'expected a command'
    refused 'expected --package or --kernel' true
    refused 'unknown flag "--nodez"' --nodez 2 true
    refused '--nodes: expected a whole number in 1..8, found "9"' --nodes 9 true
    refused '--memory: expected a size such as 512M or 2G, found "big"' --kernel "$work/bzImage" --memory big true
    refused '--memory: expected at least 256M for each node' --kernel "$work/bzImage" --memory 512M --nodes 3 true
    refused '--cpus: expected 1, or one for each of 4 nodes' --kernel "$work/bzImage" --nodes 4 --cpus 2 true
    refused 'there is no file' --kernel "$work/none" true
    refused 'a kernel and its modules come from it' --package linux-image --kernel "$work/bzImage" true
    refused 'expected a directory with modules.order' --kernel "$work/bzImage" --modules "$work" true
    refused 'there is no directory' --kernel "$work/bzImage" --share "$work/none" true
    refused '--accel: expected tcg or kvm' --accel fast true
}

@test "the command's output and exit code come back" {
    run --separate-stderr "$emulate" --kernel "$work/bzImage" --memory 512M --nodes 2 --lru-gen 7 \
        --share "$work/share" --append 'zswap.enabled=1' echo 'two words'
    [ "$status" -eq 7 ]
    [ "${lines[1]}" = hello ]
    [ "${#lines[@]}" -eq 2 ]
    [[ "${lines[0]}" == *"-m 512 -smp 1"*"memory-backend-ram,id=m0,size=256M -numa node,nodeid=0,memdev=m0,cpus=0-0"* ]]
    [[ "${lines[0]}" == *"-numa node,nodeid=1,memdev=m1 "*"path=$work/share"*"transparent_hugepage=never zswap.enabled=1" ]]
    grep -qF 'echo two\ words' "$work/initrd"
    grep -qF "share=$work/share" "$work/initrd"
    grep -qF 'lru_gen=7' "$work/initrd"
}

@test "processors are dealt out to nodes in runs" {
    run --separate-stderr "$emulate" --kernel "$work/bzImage" --cpus 5 --nodes 2 true
    [[ "${lines[0]}" == *"memdev=m0,cpus=0-1 "*"memdev=m1,cpus=2-4 "* ]]
}

@test "a machine that ends early, and one that does not end, are failures" {
    printf '#!/bin/sh\necho panic\n' >"$work/bin/qemu-system-x86_64"
    run --separate-stderr "$emulate" --kernel "$work/bzImage" true
    [ "$status" -eq 1 ]
    [[ "$stderr" == *'ended before the command did'* ]]
    printf '#!/bin/sh\nexec sleep 60\n' >"$work/bin/qemu-system-x86_64"
    run --separate-stderr "$emulate" --timeout 1 --kernel "$work/bzImage" true
    [ "$status" -eq 124 ]
}
