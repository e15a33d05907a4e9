# SPDX-License-Identifier: Apache-2.0
# One file, not recursive. Objects live under $(B); `make SAN=1` builds with ASan and UBSan in
# build/san beside the ordinary build, `make CC=clang` works as it stands.

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
SAN     ?=
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

ifeq ($(SAN),1)
B := build/san
else
B := build
endif

# `make V=1` shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

# --- flags -------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough \
	-Wno-missing-field-initializers -Werror
BASE_CFLAGS := -std=gnu17 -g -O2 -fPIE -fno-strict-aliasing -fvisibility=hidden \
	-ffile-prefix-map=$(CURDIR)=. -ffunction-sections -fdata-sections
CPPFLAGS_ALL := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DSTRAKE_VERSION='"$(VERSION)"' -Ioci $(CPPFLAGS)

ifeq ($(SAN),1)
HARDEN  := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
STATIC  :=
LDHARD  := -fsanitize=address,undefined -pie
else
HARDEN  := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -ftrivial-auto-var-init=zero
STATIC  := -static-pie
LDHARD  := -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed
endif
ifneq ($(findstring clang,$(CC)),)
WARN    += -Wno-gnu-statement-expression
ifeq ($(SAN),)
HARDEN  += -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang -Wno-unused-command-line-argument
endif
endif

ALL_CFLAGS := $(BASE_CFLAGS) $(WARN) $(HARDEN) $(CFLAGS)

OCI_LIBS   := -lyajl_s -lcap -lm
TEST_LIBS  := -lyajl -lcap -lseccomp -lcmocka -lm

# --- sources -----------------------------------------------------------------------------------

src = $(sort $(wildcard $(1)))

