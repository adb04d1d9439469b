# From a result file to gnuplot: variables and data for one figure.
# figure($number) prints the lines that go before scripts/figures/TEMPLATE.gp.

def stop: halt_error(1);

# ---- words for gnuplot -------------------------------------------------------

# In single quotes nothing is special to gnuplot but the quote itself.
def quoted: "'" + gsub("'"; "''") + "'";
def lines($width):
  reduce (gsub("[ \\t\\n]+"; " ") | split(" "))[] as $word ([""];
    if .[-1] == "" then .[-1] = $word
    elif (.[-1] + " " + $word | length) <= $width then .[-1] += " " + $word
    else . + [$word] end);
def joined_lines: map(quoted) | join(".\"\\n\".");
def wrapped($width): lines($width) | joined_lines;
def array($name): "array " + $name + "[\(length)] = [" + (map(quoted) | join(", ")) + "]";
# Names below bars: broken into lines, and slanted when they still do not fit.
def names_below($name):
  "array \($name)[\(length)] = [" + (map(wrapped(16)) | join(", ")) + "]",
  "label_lines = \(map([wrapped(16) | split("\"\\n\"")[]] | length) | max // 1)",
  "slanted = \(if (map([wrapped(16) | split("\"\\n\"")[] | length] | max) | max // 0) * length > 110
               then 1 else 0 end)";
def tics: to_entries | map("\(.value | quoted) \(.key)") | join(", ") | "(" + . + ")";
def cell: if . == null then "?" else tostring end;
# Blocks of rows, one `index` each.
def datablock: "$data << EOD_OF_DATA",
  (map(map(map(cell) | join(" ")) | if length == 0 then ["? ? ? ? ? ?"] else . end | join("\n"))
   | join("\n\n\n")),
  "EOD_OF_DATA";

# ---- the result --------------------------------------------------------------

def largest: map(select(. != null) | fabs) | max // 0;

# Some steps of one unit, so that axes have short numbers: [factor, words].
def scale($unit; $largest):
  if $unit == "ns" then
    (if $largest >= 1e9 then [1e9, "s"] elif $largest >= 1e6 then [1e6, "ms"]
     elif $largest >= 1e3 then [1e3, "us"] else [1, "ns"] end)
  elif $unit == "us" then
    (if $largest >= 1e6 then [1e6, "s"] elif $largest >= 1e3 then [1e3, "ms"] else [1, "us"] end)
  elif $unit == "bytes" then
    (if $largest >= 1073741824 then [1073741824, "GiB"] elif $largest >= 1048576 then [1048576, "MiB"]
     elif $largest >= 1024 then [1024, "KiB"] else [1, "bytes"] end)
  elif $unit == "ppm" then [1e4, "%"]
  elif $largest >= 1e9 then [1e9, "billion " + $unit]
  elif $largest >= 1e6 then [1e6, "million " + $unit]
  elif $largest >= 1e4 then [1e3, "thousand " + $unit]
  else [1, $unit] end;

def scaled($factor): if . == null then null else . / $factor end;

# A share that comes near its most has its axis end there: "top = 100"; 0: as data have it.
def top($unit; $largest): "top = \(if $unit == "ppm" and $largest >= 8e5 and $largest <= 1e6 then 100 else 0 end)";

