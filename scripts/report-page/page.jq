# From a result file to the HTML of one study: study($figures) prints it.
# $figures: [{title, error}], error null where the figure was drawn; its svg is to
# be put in place of the line <!--FIGURE number-->, the config in that of <!--CONFIG-->.
include "figures";

# ---- words -------------------------------------------------------------------

def text: tostring | @html;
# With commas between thousands.
def grouped:
  if . < 0 then "-" + (-. | grouped)
  else (floor | tostring) as $digits
    | if $digits | test("^[0-9]+$") then
        [$digits | while(length > 0; .[:-3]) | .[-3:]] | reverse | join(",")
      else $digits end end;
def rounded($digits): [1, 10, 100, 1000][$digits] as $scale | . * $scale | round / $scale;
# Four significant digits are enough to read.
def short:
  (fabs) as $size
  | if $size >= 1000 then round | grouped
    elif $size >= 100 then rounded(1) | tostring
    elif $size >= 10 then rounded(2) | tostring
    else rounded(3) | tostring end;
# A value with its unit, for people.
def human($unit):
  if . == null then "–"
  elif $unit == "ppm" then (. / 1e4 | short) + " %"
  elif ["ns", "us", "bytes"] | index([$unit]) then
    scale($unit; fabs) as $scale | "\(. / $scale[0] | short) \($scale[1])"
  elif fabs >= 1e7 then "\(. / 1e6 | short) M"
  else short end;
def signed: (if . > 0 then "+" elif . < 0 then "−" else "" end) + (fabs | short);
def percent_text: if . == null then "from 0" elif . == 0 then "0 %" else signed + " %" end;
def plural($word): "\(. | grouped) \($word)\(if . == 1 then "" else "s" end)";

# ---- tables -------------------------------------------------------------------

# A cell to sort by a number; $inner is HTML.
def cell($value; $inner): "<td class=\"n\" data-v=\"\(if $value == null then "" else $value end)\">\($inner)</td>";
def heading: "<th scope=\"col\"><button type=\"button\">\(.)</button></th>";
# $headings are HTML, rows are lines of cells.
def table($caption; $headings; $rows):
  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\($caption | text)\"><table class=\"sortable\"><caption>\($caption | text)</caption>",
  "<thead><tr>" + ($headings | map(heading) | join("")) + "</tr></thead><tbody>",
  ($rows[] | "<tr>\(.)</tr>"),
  "</tbody></table></div>";
def section($title): "<section><h2>\($title | text)</h2>";

# ---- statistics ----------------------------------------------------------------

# Holm's correction of an array of p values; null stays null.
def holm:
  . as $p
  | ([range(length) | select($p[.] != null)] | sort_by($p[.])) as $order
  | ($order | length) as $count
  | reduce range($count) as $rank ({most: 0, out: ($p | map(null))};
      .most = ([.most, ([1, ($count - $rank) * $p[$order[$rank]]] | min)] | max)
      | .out[$order[$rank]] = .most)
  | .out;
# The interval of a change in per cent, [low, high]; null: none.  Results of before had that of
# the difference alone.
def percent_interval:
  if .percent_ci95_low != null then [.percent_ci95_low, .percent_ci95_high]
  elif has("percent_ci95_low") or .ci95_low == null or .percent == null or .percent == 0 then null
  else (.percent / .mean_difference) as $factor | [.ci95_low * $factor, .ci95_high * $factor] end;
# The verdict of a difference under a corrected p.
def verdict($better; $p):
  if .n < 2 or $p == null or .verdict == "killed" then .verdict
  elif $p <= 0.05 then
    (if $better == "neither" then "changed"
     elif (.mean_difference < 0) == ($better == "lower") then "better" else "worse" end)
  elif .verdict == "better" or .verdict == "worse" or .verdict == "changed" then
    (percent_interval as $interval | if $interval != null and ($interval | map(fabs) | max) <= 1
     then "same" else "unclear" end)
  else .verdict end;

# ---- what a page shows -----------------------------------------------------------

