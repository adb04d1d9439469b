bats_require_minimum_version 1.5.0

# The configs that come with zsim.

setup() {
    ZSIM=${ZSIM:-$PWD/zsim}
    shopt -s nullglob
    configs=(configs/*.json configs/eras/*.json configs/published/*.json)
}

# The config without its comments, as JSON.
plain() { # CONFIG
    sed 's|^ *//.*||' "$1"
}

@test "every shipped config is accepted" {
    [ "${#configs[@]}" -ge 20 ]
    for config in "${configs[@]}"; do
        run "$ZSIM" --check-only "$config"
        [ "$status" -eq 0 ] || { echo "$config: $output"; false; }
    done
}

@test "every shipped config asks a question" {
    for config in "${configs[@]}"; do
        plain "$config" | jq -e '.question | test("[?]$")' >/dev/null || { echo "$config"; false; }
    done
}

@test "every figure names a template that exists, and has a title" {
    for config in "${configs[@]}"; do
        plain "$config" | jq -e '.figures | length > 0' >/dev/null || { echo "$config: no figures"; false; }
        while IFS= read -r template; do
            [ -f "scripts/figures/$template.gp" ] || { echo "$config: $template"; false; }
        done < <(plain "$config" | jq -r -L scripts/figures 'include "figures"; .figures[].template | drawn_by')
        plain "$config" | jq -e '[.figures[].title | type == "string"] | all' >/dev/null || { echo "$config"; false; }
    done
}

@test "figures of one config have different names" {
    for config in "${configs[@]}"; do
        plain "$config" | jq -e '[.figures[].name] | length == (unique | length)' >/dev/null || { echo "$config"; false; }
    done
}

@test "a variant that a figure shows is in the config" {
    for config in "${configs[@]}"; do
        # With a sweep, names of variants carry its values too.
        plain "$config" | jq -e 'has("sweep") or
            ([.variants[]?.name] as $names
             | [.figures[].variants[]? | . as $name | $names | index([$name])] | all)' >/dev/null ||
            { echo "$config"; false; }
    done
}

@test "every figure that the documentation shows is there" {
    for page in README.md docs/*.md; do
        folder=$(dirname "$page")
        while IFS= read -r image; do
            [ -f "$folder/$image" ] || { echo "$page: $image"; false; }
        done < <(grep -oE '\]\([^)]*\.svg\)' "$page" | sed 's/^](//; s/)$//')
    done
}
