bats_require_minimum_version 1.5.0

# scripts/sweep on GNU parallel: on this machine, and over ssh to a server of our own.

setup_file() {
    ssh_dir=$BATS_FILE_TMPDIR/ssh
    mkdir -m 700 "$ssh_dir"
    ssh-keygen -q -t ed25519 -N '' -f "$ssh_dir/host"
    ssh-keygen -q -t ed25519 -N '' -f "$ssh_dir/user"
    cp "$ssh_dir/user.pub" "$ssh_dir/authorized_keys"
    port=$((20000 + RANDOM % 20000))
    cat >"$ssh_dir/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $ssh_dir/host
PidFile $ssh_dir/pid
AuthorizedKeysFile $ssh_dir/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
END
    cat >"$ssh_dir/ssh_config" <<END
Host *
  Port $port
  IdentityFile $ssh_dir/user
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile $ssh_dir/known_hosts
  LogLevel ERROR
END
    [[ $(id -u) -ne 0 ]] || mkdir -p /run/sshd
    /usr/sbin/sshd -f "$ssh_dir/sshd_config" -E "$ssh_dir/log" || true
    for _ in {1..50}; do
        ssh -F "$ssh_dir/ssh_config" 127.0.0.1 true && return
        sleep 0.2
    done
    cat "$ssh_dir/log" >&2
    touch "$ssh_dir/does-not-start"
}

teardown_file() {
    kill "$(cat "$BATS_FILE_TMPDIR/ssh/pid")" || true
}

setup() {
    source "$BATS_TEST_DIRNAME/sweep.bash"
    export ZSIM=${ZSIM:-$PWD/zsim} PARALLEL_SSH="ssh -F $BATS_FILE_TMPDIR/ssh/ssh_config"
    export HOME=$BATS_TEST_TMPDIR # GNU parallel keeps files there
    SWEEP=$PWD/scripts/sweep
    cd "$BATS_TEST_TMPDIR"
    make_config
}

@test "a sweep on this machine survives the death of a worker" {
    sweep_24 --engine parallel -j 2 2>log &
    kill_worker_after 3
    wait $!
    check_sweep
}

@test "a sweep over ssh survives the death of a worker" {
    [[ ! -e $BATS_FILE_TMPDIR/ssh/does-not-start ]] || skip "sshd does not start here"
    sweep_24 --engine parallel -j 2 --batch 2 --sshlogin 127.0.0.1 2>log &
    kill_worker_after 3
    wait $!
    check_sweep
    # The joblog says where the jobs ran.
    [[ $(awk -F '\t' 'NR > 1 { print $2 }' sweep/parallel.joblog | sort -u) == 127.0.0.1 ]]
}

@test "an interrupted sweep goes on where it was" {
    sweep_24 --engine parallel -j 2 2>log &
    while (($(results_there) < 5)); do sleep 0.1; done
    kill -TERM $!
    wait $! || true
    find sweep/results -name '*.json' -printf '%f %i %T@\n' | sort >before.txt
    [[ $(wc -l <before.txt) -lt 24 ]]
    "$SWEEP" sweep --engine parallel -j 2
    check_sweep
}
