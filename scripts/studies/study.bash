# shellcheck shell=bash
# What every study does: sweep its config, gather the results, draw, say where.
#
#   study CONFIG [OPTION of scripts/sweep]...
#
# Results go to results/studies/NAME/; run again after an interruption, or with
# --engine slurm, and only what is missing is made.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

study() {
    local config=$1 name directory zsim=${ZSIM:-$top/zsim} started=$SECONDS
    name=$(basename "$0")
    directory=$top/results/studies/$name
    shift
    "$top/scripts/sweep" "$config" -o "$directory" "$@"
    "$zsim" gather "$directory/manifest.tsv" -o "$directory/$name.json"
    echo "figures of \"$(jq -r .question "$directory/$name.json")\" after $((SECONDS - started)) s:"
    "$top/scripts/plot" "$directory/$name.json"
}