def unit_of($document; $metric):
  if ($metric | startswith("cgroups.")) and $document.metrics[$metric] != null
     and ([$document.variants[].summary[$metric].mean // empty] | length) == 0
  then "no run has the cgroup of \"\($metric)\"" | stop else . end
  | $document.metrics[$metric].unit
  // ("no metric \"\($metric)\" in the result; see docs/metrics.md" | stop);

def common_unit($document; $metrics):
  [$metrics[] | unit_of($document; .)] | unique
  | if length == 1 then .[0] else null end;

def metrics($spec):
  if ($spec.metrics | type) == "array" and ($spec.metrics | length) > 0 then $spec.metrics
  elif ($spec.metric | type) == "string" then [$spec.metric]
  else "needs \"metrics\", a list of names" | stop end;

# The name that a variant had before a sweep added its values.
def swept_name: .name | sub("(, [^,=]+=[^,]*)+$"; "");

# The variants a figure shows; all of them by default.  A name stands for all that a sweep has
# made of it, too: "NAME, key=value".
def variants($document; $spec):
  if $spec.variants == null then $document.variants
  else [$spec.variants[] as $name
        | [$document.variants[] | select(.name == $name or swept_name == $name)]
        | if length > 0 then .[] else "no variant \"\($name)\" in the result" | stop end]
  end;

# What is the same in all names of a sweep over one key, "kernel=" of "kernel=v6.1", says nothing
# where each stands by itself.
def without_key: (map(capture("^(?<key>[^=, ]+)=[^,=]*$").key) | unique) as $keys
  | if length > 1 and ($keys | length) == 1 and all(startswith($keys[0] + "="))
    then map(ltrimstr($keys[0] + "=")) else . end;

# A third of a range, rounded down to 1, 2 or 5 times a power of ten.
def nice_step:
  . / 3 | if . <= 0 then 1 else
    . as $third | (log10 | floor | exp10) as $ten
    | [5, 2, 1][] | select(. * $ten <= $third) * $ten end;
def first_nice_step: [nice_step][0];

def few($most; $what):
  if length > $most then "\(length) \($what) are too many for one figure; at most \($most)" | stop
  elif length == 0 then "no \($what) to show" | stop
  else . end;

# The run that a picture over time shows: of the seed asked for, else the first.
def shown_run($spec):
  . as $variant
  | ([$variant.runs[] | select($spec.seed == null or .seed == $spec.seed)][0]
     // ("variant \"\($variant.name)\" has no run to show" | stop));

def column($name):
  .series.columns as $columns
  | ($columns | index($name)) as $at
  | if $at == null and ($name | contains(".")) then
      "no series of \"\($name)\": only counters and gauges of the whole machine have one" | stop
    elif $at == null then [.series.rows[] | 0] else [.series.rows[][$at]] end;

# A key of a config by its dotted path; keys may hold dots themselves.
def lookup($words):
  if ($words | length) == 0 then .
  elif type == "array" then
    (if ($words[0] | test("^[0-9]+$")) then .[$words[0] | tonumber]
     else [.[] | select(type == "object" and .name == $words[0])][0] end)
    | lookup($words[1:])
  elif type == "object" then
    . as $object
    | [range($words | length; 0; -1) | select($words[:.] | join(".") | in($object))][0] as $taken
    | if $taken == null then null
      else $object[$words[:$taken] | join(".")] | lookup($words[$taken:]) end
  else null end;

# The config of a variant: that of the first, with its changes.
def config_of($document; $variant):
  reduce $variant.changes[] as $change ($document.config;
    if ($change.path | length) == 0 then $change.value
    else setpath($change.path; $change.value) end);

def setting($document; $variant; $path):
  config_of($document; $variant) | lookup($path | split("."))
  | if type == "object" and has("policy") then .policy else . end
  | if . == null then "no key \"\($path)\" in the config" | stop else . end;

# "64M", "100us", 12: as a number of bytes, ns or just that.
def number:
  {"K":1024, "M":1048576, "G":1073741824, "T":1099511627776,
   "ns":1, "us":1000, "ms":1000000, "s":1000000000, "":1} as $factors
  | if type == "number" then .
    else (tostring | capture("^(?<digits>[0-9.]+)(?<unit>[A-Za-z]*)$")? // null) as $parts
      | if $parts == null or ($factors[$parts.unit] == null) then null
        else ($parts.digits | tonumber) * $factors[$parts.unit] end
    end;

def series_name($metric; $variant; $metrics; $variants):
  if ($variants | length) == 1 and ($metrics | length) > 1 then $metric
  elif ($metrics | length) == 1 then $variant
  else "\($metric), \($variant)" end;

def text($spec; $key; $default): "\($key) = \(($spec[$key] // $default) | wrapped(100))";

# ---- templates ----------------------------------------------------------------

# One line a metric and variant over time.
def series($document; $spec):
  metrics($spec) as $metrics
  | (variants($document; $spec)) as $variants
  | common_unit($document; $metrics) as $unit
  | (if $unit == null then "its metrics have different units; make one figure a unit" | stop
     else . end)
  | ([$variants[] as $variant | $metrics[] as $metric
      | ($variant | shown_run($spec)) as $run
      | {name: series_name($metric; $variant.name; $metrics; $variants),
         x: ($run | column(if $spec.x == "accesses" then "accesses" else "at_ns" end)),
         y: ($run | column($metric))}
      | if $spec.rate == true then
          .y as $y | .x as $x
          | .y = [range(1; $x | length) | if $x[.] > $x[. - 1]
                  then ($y[.] - $y[. - 1]) / ($x[.] - $x[. - 1]) * 1e9 else null end]
          | .x = $x[1:]
        else . end] | few(8; "lines")) as $lines
  | scale(if $spec.x == "accesses" then "accesses" else "ns" end; [$lines[].x[]] | largest) as $x
  | scale($unit; [$lines[].y[]] | largest) as $y
  | ($lines | map(.name) | array("names")),
    text($spec; "x_label"; if $spec.x == "accesses" then $x[1] else "simulated time (\($x[1]))" end),
    text($spec; "y_label"; $y[1] + (if $spec.rate == true then " a second" else "" end)
                            | if ($metrics | length) == 1 then $metrics[0] + " (\(.))" else . end),
    ([$lines[] | [.x, .y] | transpose | map([(.[0] | scaled($x[0])), (.[1] | scaled($y[0]))])] | datablock);

# Metrics side by side, a bar for each variant.
def bars($document; $spec):
  (metrics($spec) | few(12; "metrics")) as $metrics
  | (variants($document; $spec) | few(8; "variants")) as $variants
  | common_unit($document; $metrics) as $unit
  | ($spec.relative == true or $unit == null) as $relative
  | scale($unit // ""; [$variants[].summary[$metrics[]].mean] | largest) as $y
  | [$variants[] as $variant | $metrics | to_entries | map(
      .key as $at | .value as $metric
      | $variant.summary[$metric] as $of
      | (if $relative then ($variants[0].summary[$metric].mean // 0) / 100 else $y[0] end) as $factor
      | if $factor == 0 then [$at, null, null, null]
        else [$at, ($of.mean | scaled($factor)), ($of.ci95_low | scaled($factor)),
              ($of.ci95_high | scaled($factor))] end)] as $data
  # What the first variant has none of is no share of it.
  | [$metrics[] | . as $metric
     | if ($relative | not) or ($variants[0].summary[$metric].mean // 0) != 0 then $metric
       elif [$variants[].summary[$metric].mean] | largest == 0 then "\($metric) (all\u00a00)"
       else "\($metric) (from\u00a00)" end] as $labels
  | ($variants | map(.name) | array("names")),
    ($labels | names_below("metrics")),
    (if $relative then "top = 0" else top($unit; [$variants[].summary[$metrics[]].mean] | largest) end),
    text($spec; "x_label"; ""),
    text($spec; "y_label"; if $relative then "% of \($variants[0].name)" else $y[1] end),
    "reference = \(if $relative then 100 else 0 end)",
    ($data | datablock);

# A counter of each memory node, side by side; mean over seeds.
def nodes($document; $spec):
  (metrics($spec)[0]) as $metric
  | (variants($document; $spec) | few(12; "variants")) as $variants
  | ([$variants[].runs[0].nodes | length] | max) as $nodes
  | ($variants[0].runs[0].nodes[0] | has($metric) | if . then . else "no \"\($metric)\" of a node in the result" | stop end) as $known
  | [$variants[] | [.runs[].nodes] | [range($nodes) as $n | [.[][$n][$metric] // 0] | add / length]] as $means
  | scale(unit_of($document; $metric); [$means[][]] | largest) as $y
  | [range($nodes) as $n | [$means | to_entries[] | [.key, (.value[$n] | scaled($y[0])), null, null]]] as $data
  | ([range($nodes) | "node \(.)"] | array("names")),
    ($variants | map(.name) | names_below("metrics")),
    text($spec; "x_label"; ""),
    text($spec; "y_label"; "\($metric) (\($y[1]))"),
    "reference = 0; top = 0",
    ($data | datablock);

# Which share of the faults is faster than a time.
def cdf($document; $spec):
  ($spec.kind // "major") as $kind
  | (variants($document; $spec) | few(8; "variants")) as $variants
  | [$variants[] | {name, buckets: (
      [.runs[].histograms | (if $kind == "store_wait" then .store_wait_ns else .fault_latency_ns[$kind] end) // ("no fault kind \"\($kind)\"" | stop) | .buckets[]]
      | group_by(.[0]) | map([.[0][0], (map(.[1]) | add)]))}
     | select(.buckets | length > 0)] as $lines
  | (if ($lines | length) == 0 then "no fault of kind \"\($kind)\" in any run" | stop else . end)
  | scale("ns"; 1e3) as $x
  | ($lines | map(.name) | array("names")),
    text($spec; "x_label"; "latency of a fault (\($x[1])), kind \($kind)"),
    text($spec; "y_label"; if $spec.tail == true then "slower faults (%)" else "faults not slower (%)" end),
    "tail = \(if $spec.tail == true then 1 else 0 end)",
    ([$lines[] | (.buckets | map(.[1]) | add) as $all
      | [[.buckets[0][0] / $x[0], 0],
         foreach .buckets[] as $bucket (0; . + $bucket[1]; [$bucket[0] / $x[0], . * 100 / $all])]
      | if $spec.tail == true then map([.[0], (100 - .[1] | if . <= 1e-9 then null else . end)]) else . end]
     | datablock);

# Where time went, a stack a variant.
def stacked($document; $spec):
  (variants($document; $spec) | few(16; "variants")) as $variants
  | ($spec.metrics // [$document.metrics | keys_unsorted[] | select(startswith("cost_ns."))]) as $all
  | ($spec.without // []) as $without
  | [$all[] | select(. as $m | $without | index($m) == null and index($m | ltrimstr("cost_ns.")) == null)] as $kept
  | common_unit($document; $kept) as $unit
  | ($kept | map({metric: ., most: ([. as $m | $variants[].summary[$m].mean] | largest)})
     | map(select(.most > 0)) | sort_by(-.most)) as $ranked
  | (if ($ranked | length) == 0 then "all of its metrics are zero" | stop else . end)
  | (if ($ranked | length) > 8 then 7 else 8 end) as $own
  | ([$ranked[:$own][] | .metric | [.]] + (if ($ranked | length) > $own then [[$ranked[$own:][].metric]] else [] end)) as $groups
  | [$variants[] as $variant | [$groups[] | [.[] as $m | $variant.summary[$m].mean // 0] | add]] as $values
  | scale($unit // "ns"; $values | map(add) | largest) as $y
  | ([$groups[] | if length > 1 then "\(length) others" else .[0] | ltrimstr("cost_ns.") end] | array("names")),
    ($variants | map(.name) | names_below("variants")),
    text($spec; "x_label"; ""),
    text($spec; "y_label"; "mean over runs (\($y[1]))"),
    ([range($groups | length) as $g | [range($variants | length) as $v
      | [$v, (($values[$v][:$g] | add) // 0 | scaled($y[0])), ($values[$v][:$g + 1] | add | scaled($y[0]))]]]
     | datablock);

# A metric against a number of the config.
# What else a sweep has varied: "compressor=lz4" of "max_pool_percent=2, compressor=lz4".
def swept_besides($path): [.name | splits(", ") | . as $part
  | select($path | endswith($part | split("=")[0]) | not)] | join(", ");

# group_by, in the order in which the groups first appear.
def groups(key): to_entries as $all | [$all | group_by(.value | key)[] | {at: (map(.key) | min), of: map(.value)}]
  | sort_by(.at) | map(.of);

# "per": a metric divided by the mean of another one.
def per($variant; $spec):
  if $spec.per == null then .
  else ($variant.summary[$spec.per].mean // ("no metric \"\($spec.per)\" in the result" | stop)) as $of
    | map_values(if type == "number" and $of > 0 then . / $of else null end) end;

def scaling($document; $spec):
  ($spec.x // ("needs \"x\", the path of a number in the config" | stop)) as $path
  | metrics($spec) as $metrics
  | variants($document; $spec) as $variants
  | common_unit($document; $metrics) as $unit
  | (if $unit == null then "its metrics have different units; make one figure a unit" | stop else . end)
  | ([$variants[] | setting($document; .; $path)] | length > (unique | length)) as $repeats
  | [$variants[] as $variant | $metrics[] as $metric
     | {x: (setting($document; $variant; $path) | number),
        group: (if $spec.by == "variant" then $variant | swept_name elif $spec.by then (setting($document; $variant; $spec.by) | tostring)
                elif $repeats then $variant | swept_besides($path) else "" end),
        metric: $metric, of: ($variant.summary[$metric] | per($variant; $spec))}] as $points
  | (if [$points[] | select(.x == null)] | length > 0 then "\"\($path)\" is not a number in every variant" | stop else . end)
  | ([[$points | groups(.group)[] | group_by(.metric)[]][]
      | {name: (if .[0].group == "" then .[0].metric
                elif ($metrics | length) == 1 then .[0].group
                else "\(.[0].metric), \(.[0].group)" end), points: sort_by(.x)}] | few(8; "lines")) as $lines
  | scale($unit; [$points[].of.mean] | largest) as $y
  | ([$points[].x] | [min, max]) as $xs
  | ([$points[].of.mean // 0] | [min, max]) as $ys
  # A logarithmic axis where the numbers span enough for it, unless told.
  | ($spec.log // ((if $xs[0] > 0 and $xs[1] >= 4 * $xs[0] then "x" else "" end)
                   + (if $ys[0] > 0 and $ys[1] >= 10 * $ys[0] then "y" else "" end))) as $log
  | ($lines | map(.name) | array("names")),
    text($spec; "x_label"; $path),
    text($spec; "y_label"; (if ($metrics | length) == 1 then $metrics[0] + " (\($y[1]))" else $y[1] end)
      + (if $spec.per then " / " + $spec.per else "" end)),
    "log_axes = \(if $log == "none" then "" else $log end | quoted)",
    top($unit; $ys[1]),
    (if $log | test("x") then "set xrange [\($xs[0] / 1.2):\($xs[1] * 1.2)]"
     else (($xs[1] - $xs[0]) * 0.05) as $gap | "set xrange [\($xs[0] - $gap):\($xs[1] + $gap)]" end),
    "set xtics (" + ([$points[].x] | unique | (if length > 12 then [.[0], .[length / 2 | floor], .[-1]] else . end)
      | map(. as $x | ([$variants[] | setting($document; .; $path) | select(number == $x)][0] | tostring | quoted) + " \($x)") | join(", ")) + ")",
    ([$lines[].points | map([.x, (.of.mean | scaled($y[0])),
        ((.of.ci95_low // .of.mean) | scaled($y[0])), ((.of.ci95_high // .of.mean) | scaled($y[0]))])]
     | datablock);

# In which other keys variants differ: words.
def differing_in($but):
  map([.changes[] | {key: (.path | map(tostring) | join(".")), value: .value}] | from_entries) as $changes
  | [$changes[] | keys[]] | unique - $but
  | map(. as $key | select([$changes[][$key]] | unique | length > 1))
  | if length == 0 then "nothing in the config tells them apart"
    else "they differ in " + (map("\"\(.)\"") | join(", ")) end;

# A metric over two keys of the config.
def heatmap($document; $spec):
  ($spec.x // ("needs \"x\" and \"y\", paths of the config" | stop)) as $px
  | ($spec.y // ("needs \"x\" and \"y\", paths of the config" | stop)) as $py
  | metrics($spec)[0] as $metric
  | unit_of($document; $metric) as $unit
  | [variants($document; $spec)[] as $variant
     | {$variant, x: setting($document; $variant; $px), y: setting($document; $variant; $py),
        z: $variant.summary[$metric].mean}] as $points
  | ([$points | group_by([.x, .y])[] | select(length > 1)][0] // []) as $same
  | (if ($same | length) > 1 then
       "\($same | length) variants have \($px)=\($same[0].x) and \($py)=\($same[0].y): \([$same[].variant] | differing_in([$px, $py])
        ); name those of one cell each under \"variants\"" | stop else . end)
  | def places($key): [$points[] | .[$key]] | unique_by(tostring)
      | sort_by(if . == "max" then infinite else number // 0 end); # a limit that is none comes last
    places("x") as $xs | places("y") as $ys
  | scale($unit; [$points[].z] | largest) as $z
  | text($spec; "x_label"; $px), text($spec; "y_label"; $py),
    text($spec; "z_label"; "\($metric) (\($z[1]))"),
    "set xtics " + ($xs | map(tostring) | tics), "set ytics " + ($ys | map(tostring) | tics),
    "columns = \($xs | length); rows = \($ys | length)",
    # Row by row, as gnuplot wants an image.
    ([[$points[] as $p | [($xs | index([$p.x])), ($ys | index([$p.y])), ($p.z | scaled($z[0]))]]
      | sort_by(.[1], .[0])] | datablock);

# Why a change of a variant has no place in per cent; null: it has one.
def without_change($metric; $first):
  def undefined: "\(.name): undefined" + ([.runs[] | .undefined[$metric] // empty][0] | if . then " (\(.))" else "" end);
  .summary[$metric].mean as $new
  | $first.summary[$metric].mean as $base
  | if $base == null then $first | undefined
    elif $new == null then undefined
    elif $base == 0 and $new == 0 then "\(.name): 0, as \($first.name)"
    elif $base == 0 then "\(.name): not 0, as \($first.name)"
    else null end;

# Change of each metric against the first variant, with intervals.
def dots($document; $spec):
  (metrics($spec) | few(20; "metrics")) as $metrics
  | [$metrics[] | unit_of($document; .)] as $units
  | (variants($document; $spec) | map(select(.name != $document.variants[0].name)) | few(8; "variants besides the first")) as $variants
  | [$variants | to_entries[] as $v
     | [$metrics | to_entries[]
        | .key as $row | .value as $metric
        | [$document.differences[] | select(.variant == $v.value.name and .metric == $metric)][0] as $d
        | $document.variants[0].summary[$metric].mean as $base
        | ($row + (if ($variants | length) > 1 then ($v.key - (($variants | length) - 1) / 2) * 0.6 / ($variants | length) else 0 end)) as $y
        | if $d.mean_difference == null or $base == null or $base == 0 then [null, $y, null, null]
          elif $d | has("percent_ci95_low") then
            [$d.percent, $y, ($d.percent_ci95_low // $d.percent), ($d.percent_ci95_high // $d.percent)]
          else [$d.percent, $y, ($d.ci95_low // $d.mean_difference) * 100 / $base,
                ($d.ci95_high // $d.mean_difference) * 100 / $base] end]] as $data
  | $document.variants[0] as $first
  # What has no point says why.
  | ([$metrics | to_entries[] | .key as $row | .value as $metric
      | [$variants[] | .name as $name
         | without_change($metric; $first),
           (if any($document.differences[]; .variant == $name and .metric == $metric and .percent_bounded == true)
            then "\(.name): interval ended at -100 %, as nothing counts less than 0" else null end)
         | select(. != null)]
      | select(length > 0) | {$row, why: (unique | join("; "))}]
     | to_entries[] | "set label \(.key + 1) \(.value.why | quoted) at graph 0.01, first \(.value.row + 0.25) left noenhanced font ',10' tc rgb '#404040'"),
    ($variants | map(.name) | array("names")),
    ($metrics | array("metrics")),
    text($spec; "x_label"; "change against \($document.variants[0].name) (%)\(if any($data[][]; .[2] != .[3]) then ", 95 % interval" else "" end)"),
    text($spec; "y_label"; ""),
    ($data | datablock);

# Where the pages are over time, a panel a variant.
def tiers($document; $spec):
  (variants($document; $spec) | (if $spec.variants == null then .[:4] else . end) | few(4; "variants")) as $variants
  | [$variants[] | {name, run: shown_run($spec)}
     | {name, rows: ([.run | (column("at_ns"), column("resident_pages"), column("stored_pages"), column("disk_pages"))] | transpose)}] as $panels
  | (if [$panels[] | select(.rows | length < 2)] | length > 0 then "a run has no time series (engine.series_rows)" | stop else . end)
  | scale("ns"; [$panels[].rows[][0]] | largest) as $x
  | scale("pages"; [$panels[].rows[] | .[1] + .[2] + .[3]] | largest) as $y
  | ($panels | map(.name) | array("names")),
    text($spec; "x_label"; "simulated time (\($x[1]))"),
    text($spec; "y_label"; $y[1]),
    "x_most = \([$panels[].rows[][0]] | largest | scaled($x[0]))",
    "y_step = \([$panels[].rows[] | .[1] + .[2] + .[3]] | largest | scaled($y[0]) | first_nice_step)",
    "y_most = \([$panels[].rows[] | .[1] + .[2] + .[3]] | largest | scaled($y[0]) * 1.02)",
    ([$panels[].rows | map([.[0] / $x[0], .[1] / $y[0], (.[1] + .[2]) / $y[0], (.[1] + .[2] + .[3]) / $y[0]])] | datablock);

# Where a label may stand beside its point; x and y in shares of the figure.
def sides: [{words: "offset 0.7,0.7 left", x: 0.012, y: 0.025}, {words: "offset 0.7,-0.8 left", x: 0.012, y: -0.025},
            {words: "offset -0.7,0.7 right", x: -0.012, y: 0.025}, {words: "offset -0.7,-0.8 right", x: -0.012, y: -0.025}];

# For each of these places the side farthest from all points and from the labels before it.
def free_sides($all):
  def extent($i): [$all[][$i]] | (max - min) | if . > 0 then . else 1 end;
  extent(0) as $width | extent(1) as $height
  | . as $places
  | reduce $places[] as $place ({taken: [$all[] | [.[0] / $width, .[1] / $height]], sides: []};
      .taken as $taken
      | ([$place[0] / $width, $place[1] / $height] as $at
         | [sides[] | . + {at: [$at[0] + .x, $at[1] + .y]}
            | .at as $here
            # A label is wider than high.
            | .room = ([$taken[] | select(. != $at) | pow(.[0] - $here[0]; 2) + pow((.[1] - $here[1]) / 2; 2)] | min // 1)]
         | max_by([.room, -.y])) as $side
      | .taken += [$side.at] | .sides += [$side])
  | .sides;

# The key of numbered points, right of the figure: a label a name, in lines that fit.
def names_beside($names):
  [$names[] | wrapped(36) | {text: ., lines: (split("\"\\n\"") | length)}] as $blocks
  | ([$blocks[].lines] | add) as $lines
  | ([0.035, 0.8 / $lines] | min) as $step
  | range($blocks | length) as $at
  | (0.9 - $step * (([$blocks[:$at][].lines] | add) // 0)) as $y
  | "set label \(101 + $at) \("\($at + 1)" | quoted) at screen 0.755, screen \($y) right font ',10' tc rgb '#404040'",
    "set label \(201 + $at) \($blocks[$at].text) at screen 0.765, screen \($y) left noenhanced font ',\(if $step < 0.03 then 8 else 10 end)' tc rgb '#404040'";

# Two metrics against each other, a point a variant; those that no other beats in
# both are joined.
def front($document; $spec):
  def direction($metric): unit_of($document; $metric) | $document.metrics[$metric].better
    | if . == "higher" then -1 else 1 end;
  ($spec.x // ("needs \"x\" and \"y\", names of metrics" | stop)) as $mx
  | ($spec.y // ("needs \"x\" and \"y\", names of metrics" | stop)) as $my
  | direction($mx) as $dx | direction($my) as $dy
  | [variants($document; $spec)[] as $variant
     | {name: $variant.name, x: $variant.summary[$mx], y: $variant.summary[$my],
        group: (if $spec.by then (setting($document; $variant; $spec.by) | tostring) else "" end)}
     | select(.x.mean != null and .y.mean != null)] as $points
  | ([$points[].name] | without_key) as $short
  | [range($points | length) | $points[.] + {name: $short[.]}] as $points
  | (if ($points | length) < 2 then "it takes two variants to have a front" | stop else . end)
  | [$points[] as $p
     | select([$points[] | select((.x.mean - $p.x.mean) * $dx <= 0 and (.y.mean - $p.y.mean) * $dy <= 0
                                  and (.x.mean != $p.x.mean or .y.mean != $p.y.mean))] | length == 0)
     | $p] | sort_by(.x.mean) as $best
  | ([$points | group_by(.group)[] | {name: .[0].group, points: .}] | few(8; "groups")) as $groups
  | scale(unit_of($document; $mx); [$points[].x.mean] | largest) as $x
  | scale(unit_of($document; $my); [$points[].y.mean] | largest) as $y
  | def row: [(.x.mean | scaled($x[0])), (.y.mean | scaled($y[0])),
              ((.x.ci95_low // .x.mean) | scaled($x[0])), ((.x.ci95_high // .x.mean) | scaled($x[0])),
              ((.y.ci95_low // .y.mean) | scaled($y[0])), ((.y.ci95_high // .y.mean) | scaled($y[0]))];
    def side($d): if $d < 0 then ", more is better" else ", less is better" end;
    ($groups | map(if .name == "" then "a variant" else .name end) | array("names")),
    text($spec; "x_label"; "\($mx) (\($x[1]))\(side($dx))"),
    text($spec; "y_label"; "\($my) (\($y[1]))\(side($dy))"),
    # Where the front bends: towards the better side of y.
    ([[$best[] | row] | . as $rows | range(length)
      | $rows[.] as $row
      | if . > 0 then [$row[0], (if $dx * $dy > 0 then $rows[. - 1][1] else $row[1] end)],
                      [$row[0], $row[1]]
        else [$row[0], $row[1]] end] | [.]) as $line
    # Few points are all named, of many only those of the front.
    | ((if ($points | length) <= 14 then $points else $best end) | sort_by(.x.mean)) as $named
    # More than a few have numbers, and their names stand beside.
    | (($named | length) > 5) as $numbered
    | (if $numbered then [$named[] | row[:2]] | free_sides([$points[] | row[:2]])
       # Neighbours stand on different sides of their points.
       else [$named | keys[] | sides[. % 4]] end) as $sides
    | ($named | to_entries
       | map("set label \(.key + 1) \(if $numbered then .key + 1 | tostring | quoted else .value.name | wrapped(40) end) at first \(.value | row[0]), first \(.value | row[1]) \(
             $sides[.key].words) noenhanced \(if $numbered then "front font ',11' tc rgb '#000000'" else "font ',10' tc rgb '#404040'" end)")[]),
    (if $numbered then "set rmargin at screen 0.72", names_beside($named | map(.name)) else empty end),
    ($line + [$groups[].points | map(row)] | datablock);

# Metrics over time, a panel a variant, all on the same axes.
def multiples($document; $spec):
  (metrics($spec) | few(4; "metrics")) as $metrics
  | (variants($document; $spec) | few(16; "variants")) as $variants
  | common_unit($document; $metrics) as $unit
  | (if $unit == null then "its metrics have different units; make one figure a unit" | stop else . end)
  | [$variants[] | {name, run: shown_run($spec)}
     | . as $panel
     | {name, x: ($panel.run | column("at_ns")), lines: [$metrics[] as $metric | $panel.run | column($metric)]}] as $panels
  | scale("ns"; [$panels[].x[]] | largest) as $x
  | scale($unit; [$panels[].lines[][]] | largest) as $y
  | ($panels | length) as $count
  | (if $count <= 3 then $count elif $count == 4 then 2 elif $count <= 9 then 3 else 4 end) as $columns
  | ($metrics | array("names")),
    ($panels | map(.name) | without_key | array("panels")),
    text($spec; "x_label"; "simulated time (\($x[1]))"),
    text($spec; "y_label"; $y[1] | if ($metrics | length) == 1 then $metrics[0] + " (\(.))" else . end),
    "columns = \($columns); rows = \(($count + $columns - 1) / $columns | floor)",
    "x_most = \([$panels[].x[]] | largest | scaled($x[0]))",
    "x_step = \([$panels[].x[]] | largest | scaled($x[0]) | first_nice_step)",
    "y_most = \([$panels[].lines[][]] | largest | scaled($y[0]) * 1.05 | if . > 0 then . else 1 end)",
    "y_step = \([$panels[].lines[][]] | largest | scaled($y[0]) | first_nice_step)",
    ([$panels[] | [.x] + .lines | transpose
      | map([(.[0] | scaled($x[0]))] + (.[1:] | map(scaled($y[0]))))] | datablock);

# The counters on the way from a scan to the disk, in the order in which one leads to the next.
def chain: ["pgscan_direct", "pgscan_proactive", "pgscan_kswapd", "pgsteal_direct", "pgsteal_proactive",
  "pgsteal_kswapd", "reclaim_in_vain", "pgactivate", "zswpout", "refused_stores", "pool_limit_hit",
  "worker_wakeups", "worker_gave_up", "shrink_memcg_calls", "slabs_scanned", "zswap_entries_scanned",
  "zswap_rotations", "reject_reclaim_fail", "zswpwb", "zswpin", "zswap_invalidated", "pswpout", "pswpin",
  "swap_ra", "swap_ra_hit", "workingset_refault_anon", "workingset_restore_anon"];

# A figure has room for twenty.
def chain_in_figure: chain - ["pgsteal_direct", "pgsteal_proactive", "pgsteal_kswapd", "pgactivate",
  "slabs_scanned", "swap_ra", "swap_ra_hit"];

def thousands: round | tostring | [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(",");

# Two names side by side in a narrow place: where one takes more than three lines or has a long word,
# both are small and their longest words broken; of more than five lines the first and last stay.
def narrow($name):
  if map(lines(13) | length <= 3 and all(.[]; length <= 13)) | all
  then [map(lines(13)), ""]
  else [map(split(" ") | map(if length > 19 then gsub("(?<part>[^ ]{5,18}[=._,-]|[^ ]{19})(?=[^ ])"; .part + "\u0001 ") else . end)
            | join(" ") | lines(20) | map(gsub("\u0001 ?"; ""))
            | if length > 5 then .[:2] + ["..."] + .[-2:] else . end), ",9"] end
  | "array \($name)[2] = [" + (.[0] | map(joined_lines) | join(", ")) + "]", "\($name)_font = \(.[1] | quoted)";

# Two variants: where their time went, and the chain.
def difference($document; $spec):
  (variants($document; $spec) | if $spec.variants == null then .[:2] else . end
   | if length != 2 then "needs two \"variants\", before and after" | stop else . end) as $variants
  | ([($spec.metrics // chain_in_figure)[] | {metric: ., means: [. as $m | $variants[].summary[$m].mean // 0]}
      | select(.means | add > 0)] | few(20; "counters")) as $counters
  | [stacked($document; {variants: [$variants[].name], without: ($spec.without // ["user", "worker", "kswapd"])})] as $stack
  | [$counters[] | .means | if .[0] > 0 and .[1] > 0 then .[1] / .[0] else null end] as $ratios
  | ([$ratios[] | select(. != null) | log2 | fabs] | max // 0 | if . < 1 then 1 else . * 1.05 end | exp2) as $most
  | $stack[:-3][],
    ($variants | map(.name) | narrow("variants")),
    ($counters | map(.metric) | array("counters")),
    ($counters | map(.means | map(thousands) | "\(.[0])  to  \(.[1])") | array("numbers")),
    "ratio_most = \($most)",
    # From or to 0 there is no ratio: an arrow to that edge.
    ([$counters | to_entries[] | .value.means as $means
      | (if $means[1] == 0 then 1 / $most elif $means[0] == 0 then $most else null end) as $edge
      | "\(.key) \($ratios[.key] | cell) \($edge | cell)"] | ["$chain << EOD_OF_CHAIN"] + . + ["EOD_OF_CHAIN"] | .[]),
    $stack[-3:][];

# Variants of a figure of which a run lost a task: it did less work, and looks the better for it.
def killed_note($document; $spec):
  $document.variants[0] as $first
  | variants($document; $spec)
  | (if $spec.template == "dots" then [$first] + map(select(.name != $first.name)) else . end)
  | [.[] | select(any(.runs[]; (.totals.oom_kill // 0) > 0)) | .name]
  | if length == 0 then empty
    elif length <= 3 then "a task was killed: " + join("; ")
    else "a task was killed: " + (.[:2] | join("; ")) + " and \(length - 2) others" end;

def figure($number):
  . as $document
  | .config.figures[$number] as $spec
  | "figure_title = " + ([($spec.title // $document.question // $document.name | wrapped(80)),
                          (killed_note($document; $spec) | wrapped(100))] | join(".\"\\n\".")),
    (if $spec.template == "series" then series($document; $spec)
     elif $spec.template == "bars" then bars($document; $spec)
     elif $spec.template == "cdf" then cdf($document; $spec)
     elif $spec.template == "stacked" then stacked($document; $spec)
     elif $spec.template == "nodes" then nodes($document; $spec)
     elif $spec.template == "scaling" then scaling($document; $spec)
     elif $spec.template == "heatmap" then heatmap($document; $spec)
     elif $spec.template == "dots" then dots($document; $spec)
     elif $spec.template == "tiers" then tiers($document; $spec)
     elif $spec.template == "front" then front($document; $spec)
     elif $spec.template == "difference" then difference($document; $spec)
     elif $spec.template == "multiples" then multiples($document; $spec)
     else "unknown template \"\($spec.template)\"; there are series, bars, nodes, cdf, stacked, scaling, heatmap, dots, tiers, front, multiples, difference" | stop
     end);

# A file name for each figure: its "name", else its number and template.
def figure_names:
  .config.figures // [] | to_entries[]
  | .value.name // "\(if .key < 9 then "0" else "" end)\(.key + 1)-\(.value.template)"
  | gsub("[^A-Za-z0-9._-]"; "-") | ltrimstr(".");

# Which file draws it: TEMPLATE.gp.
def drawn_by: tostring | if . == "nodes" then "bars" else . end;
def template($number): .config.figures[$number].template | drawn_by;
