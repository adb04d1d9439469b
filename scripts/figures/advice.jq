# Figures of an advice (schema zsim.advice/1).
include "figures";

def figure_names: "pareto";
def template($number): "pareto";

# Points of runs that ended out of memory are left out.
def figure($number):
  . as $document
  | [.points[] | select(.killed | not)] as $points
  | scale("ns"; [$points[].fault_ns] | largest) as $time
  | scale("ns"; [$points[].cpu_ns] | largest) as $cpu
  | scale("bytes"; [$points[] | .device_writes * 4096] | largest) as $writes
  | scale("bytes"; [$points[].memory_saved_bytes] | largest) as $saved
  | ([$points[] | select(.front) | .compressor // "no zswap"] | unique) as $groups
  | ([$points[] | select(.recommended)][0]) as $best
  | ([$points[].fault_ns / $time[0]] | [min, max]
     # All the same: a range needs a width.
     | if .[0] == .[1] then [.[0] * 0.9, .[1] * 1.1 + 1e-9] else . end) as $x
  | def row: [.fault_ns / $time[0], .cpu_ns / $cpu[0], .device_writes * 4096 / $writes[0], .memory_saved_bytes / $saved[0]];
  "figure_title = \("\(.name): which zswap settings are worth choosing between?" | quoted)",
  "x_label = \("time in faults (\($time[1]))" | quoted)",
  "y_label = ''",
  ([$time, $cpu, $writes, $saved] | map("(\(.[1]))")) as $units
  | ([("kernel CPU time " + $units[1]), ("written to the device " + $units[2]), ("memory saved " + $units[3])] | array("panels")),
    ($groups | array("groups")),
    "x_least = \([$x[0] - 0.08 * ($x[1] - $x[0]), 0] | max); x_most = \($x[1] + 0.08 * ($x[1] - $x[0]))",
    "best_name = \("recommended: " + $best.name | quoted)",
    ([[$points[] | select(.front | not) | row], [$best | row]]
     + [$groups[] as $group | [$points[] | select(.front and (.compressor // "no zswap") == $group) | row]] | datablock);
