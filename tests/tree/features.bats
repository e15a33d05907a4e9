#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# oci/FEATURES.md: each row that says "yes" leads to a test that is there.

tree=$BATS_TEST_DIRNAME/../..
table=$tree/oci/FEATURES.md

@test "each feature that is claimed names a test that is there" {
	local row file name
	while read -r row; do
		file=$(sed -n 's/.*](\.\.\/\([^)]*\)).*/\1/p' <<< "$row")
		[ -n "$file" ] || { echo "no test: $row"; return 1; }
		[ -e "$tree/$file" ] || { echo "no such file: $file"; return 1; }
		name=$(sed -n 's/.*](\.\.\/[^)]*): \(.*\) |$/\1/p' <<< "$row")
		[ -z "$name" ] || grep -qF -- "\"$name\"" "$tree/$file" || { echo "$file has no test \"$name\""; return 1; }
	done < <(grep -E '\| yes \| \[' "$table")
	[ "$(grep -cE '\| yes \| \[' "$table")" -gt 60 ]
}

@test "each row says yes with a test, or no without one" {
	[ -z "$(grep -E '^\| ' "$table" | grep -vE '^\| what |\| yes \| \[[^]]*\]\([^)]*\)(: .*)? \|$|\| no \| - \|$')" ]
}

@test "every command has a row" {
	local verb
	for verb in $(sed -n 's/^\tVERB(\([a-z]*\),.*/\1/p' "$tree/oci/cli/verbs.c"); do
		[ "$verb" = man ] || grep -qE "^\| .*\b$verb\b" "$table" || { echo "no row for $verb"; return 1; }
	done
}
