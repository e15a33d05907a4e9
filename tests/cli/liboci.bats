#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# liboci as others get it: installed, found by pkg-config, linked to their programs.

load helpers

tree=$HERE/../..
lib=$tree/build/pic/lib/liboci.so.0

# As `make install` puts it, in $T/usr.
install_liboci() {
	local header
	mkdir -p "$T/usr/lib/pkgconfig"
	cp "$lib" "$T/usr/lib/"
	ln -s liboci.so.0 "$T/usr/lib/liboci.so"
	sed "s|^prefix=.*|prefix=$T/usr|; s|^libdir=.*|libdir=\${prefix}/lib|; s|^includedir=.*|includedir=\${prefix}/include|" \
		"$tree/build/pic/lib/liboci.pc" > "$T/usr/lib/pkgconfig/liboci.pc"
	for header in $(sed -n 's/^LIB_HDR := //p' "$tree/Makefile" | sed 's/\$(addprefix base\/,\(.*\.h\))/\1/' | tr ' ' '\n'); do
		[[ -e $tree/oci/$header ]] || header=base/$header
		mkdir -p "$T/usr/include/strake/$(dirname "$header")"
		cp "$tree/oci/$header" "$T/usr/include/strake/$header"
	done
	export PKG_CONFIG_PATH=$T/usr/lib/pkgconfig:${PKG_CONFIG_PATH:-}
}

# A program of somebody else's: [source]
build_with_liboci() {
	local flags
	read -r -a flags < <(pkg-config --cflags --libs liboci)
	"${CC:-cc}" -Wall -Wextra -Werror -o "$T/program" "$1" "${flags[@]}"
}

@test "the example compiles by pkg-config, and runs two containers from one process at once" {
	local other=$T/other
	install_liboci
	build_with_liboci "$tree/oci/example.c"
	# Each waits for the other, and both for us: only side by side do they end.
	mkdir "$T/shared"
	bind_add /shared "$T/shared"
	script 'touch /shared/port; while [ ! -e /shared/starboard ] || [ ! -e /shared/go ]; do sleep 0.05; done; exit 3'
	bundle_new "$other"
	BUNDLE=$other bind_add /shared "$T/shared"
	BUNDLE=$other script 'touch /shared/starboard; while [ ! -e /shared/port ] || [ ! -e /shared/go ]; do sleep 0.05; done; exit 4'
	LD_LIBRARY_PATH=$T/usr/lib background timeout 60 "$T/program" "$ROOT" "$BUNDLE" "$other" > "$T/out" < /dev/null
	wait_for grep -q '^starboard is' "$T/out"
	touch "$T/shared/go"
	wait "$background"
	grep -qE '^port is running, its process is [0-9]+$' "$T/out"
	grep -qE '^starboard is running, its process is [0-9]+$' "$T/out"
	grep -qx 'port has ended with 3' "$T/out"
	grep -qx 'starboard has ended with 4' "$T/out"
}

@test "a failure is explained to the program, and leaves nothing" {
	install_liboci
	build_with_liboci "$tree/oci/example.c"
	payload /bin/sail
	status=0
	LD_LIBRARY_PATH=$T/usr/lib timeout 60 "$T/program" "$ROOT" "$BUNDLE" "$BUNDLE" > "$T/out" 2>&1 || status=$?
	same 1 "$status"
	grep -q "^example: .*/bin/sail" "$T/out"
}

@test "what the library shows has versions, and is what its headers declare" {
	local symbol
	nm -D --defined-only --with-symbol-versions "$lib" | awk '$2 == "T" { print $3 }' > "$T/symbols"
	grep -qx 'oci_create@@LIBOCI_0.1' "$T/symbols"
	[[ -z $(grep -v '@@LIBOCI_0\.1$' "$T/symbols") ]]
	for symbol in $(grep -oE '\boci_[a-z_]+\(' "$tree/oci/oci.h" | tr -d '(' | sort -u); do
		grep -qx "$symbol@@LIBOCI_0.1" "$T/symbols" || fail "oci.h declares $symbol, liboci.so has it not"
	done
}

@test "the library has no state of its own: nothing that can be written but what the linker makes" {
	local object
	find "$tree/build/pic/obj/oci" -name '*.o' -not -path '*/cli/*' -not -name log.o | while read -r object; do
		objdump -t "$object" | awk -v o="$object" '/ O / && (/\.bss/ || (/[ \t]\.data/ && !/\.rel\.ro/)) { print o, $NF }'
	done > "$T/state"
	# The container's process is called so; nobody writes it.
	grep -vE '/seal\.o title\.[0-9]+$' "$T/state" > "$T/unknown" || true
	same "" "$(< "$T/unknown")"
}

@test "each header that is installed compiles alone" {
	local header
	install_liboci
	for header in $(cd "$T/usr/include/strake" && find . -name '*.h' -printf '%P\n'); do
		echo "#include <$header>" > "$T/one.c"
		"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -Wall -Werror -fsyntax-only "-I$T/usr/include/strake" "$T/one.c"
	done
}
