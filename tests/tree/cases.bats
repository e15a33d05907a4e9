#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The numbered cases of node policies, P1 to P41: each is a test that says so in its name.

@test "every case of node policies from P1 to P41 is a test by that name" {
	local tests missing=() number
	tests=$(cd "$BATS_TEST_DIRNAME/.." && grep -rhoE '^@test ".*"|^static void p[0-9]+_\w+' cli/*.bats vm/*.bats unit)
	for ((number = 1; number <= 41; number++)); do
		grep -qiE "(\"|, |void )P${number}[:, _]" <<< "$tests" || missing+=("P$number")
	done
	echo "no test: ${missing[*]}"
	[ ${#missing[@]} -eq 0 ]
}