def fallback_metrics: ["end_ns", "cpu.sys_ns", "psi.some_us", "pgmajfault", "pswpin", "pswpout", "zswpin",
                       "zswpout", "zswpwb", "fault_latency_ns.major.p99"];
# The metrics that `zsim compare` shows by default, those that figures name included, and that
# are not zero everywhere.
def shown_metrics:
  . as $document
  | [.metrics | to_entries[] | select(.value.headline == true) | .key] as $headline
  | [.config.figures[]? | .metric?, .metrics[]? | select(type == "string" and $document.metrics[.] != null)] as $asked
  | (if ($headline | length) > 0 then $headline else fallback_metrics end) as $usual
  | $usual + (reduce ($asked - $usual)[] as $metric ([]; if index([$metric]) then . else . + [$metric] end))[:8]
  | map(select(. as $metric | any($document.variants[]; (.summary[$metric].mean // 0) != 0)));

# Differences of these metrics, verdicts corrected within a variant.
def judged($metrics):
  . as $document
  | [.differences[] | select(.metric as $m | $metrics | index([$m]))]
  | group_by(.variant) | map(. as $rows | ($rows | map(if .verdict == "killed" then null else .p end) | holm) as $p
      | [range(length) as $i | $rows[$i] | . + {verdict: verdict($document.metrics[.metric].better; $p[$i])}])
  | add // []
  | map({key: "\(.variant)\n\(.metric)", value: .}) | from_entries;

def runs_of: [.variants[].runs[]];
def complete_runs: [runs_of[] | select(.complete)] | length;

# ---- sections -------------------------------------------------------------------

# Copies of one run: a recorded trace and fixed contents draw nothing.
def seeds_change_nothing: (.seeds | length) > 1 and ([.variants[].summary[].stddev // 0] | max) == 0;

def head_section:
  (runs_of | length) as $runs
  | "<header><p class=\"name\">\(.name | text)</p>",
    "<h1>\(.question // .name | text)</h1>",
    "<p class=\"facts\">" + ([(.variants | length | plural("variant")), (.seeds | length | plural("seed")),
      "\(complete_runs | grouped) of \((.variants | length) * (.seeds | length) | grouped) runs complete",
      "zsim \(.zsim_version)", "config \(.config_xxh3 // "unknown")"] | map(text) | join(" · ")) + "</p>",
    (if .complete then empty
     else "<p class=\"warning\" role=\"note\">This result is not complete: means and intervals are of the runs that are.</p>" end),
    ([.variants[] | {name, runs: [.runs[] | select((.totals.oom_kill // 0) > 0)] | length} | select(.runs > 0)] as $killed
     | if ($killed | length) > 0 then "<p class=\"warning\" role=\"note\">In \([$killed[].runs] | add | plural("run")) a task was killed for lack of memory; its accesses after that are missing: \([$killed[] | "\(.name) (\(.runs))"] | join(", ") | text). Where that happened on one side of a pair alone, a change has no verdict (killed).</p>" else empty end),
    (if (.seeds | length) == 1 then "<p class=\"note\">One run each: differences are exact, and there are no intervals.</p>"
     elif seeds_change_nothing then "<p class=\"note\">All seeds gave the same run: differences are exact, and there are no intervals.</p>"
     else empty end),
    "</header>";

def overview($metrics; $judged):
  . as $document
  | section("Outcome"),
    "<p class=\"note\">Means over the seeds\(if (.variants | length) > 1 then "; below them the change against \(.variants[0].name | text)" else "" end). A click on a heading sorts.</p>",
    table("Means of each variant";
      ["variant"] + ($metrics | map("<span title=\"\($document.metrics[.].unit | text)\">\(text)</span>"));
      [.variants[] as $variant
       | "<th scope=\"row\">\($variant.name | text)</th>" + ([$metrics[] as $metric
          | $variant.summary[$metric].mean as $mean
          | $judged["\($variant.name)\n\($metric)"] as $difference
          | cell($mean; ($mean | human($document.metrics[$metric].unit))
              + (if $difference == null then "" else
                 "<small class=\"\($difference.verdict)\">\($difference.percent | percent_text) \($difference.verdict)</small>" end))] | join(""))]),
    "</section>";

# A dot with its interval on a scale that a table's rows share.
def whisker($most):
  def place: [[(. / $most * 46 + 50), 2] | max, 98] | min;
  if .percent == null or $most == 0 then "" else
    .percent as $percent | percent_interval as $interval
    | ($interval[0] // $percent) as $low | ($interval[1] // $percent) as $high
    | "<svg class=\"whisker\" viewBox=\"0 0 100 16\" role=\"img\" aria-label=\"\($percent | percent_text)\" data-tip=\"\($percent | percent_text)\(if $interval == null then "" else ", 95 % interval \($low | signed) to \($high | signed) %" end)\">"
      + "<path class=\"zero\" d=\"M50 0V16\"/><path class=\"interval\" d=\"M\($low | place) 8H\($high | place)\"/><circle class=\"\(.verdict)\" cx=\"\($percent | place)\" cy=\"8\" r=\"4\"/></svg>"
  end;

def interval_words:
  percent_interval as $interval
  | if .ci95_low == 0 and .ci95_high == 0 then "0"
    elif $interval != null then "\($interval[0] | signed) … \($interval[1] | signed) %\(if .percent_bounded == true then "*" else "" end)"
    elif .percent == 0 and .ci95_low != null then "around 0"
    else "–" end;

def changes_section($metrics; $judged):
  . as $document
  | ([.variants[] | {key: .name, value: .summary}] | from_entries) as $summaries
  | [$metrics[] as $metric | $document.variants[1:][] | .name as $name
     | $judged["\($name)\n\($metric)"] | select(. != null)] as $rows
  | if ($rows | length) == 0 then empty else
      # Where nine of ten changes are; what lies beyond stands at the edge.
      ([$rows[].percent | select(. != null) | fabs] | sort | .[(length * 9 / 10 | floor)] // 0) as $most
      | section("Changes against \(.variants[0].name)"),
        "<p class=\"note\">\(if seeds_change_nothing then "Exact differences, as all seeds gave the same run." elif (.seeds | length) > 1 then "Pairs of runs with the same seed. Intervals: 95 %, Fieller's of the ratio of the means, of percentiles the bootstrap\(if any($rows[]; .percent_bounded == true) then "; *: ended at -100 %, as nothing counts less than 0" else "" end). Verdicts: at 5 % for the \($metrics | length) metrics of a variant together (Holm)." else "Exact differences of one run each." end)</p>",
        "<details\(if ($rows | length) <= 120 then " open" else "" end)><summary>\($rows | length | plural("row"))</summary>",
        "<p><label>Show rows with <input type=\"search\" class=\"filter\" placeholder=\"variant, metric or verdict\"></label></p>",
        table("Changes"; ["metric", "variant", "base", "new", "change", "no change in the middle", "95 % interval", "verdict", "1 % takes"];
          [$rows[] | . as $row | $document.metrics[.metric].unit as $unit
           | "<th scope=\"row\">\(.metric | text)</th><td>\(.variant | text)</td>"
             + ($document.variants[0].summary[$row.metric].mean | cell(.; human($unit)))
             + ($summaries[$row.variant][$row.metric].mean | cell(.; human($unit)))
             + cell(.percent; .percent | percent_text)
             + "<td>\(whisker($most))</td>"
             + cell(percent_interval | if . then .[1] - .[0] else null end; interval_words)
             + "<td class=\"\(.verdict)\">\(.verdict)</td>"
             + cell(.seeds_for_1_percent; if .seeds_for_1_percent then .seeds_for_1_percent | plural("seed") else "–" end)]),
        "</details></section>"
    end;

def figures_section($figures):
  if ($figures | length) == 0 then empty else
    section("Figures"),
    ($figures | to_entries[]
     | if .value.error then "<p class=\"note\">“\(.value.title | text)” is not drawn: \(.value.error | text)</p>"
       else "<figure><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\(.value.title | text)\">",
            "<!--FIGURE \(.key)-->", "</div></figure>" end),
    "</section>"
  end;

# Bars of several parts, one a variant: [{name, parts: [{label, value, class}]}].
def stacks($unit; $caption):
  . as $rows
  | ([.[] | [.parts[].value] | add // 0] | max // 0) as $most
  | (.[0].parts | map("<li><i class=\"\(.class)\"></i>\(.label | text)</li>") | "<ul class=\"legend\">" + join("") + "</ul>"),
    "<div class=\"stacks\">",
    ($rows[:200][] | ([.parts[].value] | add // 0) as $sum
     | "<div class=\"stack\"><span class=\"label\">\(.name | text)</span><span class=\"bar\" role=\"img\" aria-label=\"\(.name | text): \($sum | human($unit))\">"
       + (.name as $name | [.parts[] | select(.value > 0 and $most > 0)
          | "<i class=\"\(.class)\" style=\"width:\(.value * 100 / $most | rounded(3))%\" data-tip=\"\($name | text): \(.label | text), \(.value | human($unit)), \(.value * 100 / $sum | short) %\"></i>"] | join(""))
       + "</span><span class=\"sum\">\($sum | human($unit))</span></div>"),
    "</div>",
    (if ($rows | length) > 200 then "<p class=\"note\">The first 200 of \($rows | length) variants; the table has all.</p>" else empty end),
    "<details><summary>\($caption | text): table</summary>",
    table($caption; ["variant"] + ($rows[0].parts | map(.label | text)) + ["sum"];
      [$rows[] | "<th scope=\"row\">\(.name | text)</th>" + ([.parts[].value, ([.parts[].value] | add // 0) | cell(.; human($unit))] | join(""))]),
    "</details>";

# Parts by size over all variants: the seven largest and the rest.
def parts($metrics; called):
  [.variants[] | select([.runs[] | select(.complete)] | length > 0)] as $variants
  | ($metrics | map({metric: ., most: ([. as $m | $variants[].summary[$m].mean // 0] | max // 0)})
     | map(select(.most > 0)) | sort_by(-.most)) as $ranked
  | (if ($ranked | length) > 8 then 7 else 8 end) as $own
  | [$variants[] as $variant | {name: $variant.name, parts: (
      [$ranked[:$own] | to_entries[] | {label: (.value.metric | called), class: "f\(.key + 1)",
                                       value: ($variant.summary[.value.metric].mean // 0)}]
      + (if ($ranked | length) > $own then
           [{label: "\($ranked[$own:] | length) others", class: "f8",
             value: ([$ranked[$own:][].metric as $m | $variant.summary[$m].mean // 0] | add)}] else [] end))}]
  | map(select(.parts | length > 0));

def cost_section:
  . as $document
  | [.metrics | keys_unsorted[] | select(startswith("cost_ns.")) | select(. != "cost_ns.user")] as $metrics
  | parts($metrics; ltrimstr("cost_ns.")) as $rows
  | if ($rows | length) == 0 then empty else
      section("Where time went"),
      "<p class=\"note\">Kernel work and waiting over all processors and tasks, mean over the seeds; the program's own accesses (\([.variants[].summary["cost_ns.user"].mean | select(. != null)] | if length == 0 then "–" else ([min, max] | map(human("ns")) | unique | join(" to ")) end)) are left out.</p>",
      ($rows | stacks("ns"; "Where time went")), "</section>"
    end;

def locks_section:
  . as $document
  | [.metrics | keys_unsorted[] | select(test("^locks\\..*\\.wait_ns$"))] as $waits
  | parts($waits; ltrimstr("locks.") | rtrimstr(".wait_ns")) as $rows
  | [.metrics | keys_unsorted[] | select(test("^locks\\..*\\.acquisitions$")) | ltrimstr("locks.") | rtrimstr(".acquisitions")] as $kinds
  | [.variants[] as $variant | $kinds[] as $kind
     | def part($what): $variant.summary["locks.\($kind).\($what)"].mean;
       select((part("acquisitions") // 0) > 0)
     | "<th scope=\"row\">\($variant.name | text)</th><td>\($kind)</td>"
       + cell(part("acquisitions"); part("acquisitions") | human("locks"))
       + (part("contended") * 100 / part("acquisitions") | cell(.; "\(short) %"))
       + cell(part("wait_ns"); part("wait_ns") | human("ns")) + cell(part("hold_ns"); part("hold_ns") | human("ns"))] as $table
  | if ($table | length) == 0 then empty else
      section("Locks"),
      (if ($rows | length) > 0 then "<p class=\"note\">Waiting for locks, by kind, mean over the seeds.</p>", ($rows | stacks("ns"; "Waiting for locks")) else "<p class=\"note\">No lock was ever waited for.</p>" end),
      "<details><summary>Locks: table of \($table | length | plural("row"))</summary>",
      table("Locks"; ["variant", "lock", "acquisitions", "contended", "wait", "hold"]; $table),
      "</details></section>"
    end;

# How far each variant is from what no policy can beat.
def bound_section:
  . as $document
  | [["refaults", "Refaults"], ["disk_reads", "Disk reads"], ["fault_ns", "Time in faults"]] as $kinds
  | [.variants[] | select(any($kinds[][0] as $kind | .summary["bound.\($kind)_ppm"].mean; . != null))] as $variants
  | if ($variants | length) == 0 then empty else
      section("Distance from the bound"),
      "<p class=\"note\">In per cent of the least that any policy could reach with the same accesses and the most memory that the run held; 100 % cannot be beaten, and need not be reachable.</p>",
      table("Distance from the bound"; ["variant"] + ($kinds | map(.[1], "the least"));
        [$variants[] | .summary as $summary | "<th scope=\"row\">\(.name | text)</th>" + ([$kinds[][0] as $kind
          | ($summary["bound.\($kind)_ppm"].mean) as $ppm
          | ([$variants[].summary["bound.\($kind)_ppm"].mean // 0] | max) as $most
          | cell($ppm; if $ppm == null then "–" else "<span class=\"meter\" data-tip=\"\($ppm / 1e4 | short) % of the least\"><i style=\"width:\($ppm * 100 / $most | rounded(2))%\"></i></span>\($ppm / 1e4 | short) %" end),
            ($summary["bound.\($kind)"].mean | cell(.; human($document.metrics["bound.\($kind)"].unit)))] | join(""))]),
      "</section>"
    end;

def noise_section($metrics):
  . as $document
  | if (.seeds | length) < 2 or (.variants | length) < 2 then empty else
      [$metrics[] as $metric
       | [$document.differences[] | select(.metric == $metric and .n > 1 and .interval != "exact")] as $of
       | select($of | length > 0)
       | ([$of[] | select(.verdict != "killed") | percent_interval | select(. != null) | (.[1] - .[0]) / 2] | max) as $now
       | ([$of[].seeds_for_1_percent | select(. != null)] | max) as $seeds
       | "<th scope=\"row\">\($metric | text)</th>" + ([$of[].n] | min | cell(.; tostring))
         + cell($now; if $now == null then "–" else "±\($now | short) %" end)
         + cell($seeds; if $seeds == null then "–" elif $seeds >= 1000000 then "over a million" else $seeds | grouped end)] as $rows
      | if ($rows | length) == 0 then empty else
          section("Noise floor"),
          "<p class=\"note\">What the seeds resolve: the half-width of the 95 % interval of a change, and how many seeds it would take to bring it down to 1 % of the base; of the variant that is hardest to tell.</p>",
          table("Noise floor"; ["metric", "pairs", "resolved now", "seeds for 1 %"]; $rows), "</section>"
        end
    end;

def value_text: if type == "object" or type == "array" then tojson else tostring end;

def config_section:
  . as $document
  | [.variants[].changes[].path] | unique as $paths
  | section("Configuration"),
    (if ($paths | length) > 0 then
       "<p class=\"note\">What differs between the variants; everything else is the same.</p>",
       (def shown($variant; $path):
          # The change of this path, or of one above it.
          ([$variant.changes[] | select(.path as $p | $path[:($p | length)] == $p)] | max_by(.path | length)) as $change
          | if $change == null then [$document.config | getpath($path)]
            else [$change.value | try getpath($path[($change.path | length):]) catch null] end | .[0];
        table("Differences between the variants"; ["variant"] + ($paths | map(map(tostring) | join(".") | text));
          [$document.variants[] as $variant | "<th scope=\"row\">\($variant.name | text)</th>" + ([$paths[] as $path
            | shown($variant; $path) as $value
            | "<td class=\"\(if $value == ($document.config | getpath($path)) then "base" else "changed" end)\" data-v=\"\($value | if type == "number" then . else "" end)\"><code>\($value | value_text | text)</code></td>"] | join(""))]))
     elif ($document.variants | length) > 1 then "<p class=\"note\">The variants have the same configuration.</p>" else empty end),
    "<details><summary>The whole configuration\(if ($document.variants | length) > 0 then " of \($document.variants[0].name | text)" else "" end)</summary>",
    "<!--CONFIG-->", "</details>",
    "</section>";

def all_metrics_section:
  . as $document
  | if (.variants | length) > 8 or (.variants | length) == 0 then empty else
      [.metrics | keys_unsorted[] | select(. as $m | any($document.variants[]; (.summary[$m].mean // 0) != 0))] as $metrics
      | if ($metrics | length) == 0 then empty else
          section("All metrics"),
          "<details><summary>\($metrics | length | plural("metric")), mean and standard deviation over the seeds</summary>",
          "<p><label>Show rows with <input type=\"search\" class=\"filter\" placeholder=\"metric\"></label></p>",
          table("All metrics"; ["metric"] + [$document.variants[].name | text];
            [$metrics[] as $metric | "<th scope=\"row\">\($metric | text)</th>" + ([$document.variants[].summary[$metric]
              | . as $of | cell($of.mean; ($of.mean | human($document.metrics[$metric].unit))
                  + (if $of.stddev == null then "" else "<small>± \($of.stddev | human($document.metrics[$metric].unit))</small>" end))] | join(""))]),
          "</details></section>"
        end
    end;

def provenance_section:
  section("Made from"),
  "<dl><dt>zsim</dt><dd>\(.zsim_version | text)</dd><dt>seeds</dt><dd>\(.seeds | map(tostring) | if length > 20 then .[:20] + ["…"] else . end | join(", "))</dd>",
  "<dt>libraries</dt><dd>\(.libraries // {} | to_entries | map("\(.key) \(.value)") | join(", ") | text)</dd>",
  "<dt>workloads</dt><dd>\([.inputs // [] | group_by(.type)[] | "\(length | plural("workload")) of type \(.[0].type), \([.[].accesses] | add | grouped) accesses"] | join("; ") | text)</dd>",
  "<dt>host</dt><dd>\((.host.wall_ns // 0) | human("ns")) on \((.host.jobs // 1) | plural("thread"))</dd></dl></section>";

def study($figures):
  shown_metrics as $metrics
  | judged($metrics) as $judged
  | "<article>", head_section,
    (if (.variants | length) == 0 or complete_runs == 0 then "<p class=\"warning\" role=\"note\">There is no complete run to show.</p>"
     else overview($metrics; $judged), changes_section($metrics; $judged), figures_section($figures),
          bound_section, cost_section, locks_section, noise_section($metrics) end),
    config_section, all_metrics_section, provenance_section, "</article>";

# ---- figures -------------------------------------------------------------------

# A result whose config asks for no figures gets what fits; what does not is left out.
def default_figures:
  [(if (.variants | length) | . > 1 and . <= 9 then
      {template: "dots", title: "What changes against \(.variants[0].name)?",
       metrics: (shown_metrics | .[:20])} else empty end),
   {template: "tiers", title: "Where are the pages?"},
   (if (.variants | length) <= 8 then {template: "cdf", title: "How long does a fault take?", kind: "major"} else empty end)];
def with_figures:
  if (.config.figures // [] | length) > 0 then . else .config.figures = default_figures | .default_figures = true end;
