bats_require_minimum_version 1.5.0

# scripts/sweep on Slurm: a cluster of one node, all daemons run by this user.

setup_file() {
    export SLURM_DIR=$BATS_FILE_TMPDIR/slurm
    export SLURM_CONF=$SLURM_DIR/slurm.conf
    local port=$((20000 + RANDOM % 20000)) host
    host=$(hostname -s)
    mkdir -p -m 700 "$SLURM_DIR" "$SLURM_DIR/munge" "$SLURM_DIR/state" "$SLURM_DIR/spool"
    dd if=/dev/urandom of="$SLURM_DIR/munge/key" bs=64 count=1 status=none
    chmod 600 "$SLURM_DIR/munge/key"
    munged --force --key-file="$SLURM_DIR/munge/key" --socket="$SLURM_DIR/munge/socket" \
        --pid-file="$SLURM_DIR/munge/pid" --log-file="$SLURM_DIR/munge/log" \
        --seed-file="$SLURM_DIR/munge/seed" --num-threads=2 || true
    cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$SLURM_DIR/munge/socket
CryptoType=crypto/munge
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$SLURM_DIR/state
SlurmdSpoolDir=$SLURM_DIR/spool
SlurmctldPidFile=$SLURM_DIR/slurmctld.pid
SlurmdPidFile=$SLURM_DIR/slurmd.pid
SlurmctldLogFile=$SLURM_DIR/slurmctld.log
SlurmdLogFile=$SLURM_DIR/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=debug Nodes=ALL Default=YES State=UP
END
    echo "CgroupPlugin=cgroup/v1" >"$SLURM_DIR/cgroup.conf"
    slurmctld -i || true
    slurmd -N "$host" || true
    for _ in {1..100}; do
        [[ $(timeout 5 sinfo --noheader --format=%T) != idle ]] || return 0
        sleep 0.2
    done
    # No cluster, no test: a sandbox may not let the daemons talk to each other.
    tail -n 20 "$SLURM_DIR"/*.log >&2
    touch "$SLURM_DIR/does-not-start"
}

teardown_file() {
    local daemon
    for daemon in slurmd slurmctld; do
        kill -KILL "$(cat "$SLURM_DIR/$daemon.pid")" 2>/dev/null || true
    done
    kill -KILL "$(cat "$SLURM_DIR/munge/pid")" 2>/dev/null || true
}

setup() {
    [[ ! -e $SLURM_DIR/does-not-start ]] || skip "Slurm does not start here"
    source "$BATS_TEST_DIRNAME/sweep.bash"
    export ZSIM=${ZSIM:-$PWD/zsim}
    SWEEP=$PWD/scripts/sweep
    cd "$BATS_TEST_TMPDIR"
    make_config
}

@test "a sweep of job arrays survives the death of a worker" {
    sweep_24 --engine slurm --batch 3 -j 2 2>log &
    kill_worker_after 3
    wait $!
    check_sweep
    # The second array held only what the first had left.
    [[ $(find sweep -name 'slurm-*_*.log' | sed 's/.*slurm-\([0-9]*\)_.*/\1/' | sort -u | wc -l) -eq 2 ]]
    [[ $(wc -l <sweep/slurm.ids) -le 1 ]]
}
