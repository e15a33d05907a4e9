# SPDX-License-Identifier: Apache-2.0
# One file, not recursive. Everything that is made lies below build/.
#
#	make                  the programs, in build/bin
#	make SAN=1            the same with ASan and UBSan, in build/san
#	make CC=clang         by clang, in build/clang
#	make V=1              with whole commands
#
# `make demo`, `check`, and what tests install what they need (hack/deps); all other targets need it installed.

VERSION := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif
CLANG := $(findstring clang,$(CC))

# One folder for each way of building, because the objects differ.
SAN  ?=
FUZZ ?=
ifeq ($(FUZZ),1)
override CC := clang
CLANG := clang
B := build/fuzz
else ifeq ($(SAN),1)
B := build/san
else ifneq ($(CLANG),)
B := build/clang
else
B := build
endif

DESTDIR  ?=
PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
SHAREDIR ?= $(PREFIX)/share
LIBDIR   ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR  ?= $(SHAREDIR)/strake

comma := ,
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# What users type calls make again for its parts, on all CPUs where they did not say how many.
SUBMAKE = +$(Q)$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# --- flags -------------------------------------------------------------------------------------

# A compiler that is newer than this tree may warn of more: `make WERROR=` goes on.
WERROR ?= -Werror
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough \
	-Wno-missing-field-initializers $(WERROR)
BASE_CFLAGS := -std=gnu17 -g -O2 -fPIE -fno-strict-aliasing -fvisibility=hidden \
	'-ffile-prefix-map=$(CURDIR)=.' -ffunction-sections -fdata-sections
CPPFLAGS_ALL := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DSTRAKE_VERSION='"$(VERSION)"' -Ioci $(CPPFLAGS)

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ifeq ($(FUZZ),1)
HARDEN := $(SANITIZE) -fsanitize=fuzzer-no-link
LDHARD := $(SANITIZE) -fsanitize=fuzzer -pie
else ifeq ($(SAN),1)
HARDEN := $(SANITIZE)
LDHARD := $(SANITIZE) -pie
else
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -ftrivial-auto-var-init=zero
# Nothing unwinds a stack here; debuggers have tables of their own. 80 kB.
HARDEN += -fno-asynchronous-unwind-tables
LDHARD := -Wl,--build-id -Wl,-z,relro,-z,now,-z,noexecstack -Wl,-z,pack-relative-relocs -Wl,--gc-sections -Wl,--as-needed
STATIC := -static-pie
# See oci/base/entry.h.
ENTRY := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),-Wl$(comma)-e$(comma)entry_start)
# What a start runs side by side: see hack/start-order, which writes it.
START_ORDER := oci/start.ld
endif
ifneq ($(CLANG),)
WARN += -Wno-gnu-statement-expression
ifeq ($(SAN)$(FUZZ),)
# Before clang 16 zero had to be asked for twice.
HARDEN += $(shell $(CC) -ftrivial-auto-var-init=zero -fsyntax-only -x c /dev/null 2>/dev/null || \
	echo -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang) -Wno-unused-command-line-argument
endif
endif

ALL_CFLAGS := $(BASE_CFLAGS) $(WARN) $(HARDEN) $(CFLAGS)

LIBDBUS       := $(B)/lib/libdbus-1.a
OCI_LIBS      := $(LIBDBUS) -lyajl_s -lcap -lsodium -lprotobuf-c -lm
SHIM_LIBS     := $(OCI_LIBS)
OPERATOR_LIBS := -lcurl -lcrypto -ljansson -lyaml -lyajl_s
TEST_LIBS     := $(LIBDBUS) -lcmocka -lseccomp -lcap -lyajl_s -lsodium -lprotobuf-c -lm

# --- sources -----------------------------------------------------------------------------------

src = $(sort $(wildcard $(1)))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

BASE_SRC := $(call src,oci/base/*.c)
OCI_SRC  := $(call src,$(foreach d,spec policy seccomp cgroup sandbox criu run,oci/$(d)/*.c))
BUS_LINK := oci/cgroup/bus_link.c
CLI_SRC  := $(call src,oci/cli/*.c)

# Messages, the shim's and those to CRIU, are made by protoc-c from our own description of them.
PROTO    := $(call src,shim/proto/*.proto)
GEN      := $(B)/gen
PROTO_C  := $(patsubst shim/proto/%.proto,$(GEN)/%.pb-c.c,$(PROTO))
CRIU_C   := $(GEN)/criu.pb-c.c
SHIM_SRC := $(call src,shim/*.c)

# The operator takes libbase of oci/ and nothing else.
OPERATOR_SRC := $(call src,operator/*.c operator/*/*.c)

