# Figures of a miss-ratio curve (schema zsim.mrc/1).
include "figures";

def figure_names: "curve", "tiers";
def template($number): ["curve", "grid"][$number];

def size_words: if . >= 1073741824 then "\(. / 1073741824 * 100 | round / 100)G"
  elif . >= 10485760 then "\(. / 1048576 | round)M"
  elif . >= 1048576 then "\(. / 1048576 * 10 | round / 10)M"
  else "\(. / 1024 | round)K" end;

# "12345", "1.23M": what fits in a cell.
def count_words: if . >= 1e9 then "\(. / 1e7 | round / 100)G" elif . >= 1e6 then "\(. / 1e4 | round / 100)M"
  elif . >= 1e5 then "\(. / 1e3 | round)k" elif . >= 1e4 then "\(. / 100 | round / 10)k"
  else tostring end;

# The smallest memory of the curve with at most this share of misses above the first touches.
def knee($share):
  (.first_touches / .accesses) as $floor
  | [.curve[] | {memory_bytes, ratio: (.miss_ratio // .sampled_miss_ratio)}]
  | map(select(.ratio - $floor <= $share)) | .[0].memory_bytes;

def curve:
  scale("bytes"; .footprint_bytes) as $x
  | (.first_touches / .accesses) as $floor
  | [.curve[] | [.memory_bytes / $x[0],
      (.miss_ratio // null | if . then . * 100 else null end),
      (.sampled_miss_ratio // null | if . then . * 100 else null end),
      (if .sampled_miss_ratio then (.sampled_miss_ratio - 2 * .sampled_standard_error) * 100 | fmax(.; 0) else null end),
      (if .sampled_miss_ratio then (.sampled_miss_ratio + 2 * .sampled_standard_error) * 100 | fmin(.; 100) else null end)]]
      as $rows
  | ([$rows[] | .[1] // .[2]] | largest) as $most
  | "figure_title = \("\(.name): how much memory does it need?" | quoted)",
    "x_label = \("memory (\($x[1])), LRU" + (if (.pages_a_sampled_page // 1) > 1 then "; times \(.pages_a_sampled_page), the trace holds one page in \(.pages_a_sampled_page)" else "" end) | quoted)",
    "y_label = 'accesses that miss (%)'",
    "exact = \(if .exact then 1 else 0 end); sampled = \(if .sampling then 1 else 0 end)",
    "sample_name = \(if .sampling then "sample of \(.sampling.pages) pages, ± 2 standard errors" else "" end | quoted)",
    "first_touches = \($floor * 100)",
    "x_most = \(.footprint_bytes / $x[0])",
    "logarithmic = \(if $most > 10 * $floor * 100 and $floor > 0 then 1 else 0 end)",
    (knee(0.01) as $knee
     | "knee = \(($knee // 0) / $x[0])",
       "knee_name = \("refaults fall below 1 % of the accesses at \(($knee // 0) | size_words)" | quoted)"),
    ([$rows] | datablock);

def grid:
  .tiers as $t
  | ([$t.disk_reads[][] | select(. > 0)] | [min // 1, max // 1]) as $range
  | "figure_title = \("\(.name): what is left for the disk, by RAM and pool size?" | quoted)",
    "x_label = 'RAM for whole pages'",
    "y_label = \("pool of compressed pages (\($t.compressor), \($t.compressed_mean_bytes | round) of 4096 bytes a page)" | quoted)",
    "z_label = 'disk reads'",
    "subtitle = \("in a cell: disk reads, below them zswap loads" + (if $t.content_assumed then "; compressed size assumed" else "" end) | quoted)",
    "set xtics " + ([$t.ram_bytes[] | size_words] | tics),
    "set ytics " + ([$t.pool_bytes[] | if . == 0 then "none" else size_words end] | tics),
    "columns = \($t.ram_bytes | length); rows = \($t.pool_bytes | length); z_none = \($range[0] / 3); z_most = \($range[1])",
    ([[range($t.ram_bytes | length) as $r | range($t.pool_bytes | length) as $p
       | [$r, $p, $t.disk_reads[$r][$p], ($t.disk_reads[$r][$p] | count_words), ($t.zswap_loads[$r][$p] | count_words)]]]
     | datablock);

def figure($number): if $number == 0 then curve else grid end;
