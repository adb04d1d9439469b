# A result of configs/published and what is published of it, as rows of a table.
# Changes are paired by seed; intervals are Student's, 95 %.

# Two-sided 95 % quantiles for 1, 2, ... degrees of freedom.
def quantile: [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262][. - 2] // 2.26;
def mean: add / length;
def half_interval: length as $n
    | if $n < 2 then 0
      else mean as $mean | (map((. - $mean) * (. - $mean)) | add / ($n - 1) | sqrt)
           / ($n | sqrt) * ($n | quantile) end;

# A metric of one run; "a/b" is a share.
def metric($name):
    def one($name):
        if $name == "stores" then .totals.zswpout + .totals.refused_stores
        elif $name == "user" then .cpu.user_ns / 1e9
        elif $name == "sys" then .cpu.sys_ns / 1e9
        elif $name == "real" then .end_ns / 1e9
        else .totals[$name] end;
    ($name | split("/")) as $parts
    | one($parts[0]) as $value
    | if ($parts | length) > 1 then one($parts[1]) as $all | $value / $all else $value end;

def thousands: tostring | split(".") as $parts
    | ($parts[0] | [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(","))
      + (if $parts[1] then "." + $parts[1] else "" end);
def number: if fabs >= 1000 then round elif fabs >= 10 then . * 10 | round / 10
            else . * 1000 | round / 1000 end | thousands;
def percent: (. * 1000 | round / 10) | (if . > 0 then "+" else "" end) + tostring + " %";
def with_interval: (mean | number) + (half_interval | if . > 1e-9 then " ± " + number else "" end);

# Published changes above 5 % must have their sign and be within a factor of 1.5; below 3 %
# they must stay below 3 %; between, nothing is asked.
def verdict($published; $low; $high; $simulated):
    if ($published | fabs) < 0.03 then
        if ($simulated | fabs) < 0.03 then
            "small, as published" + (if $low <= 0 and $high >= 0 then ": not told from 0" else "" end)
        elif $low <= 0 and $high >= 0 then "not told from 0, within a wide interval"
        else "**no**: larger than published" end
    elif ($published | fabs) <= 0.05 then "-"
    elif $published * $simulated <= 0 then "**no**" + (if $low <= 0 and $high >= 0 then ": not told from 0" else ": other sign" end)
    else ($simulated / $published) as $factor
        | if $factor >= 1 / 1.5 and $factor <= 1.5 then "yes"
          else "**no**: sign right, \($factor * 100 | round / 100) of it" end
    end;

# A row with "within": after / before must be the published one to within that share.
def closeness($said; $change; $within):
    ((1 + $change) / (1 + $said) - 1) as $off
    | if ($off | fabs) <= $within then "yes, " else "**no**, " end
      + "after / before " + (if $off > 0 then "+" else "" end)
      + ($off * 1000 | round / 10 | if . == 0 then 0 else . end | tostring) + " %";

$published[0][$case] as $rows
| .variants as $variants
| "| | before, published | after, published | before, simulated | after, simulated | change, published | change, simulated | agrees |",
  "|---|---:|---:|---:|---:|---:|---:|---|",
  ($rows[] | . as $row
   | [$variants[$row.variants[0]].runs[] | metric($row.metric)] as $before
   | [$variants[$row.variants[1]].runs[] | metric($row.metric)] as $after
   | ($row.after / $row.before - 1) as $said
   | [range($before | length) | if $before[.] == 0 then 0 else $after[.] / $before[.] - 1 end] as $changes
   | ($changes | mean) as $change
   | ($changes | half_interval | if . < 1e-9 then 0 else . end) as $half
   | "| \($row.name) | \($row.before | number) | \($row.after | number) | \($before | with_interval) | \($after | with_interval)"
     + " | \($said | percent) | \($change | percent)"
     + (if $half > 0 then " (\($change - $half | percent) to \($change + $half | percent))" else "" end)
     + " | " + (if $row.within then closeness($said; $change; $row.within)
                else verdict($said; $change - $half; $change + $half; $change) end) + " |")