OPERATOR_UNIT_SRC := $(call src,tests/unit/operator/*.c tests/unit/operator/*/*.c)
SHIM_UNIT_SRC := $(call src,tests/unit/shim/*.c)
UNIT_SRC  := $(filter-out $(OPERATOR_UNIT_SRC) $(SHIM_UNIT_SRC),$(call src,tests/unit/*/*.c))
ALL_UNIT_SRC = $(UNIT_SRC) $(SHIM_UNIT_SRC) $(OPERATOR_UNIT_SRC)
FUZZ_SRC  := $(call src,tests/fuzz/*.c)
BENCH_SRC := $(call src,tests/bench/*.c)

ALL_SRC := $(BASE_SRC) $(OCI_SRC) $(CLI_SRC) $(SHIM_SRC) $(OPERATOR_SRC)
ALL_HDR := $(call src,$(foreach d,. base spec policy seccomp cgroup sandbox criu run cli,oci/$(d)/*.h) \
	shim/*.h operator/*.h operator/*/*.h)
TREE_SRC  := $(call src,tests/tree/*.c)
TEST_SRC := $(ALL_UNIT_SRC) $(FUZZ_SRC) $(BENCH_SRC) $(TREE_SRC)

LIBBASE     := $(B)/lib/libbase.a
LIBOCI      := $(B)/lib/liboci.a
LIBSHIM     := $(B)/lib/libshim.a
LIBOPERATOR := $(B)/lib/liboperator.a

BIN := $(B)/bin/strake $(B)/bin/containerd-shim-strake-v1 $(B)/bin/strake-operator

# --- programs ----------------------------------------------------------------------------------

.PHONY: all
all: $(BIN) ## build the programs into build/bin

# Objects depend on the flags they were made with: a changed flag rebuilds.
FLAGS := $(CC) $(ALL_CFLAGS) $(CPPFLAGS_ALL)
.PHONY: FORCE
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAGS))' > $@

$(B)/obj/operator/%.o $(B)/obj/tests/unit/operator/%.o: CPPFLAGS_ALL += -Ioperator
$(B)/obj/tests/%.o: CPPFLAGS_ALL += -Itests

# What includes messages needs them made; -MMD then knows which.
SHIM_OBJ := $(call obj,$(SHIM_SRC) $(SHIM_UNIT_SRC) tests/fuzz/frame.c)
$(SHIM_OBJ) $(patsubst %,$(B)/check/%.analysed,$(SHIM_SRC)) $(patsubst %,$(B)/check/%.alone,$(wildcard shim/*.h)): \
	CPPFLAGS_ALL += -Ishim -isystem $(GEN)
$(SHIM_OBJ) $(patsubst %,$(B)/check/%.analysed,$(SHIM_SRC)) $(patsubst %,$(B)/check/%.alone,$(wildcard shim/*.h)): \
	| $(PROTO_C)

$(GEN)/%.pb-c.c: shim/proto/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)
	$(Q)protoc-c --proto_path=shim/proto --c_out=$(GEN) $<

$(CRIU_C): oci/criu/criu.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(GEN) $<

# The one file that speaks with CRIU.
$(B)/obj/oci/criu/rpc.o $(B)/check/oci/criu/rpc.c.analysed: CPPFLAGS_ALL += -isystem $(GEN)
$(B)/obj/oci/criu/rpc.o $(B)/check/oci/criu/rpc.c.analysed: | $(CRIU_C)

$(GEN)/%.pb-c.o: $(GEN)/%.pb-c.c $(B)/flags | $(PROTO_C)
	$(call say,CC,$<)
	$(Q)$(CC) $(BASE_CFLAGS) $(HARDEN) $(CFLAGS) -I$(GEN) -c -o $@ $<

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS_ALL) -MMD -MP -c -o $@ $<

# Made anew each time, so that no object of a removed source stays inside.
define archive
	@mkdir -p $(@D); rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcsD $@ $^
endef

$(LIBBASE): $(call obj,$(BASE_SRC))
	$(archive)

$(LIBOCI): $(call obj,$(filter-out $(BUS_LINK),$(OCI_SRC))) $(CRIU_C:.c=.o) | $(LIBDBUS)
	$(archive)

$(LIBSHIM): $(call obj,$(filter-out shim/main.c,$(SHIM_SRC))) $(PROTO_C:.c=.o)
	$(archive)

$(LIBOPERATOR): $(call obj,$(filter-out operator/main.c,$(OPERATOR_SRC)))
	$(archive)

# A copy of libdbus-1 in which what it calls of the world outside is ours: see oci/cgroup/bus_link.c.
$(LIBDBUS): $(call obj,$(BUS_LINK)) $(BUS_LINK:.c=.symbols)
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)objcopy -D --redefine-syms=$(BUS_LINK:.c=.symbols) $(DBUS_DIR)/libdbus-1.a $@
	$(Q)ar rcsD $@ $<

DBUS_DIR = $(shell pkg-config --variable=libdir dbus-1)
$(B)/obj/oci/cgroup/bus.o $(B)/check/oci/cgroup/bus.c.analysed $(B)/obj/tests/unit/cgroup/unit.o: \
	CPPFLAGS_ALL += $(shell pkg-config --cflags dbus-1)

$(B)/obj/strake: $(call obj,$(CLI_SRC)) $(LIBOCI) $(LIBBASE) $(START_ORDER)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(ENTRY) $(LDHARD) $(LDFLAGS) -o $@ $(^:%.ld=-Wl,-T,%.ld) $(OCI_LIBS)

$(B)/obj/containerd-shim-strake-v1: $(call obj,shim/main.c) $(LIBSHIM) $(LIBOCI) $(LIBBASE) $(START_ORDER)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(ENTRY) $(LDHARD) $(LDFLAGS) -o $@ $(^:%.ld=-Wl,-T,%.ld) $(SHIM_LIBS)

$(B)/obj/strake-operator: $(call obj,operator/main.c) $(LIBOPERATOR) $(LIBBASE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(LDHARD) $(LDFLAGS) -o $@ $^ $(OPERATOR_LIBS)

$(B)/bin/%: $(B)/obj/%
	@mkdir -p $(@D)
	$(call say,STRIP,$@)
	$(Q)objcopy --strip-all $< $@

.PHONY: deps
deps: ## install what building, testing and measuring need (DEPS="build test ...", default all)
	@hack/deps $(or $(DEPS),all)

# liboci for programs of others: their objects have to run at any address, so they are made once more.
SO_VERSION := 0
PIC     := $(if $(filter build,$(B)),build/pic,$(B)/pic)
LIB_HDR := oci.h $(addprefix base/,error.h mem.h buf.h json.h) cgroup/stats.h cgroup/events.h spec/spec.h

.PHONY: lib
lib: ## make liboci for programs of others, in build/pic/lib
	$(SUBMAKE) B=$(PIC) CFLAGS='$(CFLAGS) -fPIC -fvisibility=default' lib-made

.PHONY: lib-made
lib-made: $(B)/lib/liboci.so.$(SO_VERSION) $(B)/lib/liboci.pc

$(B)/lib/liboci.so.$(SO_VERSION): $(call obj,$(BASE_SRC) $(filter-out $(BUS_LINK),$(OCI_SRC))) $(CRIU_C:.c=.o) oci/oci.symbols
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -shared $(LDHARD) $(LDFLAGS) -Wl,-Bsymbolic -Wl,-soname,$(@F) \
		-Wl,--version-script,oci/oci.symbols -Wl,-z,defs -s -o $@ $(filter %.o,$^) -ldbus-1 -lyajl -lcap -lsodium -lprotobuf-c -lm

$(B)/lib/liboci.pc: oci/oci.pc.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' $< >$@

# The manual and the completion of shells, by the program itself: from the tables that its help is made of.
DOCS := $(B)/docs
$(DOCS)/made: $(B)/bin/strake
	$(call say,DOCS,$(DOCS))
	$(Q)rm -rf $(DOCS)
	$(Q)mkdir -p $(addprefix $(DOCS)/,man/man8 bash-completion/completions zsh/site-functions fish/vendor_completions.d)
	$(Q)$< man >$(DOCS)/man/man8/strake.8
	$(Q)set -e; for v in $$($< --help | sed -n '/^commands:/,/^$$/ s/^  \([a-z]*\) .*/\1/p'); do \
		$< man $$v >$(DOCS)/man/man8/strake-$$v.8; done
	$(Q)$< completion bash >$(DOCS)/bash-completion/completions/strake
	$(Q)$< completion zsh >$(DOCS)/zsh/site-functions/_strake
	$(Q)$< completion fish >$(DOCS)/fish/vendor_completions.d/strake.fish
	@touch $@

.PHONY: docs
docs: $(DOCS)/made ## make the manual and the completion of shells, in build/docs

.PHONY: install
install: all docs lib ## install programs, liboci, policies, manual and completion below $(DESTDIR)$(PREFIX); default.json is on
	install -d $(DESTDIR)$(BINDIR)
	install -m 755 $(BIN) $(DESTDIR)$(BINDIR)
	set -e; for f in $(POLICY_FILES); do install -D -m 644 $$f $(DESTDIR)$(DATADIR)/$$f; done
	install -D -m 644 $(PIC)/lib/liboci.so.$(SO_VERSION) $(DESTDIR)$(LIBDIR)/liboci.so.$(SO_VERSION)
	ln -sf liboci.so.$(SO_VERSION) $(DESTDIR)$(LIBDIR)/liboci.so
	install -D -m 644 $(PIC)/lib/liboci.pc $(DESTDIR)$(LIBDIR)/pkgconfig/liboci.pc
	set -e; cd oci; for f in $(LIB_HDR); do install -D -m 644 $$f $(DESTDIR)$(INCLUDEDIR)/strake/$$f; done
	install -D -m 644 oci/example.c $(DESTDIR)$(DATADIR)/example.c
	set -e; cd $(DOCS); for f in */*/*; do install -D -m 644 $$f $(DESTDIR)$(SHAREDIR)/$$f; done
	@DESTDIR='$(DESTDIR)' DATADIR='$(DATADIR)' hack/default-policy add

.PHONY: uninstall
uninstall: ## remove what install has put there
	@DESTDIR='$(DESTDIR)' DATADIR='$(DATADIR)' hack/default-policy remove
	rm -f $(patsubst $(B)/bin/%,$(DESTDIR)$(BINDIR)/%,$(BIN)) $(addprefix $(DESTDIR)$(DATADIR)/,$(POLICY_FILES))
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,liboci.so liboci.so.$(SO_VERSION) pkgconfig/liboci.pc) \
		$(addprefix $(DESTDIR)$(INCLUDEDIR)/strake/,$(LIB_HDR)) $(DESTDIR)$(DATADIR)/example.c
	-[ ! -d $(DESTDIR)$(INCLUDEDIR)/strake ] || find $(DESTDIR)$(INCLUDEDIR)/strake -depth -type d -empty -delete
	rm -f $(addprefix $(DESTDIR)$(SHAREDIR)/,man/man8/strake.8 man/man8/strake-*.8 bash-completion/completions/strake \
		zsh/site-functions/_strake fish/vendor_completions.d/strake.fish)
	-[ ! -d $(DESTDIR)$(DATADIR) ] || find $(DESTDIR)$(DATADIR) -depth -type d -empty -delete

POLICY_FILES := $(shell find policies -type f -name '*.json' 2>/dev/null | sort)

.PHONY: demo
demo: ## run a real container on this machine, then apply a Database and see what it becomes
	@hack/deps demo
	$(SUBMAKE) all
	@hack/demo $(B)/bin/strake
	@hack/demo-database $(B)/bin/strake-operator

.PHONY: demo-node
demo-node: ## start a real node with the shim, the operator and a Database that answers SQL, and leave it running
	@hack/deps vm containerd kube
	$(SUBMAKE) all image build/postgresql.tar
	@hack/demo-node

# --- tests -------------------------------------------------------------------------------------
# Each kind has a rule tap-KIND that leaves KIND.tap or some KIND-*.tap in build/tests/results; tests/run
# calls these rules and sums up.

.PHONY: test test-all test-unit test-fuzz test-host test-vm test-long test-shim test-containerd test-kube test-node test-fresh
test: ## install what is needed, build, and run the tests but for the long ones (the first time: 15 minutes more)
	@hack/deps test fuzz vm kube
	$(SUBMAKE) all
	+@tests/run unit san fuzz tree cli shim vm kube

test-all: ## check, test, the long tests, those on Kubernetes with sanitizers, and a minute of fuzzing each
	$(SUBMAKE) check
	CLI_STRIDE=1 CLI_RACES=500 CLI_LIMIT=7200 BATS_TEST_TIMEOUT=3600 $(SUBMAKE) test
	@hack/deps containerd
	+@tests/run long containerd kubesan node
	$(SUBMAKE) fuzz
	$(SUBMAKE) test-fresh

test-unit: ## unit tests, plain and with sanitizers
	@hack/deps test
	+@tests/run unit san

test-fuzz: ## replay the corpora of the fuzz targets with sanitizers
	@hack/deps test fuzz
	+@tests/run fuzz

test-host: ## tests of the built programs on this machine
	@hack/deps test
	+@tests/run tree cli

test-vm: ## tests in guests with a real systemd (the first time builds them: minutes)
	@hack/deps vm
	+@tests/run vm

test-long: ## more tests in guests, which take long: podman's smoke, hundreds of containers, the least memory
	@hack/deps vm
	+@tests/run long

test-shim: ## 10,000 containers through the shim among clients that misbehave, then with sanitizers
	@hack/deps test
	+@tests/run shim

test-containerd: ## the shim under containerd 1.6 to 2.4, in guests (the first time builds those: 10 minutes)
	@hack/deps vm containerd
	$(SUBMAKE) all
	+@tests/run containerd

test-kube: ## tests against a real Kubernetes control plane (the first time builds it: 10 minutes)
	@hack/deps kube
	$(SUBMAKE) all
	+@tests/run kube

test-node: ## pods on a real node, a guest that joins the control plane (the first time builds both)
	@hack/deps vm containerd kube
	$(SUBMAKE) all
	+@tests/run node

test-fresh: ## the demo, unit tests and those of the command line on a minimal Debian 12 and 13 (20 minutes)
	@hack/deps vm
	hack/fresh bookworm
	hack/fresh trixie

UNIT_BIN := $(patsubst %.c,$(B)/%,$(ALL_UNIT_SRC))

.PHONY: unit-bins
unit-bins: $(UNIT_BIN)

$(patsubst %.c,$(B)/%,$(UNIT_SRC)): $(B)/%: $(B)/obj/%.o $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(LDHARD) -o $@ $^ $(TEST_LIBS)

$(patsubst %.c,$(B)/%,$(SHIM_UNIT_SRC)): $(B)/%: $(B)/obj/%.o $(LIBSHIM) $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(LDHARD) -o $@ $^ $(SHIM_LIBS) -lcmocka

$(patsubst %.c,$(B)/%,$(OPERATOR_UNIT_SRC)): $(B)/%: $(B)/obj/%.o $(LIBOPERATOR) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(LDHARD) -o $@ $^ $(OPERATOR_LIBS) -lcmocka

TAP := build/tests/results
$(TAP):
	@mkdir -p $@

# The profiles that other runtimes' users have, to compare with.
packaged := hack/debian unpack own build/packaged golang-github-containers-common golang-github-docker-docker-dev
PACKAGED := PACKAGED=$(CURDIR)/build/packaged PACKAGED_PROFILE=$(CURDIR)/build/packaged/usr/share/containers/seccomp.json

# A program that begins as ours do, for tests/tree/begin.bats.
$(B)/tests/begin: $(B)/obj/tests/tree/begin.o $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(ENTRY) $(LDHARD) -o $@ $^

# Strikes a process at one of its system calls, for tests/shim; those of the command line build it for themselves.
$(B)/tests/strike: $(B)/obj/tests/cli/programs/strike.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDHARD) -o $@ $^

.PHONY: tap-unit tap-san tap-fuzz tap-tree tap-cli tap-vm tap-long tap-shim tap-containerd tap-kube tap-kubesan tap-node
tap-unit: | $(TAP)
	$(SUBMAKE) unit-bins
	-@$(packaged)
	@$(PACKAGED) tests/unit/tap $(B)/tests/unit $(UNIT_BIN) >$(TAP)/unit.tap

tap-san: | $(TAP)
	$(SUBMAKE) SAN=1 B=build/san unit-bins
	@$(PACKAGED) tests/unit/tap build/san/tests/unit $(patsubst %.c,build/san/%,$(ALL_UNIT_SRC)) >$(TAP)/san.tap

tap-cli: $(B)/bin/strake lib
	-@hack/debian unpack own build/runtimes crun runc
	-@hack/debian image own build/images/servers nginx-light redis-server postgresql
	-@hack/debian image trixie build/criu criu
	@CRIU=$(CURDIR)/build/criu tests/cli/run

tap-vm: all build/bench/true
	@tests/vm/run

tap-long: all build/bench/true
	@tests/vm/run --long

BEHIND := --runtime build/runtimes/usr/bin/crun --runtime build/runtimes/usr/sbin/runc --criu build/criu
tap-shim: $(B)/bin/containerd-shim-strake-v1 $(B)/tests/strike | $(TAP)
	$(SUBMAKE) SAN=1 B=build/san build/san/obj/containerd-shim-strake-v1
	@hack/debian unpack own build/runtimes crun runc
	@hack/debian image trixie build/criu criu
	@tests/shim/tasks.py $< $(BEHIND) --strike $(B)/tests/strike >$(TAP)/shim-tasks.tap
	@ASAN_OPTIONS=quarantine_size_mb=4 tests/shim/tasks.py build/san/obj/containerd-shim-strake-v1 $(BEHIND) >$(TAP)/shim-tasks-san.tap
	@tests/shim/cycles.py $< >$(TAP)/shim.tap
	@ASAN_OPTIONS=quarantine_size_mb=4 tests/shim/cycles.py --cycles 500 --growth 32768 build/san/obj/containerd-shim-strake-v1 >$(TAP)/shim-san.tap

tap-containerd: all build/bench/true
	@hack/containerd build
	@tests/vm/run --containerd

tap-kube: all
	@STRAKE_BUILD=$(CURDIR)/$(B) STRAKE=$(CURDIR)/$(B)/bin/strake tests/kube/run

tap-node: all
	@tests/node/run

# The same with sanitizers in the operator.
tap-kubesan: all
	$(SUBMAKE) SAN=1 B=build/san build/san/obj/strake-operator
	@KUBE_KIND=kubesan STRAKE_OPERATOR=$(CURDIR)/build/san/obj/strake-operator STRAKE=$(CURDIR)/$(B)/bin/strake tests/kube/run

tap-tree: | $(TAP)
	@bats --tap $(call src,tests/tree/*.bats) >$(TAP)/tree.tap

# Which lines of oci/ the tests run.
COV_FLAGS := -fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation

.PHONY: coverage cov-made
coverage: ## count the lines of oci/ that unit tests and those of the command line run (CLI_STRIDE=97)
	@hack/deps test fuzz
	$(SUBMAKE) lib
	$(SUBMAKE) B=build/cov CC=clang WERROR= CFLAGS='$(COV_FLAGS)' cov-made
	@CLI_STRIDE=$(or $(CLI_STRIDE),97) tests/coverage build/cov

cov-made: $(B)/bin/strake $(filter-out $(B)/tests/unit/operator/%,$(patsubst %.c,$(B)/%,$(UNIT_SRC)))

# --- fuzzing -----------------------------------------------------------------------------------
# One program for each file of tests/fuzz, by clang's libFuzzer. What they have learned is kept in
# tests/fuzz/corpus/NAME; new findings go to build/fuzz.

FUZZ_TARGETS ?= $(notdir $(basename $(FUZZ_SRC)))
FUZZ_SECONDS ?= 60

# The properties of node policies, of so many cases made by chance; in `make test` they are some thousands.
PROPERTIES   := $(addprefix build/tests/unit/policy/,merge filter)
POLICY_CASES ?= 1000000

.PHONY: fuzz fuzz-bins fuzz-properties
fuzz: ## fuzz each target by clang's libFuzzer (FUZZ_SECONDS=60 FUZZ_TARGETS="..."), and the properties of policies
	$(SUBMAKE) FUZZ=1 fuzz-bins
	@tests/fuzz/run fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)
	$(SUBMAKE) fuzz-properties

fuzz-properties: $(PROPERTIES)
	@for p in $(PROPERTIES); do POLICY_CASES=$(POLICY_CASES) $$p || exit 1; done

tap-fuzz: | $(TAP)
	$(SUBMAKE) FUZZ=1 fuzz-bins
	@tests/fuzz/run replay $(FUZZ_TARGETS) >$(TAP)/fuzz.tap

fuzz-bins: $(addprefix build/fuzz/bin/,$(FUZZ_TARGETS))

build/fuzz/bin/%: build/fuzz/obj/tests/fuzz/%.o $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDHARD) -o $@ $^ $(OCI_LIBS)

# That of the shim's wire.
build/fuzz/bin/frame: build/fuzz/obj/tests/fuzz/frame.o $(LIBSHIM) $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDHARD) -o $@ $^ $(SHIM_LIBS)

# Those of the operator's readers.
OPERATOR_FUZZ := watch kubeconfig database quantity
$(patsubst %,$(B)/obj/tests/fuzz/%.o,$(OPERATOR_FUZZ)): CPPFLAGS_ALL += -Ioperator
$(patsubst %,build/fuzz/bin/%,$(OPERATOR_FUZZ)): build/fuzz/bin/%: build/fuzz/obj/tests/fuzz/%.o $(LIBOPERATOR) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDHARD) -o $@ $^ $(OPERATOR_LIBS)

# --- checks ------------------------------------------------------------------------------------

.PHONY: check check-format check-layers check-headers check-analyse check-shell check-clang check-binary check-size
check: ## formatting, layers, headers, warnings, static analysis, scripts, binaries
	@hack/deps check
	$(SUBMAKE) -k check-format check-layers check-headers check-shell check-size check-binary check-clang check-analyse
	@echo 'check: everything holds'

check-format: # the house format
	$(call say,CHECK,format)
	@hack/format --check

format: # rewrite the sources in the house format
	@hack/format
.PHONY: format

check-layers: # a folder includes what is beneath it and nothing else
	$(call say,CHECK,layers)
	@hack/check-layers --self-test
	@hack/check-layers

check-headers: $(patsubst %,$(B)/check/%.alone,$(ALL_HDR)) # every header compiles alone

$(B)/check/operator/%.alone $(B)/check/operator/%.analysed: CPPFLAGS_ALL += -Ioperator
$(B)/check/%.h.alone: %.h $(B)/flags
	@mkdir -p $(@D)
	$(call say,HEADER,$<)
	$(Q)echo '#include "$<"' | $(CC) $(ALL_CFLAGS) $(CPPFLAGS_ALL) -I. -MMD -MP -MF $@.d -MT $@ \
		-fsyntax-only -x c - && touch $@

check-analyse: $(patsubst %,$(B)/check/%.analysed,$(ALL_SRC)) # the static analyser finds nothing

$(B)/check/%.c.analysed: %.c $(B)/flags hack/analyse hack/analyser.h
	@mkdir -p $(@D)
	$(call say,ANALYSE,$<)
	$(Q)hack/analyse $< $(CPPFLAGS_ALL) -MMD -MP -MF $@.d -MT $@ && touch $@

check-clang: # no warning by the other compiler
	$(call say,CHECK,'all by clang')
	$(SUBMAKE) CC=clang all unit-bins

check-shell: # shellcheck finds nothing in the scripts
	$(call say,CHECK,scripts)
	@hack/check-scripts

check-size: # names files that have become two nouns
	@git ls-files '*.c' '*.h' | xargs wc -l | \
		awk '$$2 != "total" && $$1 > 600 { print "  note: " $$2 " has " $$1 " lines: has it become two nouns?" }'

check-binary: all # the programs are hardened as the flags say
	$(call say,CHECK,binaries)
	@hack/check-binary $(BIN)

# For editors and their language servers.
compile_commands.json: FORCE
	@hack/compile-database '$(subst ','\'',$(FLAGS))' $(ALL_SRC) $(TEST_SRC) >$@

# --- measuring ---------------------------------------------------------------------------------

BENCH_BIN := $(addprefix build/bench/,floor true runtime scale)
BENCH_OBJ := $(addprefix $(B)/obj/tests/bench/,bench.o bundle.o contender.o profile.o sample.o)

.PHONY: bench
bench: $(BENCH_BIN) $(if $(STRAKE),,$(B)/bin/strake) ## measure strake, crun and runc (BENCH_RUNS=N STRAKE=path)
	tests/bench/run

build/bench/floor: $(B)/obj/tests/bench/floor.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) -s -o $@ $<

# The program that containers run there: without a libc's start, so that it hides nothing.
build/bench/true: tests/bench/true.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_CFLAGS) -static -nostartfiles -s -o $@ $<

build/bench/runtime: $(B)/obj/tests/bench/report.o
build/bench/runtime build/bench/scale: build/bench/%: $(B)/obj/tests/bench/%.o $(BENCH_OBJ) $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) -o $@ $(filter %.o,$^) $(LIBOCI) $(LIBBASE) $(OCI_LIBS)

build/bench/seccomp: $(B)/obj/tests/bench/seccomp.o $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) -o $@ $^ $(OCI_LIBS)

build/bench/policy: $(addprefix $(B)/obj/tests/bench/,policy.o bundle.o sample.o) $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) -o $@ $^ $(OCI_LIBS)

build/bench/steps: $(B)/obj/tests/bench/steps.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(LDHARD) -o $@ $<

.PHONY: bench-chart
bench-chart: ## draw tests/bench/chart.svg from what `make bench` has measured
	@tests/bench/chart

.PHONY: bench-check bench-baseline
bench-check: $(B)/bin/strake build/bench/steps build/bench/true ## count instructions, and fail where they are 3 % above the baseline
	@tests/bench/check $< build/bench/steps

bench-baseline: $(B)/bin/strake build/bench/steps build/bench/true ## count instructions into tests/bench/baseline.json
	@tests/bench/check $< build/bench/steps --update

PROFILES ?= policies/seccomp/default.json

.PHONY: bench-seccomp bench-policy bench-operator bench-soak bench-systemd bench-shim bench-node
bench-shim: $(B)/bin/containerd-shim-strake-v1 build/bench/true ## measure the shim beside containerd's own, under containerd 2.3
	@hack/deps containerd
	@hack/debian unpack own build/bench/runc runc
	tests/bench/shim.py --containerd "$$(hack/containerd path containerd-2.3)" --runc build/bench/runc/usr/sbin/runc \
		--shim $< --true build/bench/true --output build/bench/shim.json

bench-systemd: $(B)/bin/strake build/bench/runtime build/bench/true ## measure strake, crun and runc in a guest, under systemd
	tests/bench/systemd
bench-node: all ## measure a node with 30 pods: starts and memory, under our shim and the stock one
	tests/bench/node.py

bench-seccomp: build/bench/seccomp ## measure compiling, proving, caching and loading a filter (PROFILES=files)
	build/bench/seccomp $(PROFILES)

bench-policy: build/bench/policy build/bench/true $(B)/bin/strake ## measure node policies: starts, denied calls, Docker's and Podman's profiles
	-@$(packaged)
	build/bench/policy $(B)/bin/strake build/bench/true policies/default.json build/bench/policy.json $(PROFILES) \
		$(wildcard build/packaged/usr/share/containers/seccomp.json build/packaged/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json)

bench-operator: $(B)/bin/strake-operator ## measure the operator beside a client-go peer, on a real control plane
	tests/bench/operator-run operator

SOAK_SECONDS ?= 1800

bench-soak: $(B)/bin/strake-operator ## let the operator work for long and watch its memory (SOAK_SECONDS=1800)
	tests/bench/operator-run soak $(SOAK_SECONDS)

# --- what the operator is installed by ---------------------------------------------------------

.PHONY: image install.yaml
image: build/strake-operator.tar build/strake-node.tar ## make the container images of the operator and of the node installer as OCI archives

build/strake-operator.tar: build/bin/strake-operator hack/operator-image hack/image.d/archive.py hack/image.d/programs.py
	hack/operator-image $< strake/operator:$(VERSION) $@

build/strake-node.tar: $(addprefix build/bin/,strake containerd-shim-strake-v1 strake-operator) hack/node-image hack/image.d/archive.py \
		hack/image.d/programs.py $(wildcard manifests/node-installer/install-node manifests/node-installer/*.toml policies/*.json \
		policies/seccomp/*.json)
	hack/node-image build/bin strake/node:$(VERSION) $@

# PostgreSQL as the tests on a node have it, from Debian's packages.
build/postgresql.tar: hack/postgresql-image hack/image.d/archive.py
	hack/postgresql-image strake/postgresql:17 $@

install.yaml: build/install.yaml ## make the operator's installation as one file, build/install.yaml

build/install.yaml: $(addprefix manifests/,namespace.yaml crd.yaml rbac.yaml operator.yaml)
	@mkdir -p $(@D)
	@for f in $^; do echo ---; cat $$f; done >$@

# --- chores ------------------------------------------------------------------------------------

.PHONY: help
help: ## print what can be made
	@awk -F ':.*## ' '/^[a-zA-Z0-9_.-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: clean
clean: ## remove everything that was made
	rm -rf build compile_commands.json

-include $(patsubst %.c,$(B)/obj/%.d,$(ALL_SRC) $(TEST_SRC))
-include $(patsubst %,$(B)/check/%.analysed.d,$(ALL_SRC)) $(patsubst %,$(B)/check/%.alone.d,$(ALL_HDR))
