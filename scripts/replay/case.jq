# Runs of scripts/replay/replay.c (slurped) to a case file for `zsim validate`.
# $config: what was asked; $about: name, why, machine, measured, oom_killed_runs.

def counted: ["pswpin", "pswpout", "zswpin", "zswpout", "zswpwb", "swpin_zero", "swpout_zero",
    "pgfault", "pgmajfault", "pgscan_anon", "pgscan_file", "pgscan_direct", "pgscan_kswapd",
    "pgscan_proactive", "pgsteal_anon", "pgsteal_file", "pgsteal_direct", "pgsteal_kswapd",
    "pgsteal_proactive", "pgrefill", "pgactivate", "pgdeactivate", "pgrotated", "pgreuse",
    "workingset_refault_anon", "workingset_activate_anon", "workingset_restore_anon",
    "workingset_nodereclaim", "swap_ra", "swap_ra_hit", "nr_vmscan_write",
    "nr_vmscan_immediate_reclaim", "nr_written", "nr_swapcached", "nr_zspages", "nr_writeback",
    "allocstall_normal", "allocstall_movable", "oom_kill", "pageoutrun", "thp_swpout"];
# Absolute; all else is the difference to the first record.
def gauges: ["pool_total_size", "stored_pages", "stored_incompressible_pages"];

def spread: sort | {med: .[length / 2 | floor], min: .[0], max: .[-1]};
# A list of {name: number} to {name: spread}, for the names that all have.
def spreads: . as $all | (.[0] // {}) | keys_unsorted
    | map(. as $name | select($all | all(has($name))) | {key: $name, value: ($all | map(.[$name]) | spread)})
    | from_entries;

def differences($now; $before): $now | with_entries(.value -= ($before[.key] // 0));
def vmstat_of($now; $start): differences($now.vmstat | with_entries(select(.key | IN(counted[]))); $start.vmstat);
def zswap_of($now; $start): $now.zswap
    | with_entries(if (.key | IN(gauges[])) then . else .value -= ($start.zswap[.key] // 0) end);
def moment(get): {vmstat: (map(vmstat_of(get; .start)) | spreads), zswap: (map(zswap_of(get; .start)) | spreads)};

def summary: . as $run | vmstat_of(.settled; .start) as $vmstat | zswap_of(.settled; .start) as $zswap
    | {wall_s: .wall_s} + $vmstat + $zswap
      + {majflt: [.processes[].majflt], rejects: (($vmstat.pswpout // 0) - ($vmstat.zswpwb // 0))}
      # Found when the statistics were flushed, the same number of times in every run.
      + (if has("stored_when_full") then {stored_when_full,
             rejects_at_first_writeback_sample: .rejects_at_first_writeback} else {} end);

. as $runs
| ($runs | map(summary)) as $per_run
| {name: $about.name, why: $about.why, config: $config, machine: $about.machine,
   repeats: length, oom_killed_runs: $about.oom_killed_runs, measured: $about.measured,
   settled: moment(.settled), end: moment(.end),
   cgroups: [range($config.npages | length) as $i
       | {memory_stat: ($runs | map(.end.cg[$i].memory_stat) | spreads),
          proc: ($runs | map(.processes[$i]) | spreads)}],
   groups: [range($runs[0].groups | length) as $i | $runs[0].groups[$i]
       | {name, cg, first, last, final_placement:
           ($runs | map(.groups[$i] | {hit, minor, major_nodisk, major_disk}) | spreads)}],
   snaps: [range($runs[0].snaps | length) as $i | $runs[0].snaps[$i]
       | {"label": .["label"], at: .at} + ($runs | moment(.snaps[$i]))],
   wall_s: (map(.wall_s) | spread),
   per_run: $per_run}
# The pool limit was hit: how far the runs are apart is what a replay is judged by.
| if (.settled.zswap.pool_limit_hit.max // 0) > 0 then
    (if ($per_run | any(has("stored_when_full"))) then .config.samples = $config.memstat_flushes else . end)
    | .all_rounds = ($per_run | map(del(.majflt) + {majflt_total: (.majflt | add)}) | spreads)
  else . end