BASE_SRC := $(call src,oci/base/*.c)
OCI_SRC  := $(call src,oci/spec/*.c oci/policy/*.c oci/seccomp/*.c oci/cgroup/*.c oci/sandbox/*.c oci/run/*.c)
CLI_SRC  := $(call src,oci/cli/*.c)
UNIT_SRC := $(call src,tests/unit/base/*.c tests/unit/spec/*.c tests/unit/policy/*.c tests/unit/seccomp/*.c \
	tests/unit/cgroup/*.c tests/unit/sandbox/*.c tests/unit/run/*.c tests/unit/cli/*.c)
FUZZ_SRC := $(call src,tests/fuzz/*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
BASE_OBJ := $(call obj,$(BASE_SRC))
OCI_OBJ  := $(call obj,$(OCI_SRC))
CLI_OBJ  := $(call obj,$(CLI_SRC))
UNIT_BIN := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))

LIBBASE := $(B)/lib/libbase.a
LIBOCI  := $(B)/lib/liboci.a

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE

# --- building ----------------------------------------------------------------------------------

.PHONY: all
all: $(B)/bin/strake ## build the programs into build/bin

# Objects depend on the flags they were made with: a changed flag rebuilds.
$(B)/flags: FORCE
	@mkdir -p $(@D); echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(CPPFLAGS_ALL))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(CPPFLAGS_ALL))' > $@

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(CPPFLAGS_ALL) -MMD -MP -c -o $@ $<

# Rebuilt from nothing, so that no object of a removed source stays inside.
$(LIBBASE): $(BASE_OBJ)
	$(Q)mkdir -p $(@D); rm -f $@
	$(Q)ar rcsD $@ $^

$(LIBOCI): $(OCI_OBJ)
	$(Q)mkdir -p $(@D); rm -f $@
	$(Q)ar rcsD $@ $^

# Runs before the C library is set up (and, with -e, instead of it): nothing may call into it.
BARE := -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns -fno-sanitize=all \
	-U_FORTIFY_SOURCE -ftrivial-auto-var-init=uninitialized
$(B)/obj/oci/run/seal_overlay.o: ALL_CFLAGS += $(BARE)

ifeq ($(SAN)$(filter x86_64 aarch64,$(shell uname -m)),$(shell uname -m))
SEAL_ENTRY := -Wl,-e,seal_start
endif

$(B)/obj/strake: $(CLI_OBJ) $(LIBOCI) $(LIBBASE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) $(SEAL_ENTRY) $(LDFLAGS) -o $@ $(CLI_OBJ) $(LIBOCI) $(LIBBASE) $(OCI_LIBS)

$(B)/bin/strake: $(B)/obj/strake
	@mkdir -p $(@D)
	$(Q)objcopy --strip-all $< $@

# --- tests -------------------------------------------------------------------------------------

.PHONY: unit-bins
unit-bins: $(UNIT_BIN)

$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDHARD) -pie -o $@ $< $(LIBOCI) $(LIBBASE) $(TEST_LIBS)

.PHONY: test-vm
test-vm: $(B)/bin/strake ## run tests/vm in guests with a real systemd (the first time builds them: minutes)
	tests/vm/run

# --- measuring ---------------------------------------------------------------------------------

BENCH_BIN := $(addprefix build/bench/,floor true runtime scale)
BENCH_OBJ := $(addprefix $(B)/obj/tests/bench/,bench.o bundle.o contender.o profile.o sample.o)

.PHONY: bench
bench: $(BENCH_BIN) $(if $(STRAKE),,$(if $(CLI_SRC),$(B)/bin/strake)) ## measure strake, crun and runc (BENCH_RUNS=N STRAKE=path)
	tests/bench/run

build/bench/floor: $(B)/obj/tests/bench/floor.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) -s -o $@ $<

# The program that containers run there: without a libc's start, so that it hides nothing.
build/bench/true: tests/bench/true.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -static -nostartfiles -s -o $@ $<

build/bench/runtime: $(B)/obj/tests/bench/report.o
build/bench/runtime build/bench/scale: build/bench/%: $(B)/obj/tests/bench/%.o $(BENCH_OBJ) $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) -o $@ $(filter %.o,$^) $(LIBOCI) $(LIBBASE) $(OCI_LIBS)

# --- the operator ------------------------------------------------------------------------------
# Linked against Debian's libcurl, jansson and libyaml; of oci/ it takes libbase and nothing else.

OPERATOR_SRC := $(call src,operator/*.c operator/kube/*.c operator/api/*.c operator/engine/*.c operator/db/*.c)
OPERATOR_OBJ := $(call obj,$(OPERATOR_SRC))
OPERATOR_UNIT_SRC := $(call src,tests/unit/operator/*.c)
OPERATOR_UNIT_BIN := $(patsubst %.c,$(B)/%,$(OPERATOR_UNIT_SRC))
OPERATOR_LIBS := -lcurl -ljansson -lyaml -lyajl_s
LIBOPERATOR := $(B)/lib/liboperator.a

all: $(B)/bin/strake-operator

$(B)/obj/operator/%.o $(B)/obj/tests/unit/operator/%.o: CPPFLAGS_ALL += -Ioperator

$(LIBOPERATOR): $(filter-out $(B)/obj/operator/main.o,$(OPERATOR_OBJ))
	@mkdir -p $(@D); rm -f $@
	ar rcsD $@ $^

$(B)/obj/strake-operator: $(B)/obj/operator/main.o $(LIBOPERATOR) $(LIBBASE)
	$(CC) $(ALL_CFLAGS) $(LDHARD) -pie $(LDFLAGS) -o $@ $^ $(OPERATOR_LIBS)

$(B)/bin/strake-operator: $(B)/obj/strake-operator
	@mkdir -p $(@D)
	objcopy --strip-all $< $@

$(OPERATOR_UNIT_BIN): $(B)/tests/unit/operator/%: $(B)/obj/tests/unit/operator/%.o $(LIBOPERATOR) $(LIBBASE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDHARD) -pie -o $@ $< $(LIBOPERATOR) $(LIBBASE) $(OPERATOR_LIBS) -lcmocka

unit-bins: $(OPERATOR_UNIT_BIN)

.PHONY: image
image: build/strake-operator.tar ## make the operator's container image as an OCI archive

build/strake-operator.tar: build/bin/strake-operator hack/operator-image
	hack/operator-image $< strake/operator:$(VERSION) $@

.PHONY: install.yaml
install.yaml: build/install.yaml ## make the operator's installation as one file, build/install.yaml

build/install.yaml: $(addprefix manifests/,namespace.yaml crd.yaml rbac.yaml operator.yaml)
	@mkdir -p $(@D)
	@for f in $^; do echo ---; cat $$f; done >$@

.PHONY: test-kube
test-kube: $(B)/bin/strake-operator ## run tests/kube against a real control plane (built once: 10 minutes)
	STRAKE_BUILD=$(CURDIR)/$(B) tests/kube/run

.PHONY: bench-operator
bench-operator: $(B)/bin/strake-operator ## measure the operator beside a client-go peer, on a real control plane
	tests/bench/operator-run

-include $(OPERATOR_OBJ:.o=.d) $(patsubst %.c,$(B)/obj/%.d,$(OPERATOR_UNIT_SRC))

build/bench/seccomp: $(B)/obj/tests/bench/seccomp.o $(LIBOCI) $(LIBBASE)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(STATIC) $(LDHARD) -o $@ $< $(LIBOCI) $(LIBBASE) $(OCI_LIBS)

PROFILES ?= policies/seccomp/default.json

.PHONY: bench-seccomp
bench-seccomp: build/bench/seccomp ## what compiling, proving, caching and loading a filter costs (PROFILES=files)
	build/bench/seccomp $(PROFILES)

.PHONY: help
help: ## print what can be made
	@awk -F ':.*## ' '/^[a-zA-Z0-9_.-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build

-include $(BASE_OBJ:.o=.d) $(OCI_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(patsubst %.c,$(B)/obj/%.d,$(UNIT_SRC)) \
	$(wildcard $(B)/obj/tests/bench/*.d)
