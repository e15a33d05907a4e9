/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles that people use: ours (policies/seccomp/default.json, found from the top of the tree or
 * by STRAKE_PROFILE), and the one Debian ships for Podman (golang-github-containers-common).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/capability.h"
#include "base/file.h"
#include "seccomp/abi.h"
#include "seccomp/profile.h"
#include "second_opinion.h"
#include "unit/skip.h"

#define X86_64   AUDIT_ARCH_X86_64
/* Of golang-github-containers-common; `make test-unit` unpacks it somewhere. */
#define PACKAGED "/usr/share/containers/seccomp.json"

/* What Docker and containerd leave in the bounding set. */
#define USUAL_CAPS UINT64_C(0xa80425fb)
#define ALL_CAPS   UINT64_MAX

static struct arena arena;
static const char *ours;

static int setup(void **state)
{
	(void)state;
	ours = getenv("STRAKE_PROFILE") ?: "policies/seccomp/default.json";
	arena_init(&arena, 64u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static struct spec_seccomp resolve(const char *path, enum seccomp_abi native, uint64_t caps)
{
	struct seccomp_profile_for target = { caps, native, 6, 12 };
	struct error e = ERROR_INIT;
	struct spec_seccomp s = { 0 };
	autobuf text = { 0 };

	if (file_read(AT_FDCWD, path, 1u << 20, &text, &e) < 0 ||
	    seccomp_profile_resolve(&arena, path, text.data, text.len, &target, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void compile_as(const struct spec_seccomp *s, enum seccomp_abi native, bool first_wins,
		       struct seccomp_program *ret)
{
	struct seccomp_target target = p_target(native);
	struct error e = ERROR_INIT;

	target.first_wins = first_wins;
	if (seccomp_compile(s, &target, ret, &e) < 0 || seccomp_prove(ret, s, &target, &e) < 0)
		fail_msg("%s", e.text);
}

static void compile(const struct spec_seccomp *s, enum seccomp_abi native,
		    struct seccomp_program *ret)
{
	compile_as(s, native, false, ret);
}

/* --- against libseccomp ------------------------------------------------------------------------------- */

struct comparison {
	struct seccomp_program ours, theirs;
	uint32_t default_action;
	const char *except; /* the one name that may differ, or NULL */
	size_t excepted;
};

static enum seccomp_abi abi_of(const struct seccomp_data *d)
{
	if (d->arch == AUDIT_ARCH_I386)
		return SECCOMP_ABI_I386;
	return (uint32_t)d->nr >= SECCOMP_X32_BIT ? SECCOMP_ABI_X32 : SECCOMP_ABI_X86_64;
}

/* A call younger than this libseccomp: it skipped the name. */
static bool is_news_to_them(const struct seccomp_data *d)
{
	static const uint32_t scmp[] = { [SECCOMP_ABI_X86_64] = SCMP_ARCH_X86_64,
					 [SECCOMP_ABI_I386] = SCMP_ARCH_X86,
					 [SECCOMP_ABI_X32] = SCMP_ARCH_X32 };
	enum seccomp_abi abi = abi_of(d);
	char *theirs = seccomp_syscall_resolve_num_arch(scmp[abi], d->nr);
	bool news = !theirs && seccomp_syscall_name(abi, (uint32_t)d->nr);

	free(theirs);
	return news;
}

static void compare_one(struct comparison *c, const struct seccomp_data *d)
{
	uint32_t x = p_call(&c->ours, d), y = p_call(&c->theirs, d);
	const char *name = seccomp_syscall_name(abi_of(d), (uint32_t)d->nr);

	if (x == y || is_news_to_them(d))
		return;
	/* What the profile cannot know: they have no ENOSYS for that. */
	if (x == (SECCOMP_RET_ERRNO | ENOSYS) && y == c->default_action)
		return;
	if (c->except && name && !strcmp(name, c->except)) {
		c->excepted++;
		return;
	}
	fail_msg("%s (0x%x of 0x%x; 0x%llx 0x%llx 0x%llx): 0x%x here, 0x%x there",
		 name ?: "unknown", (unsigned)d->nr, d->arch, d->args[0], d->args[1],
		 d->args[2], x, y);
}

/* Both programs of a profile, over all numbers and what its conditions compare with. */
static size_t compare(const struct spec_seccomp *s, bool first_wins, const char *except)
{
	static const uint64_t values[] = { 0,       1,          2,          3,         8,
					   9,       15,         16,         17,        37,
					   38,      39,         40,         41,        0x5411,
					   0x5412,  0x541b,     0x541c,     0x541d,    0x20000,
					   0x20008, 0x10000000, 0x7e020000, 0xffffffff };
	static const uint32_t bases[] = { 0, SECCOMP_X32_BIT };
	const size_t n = ARRAY_SIZE(values);
	struct comparison c = {
		.default_action =
			with_data(s->default_action, s->set_default_errno, s->default_errno),
		.except = except,
	};

	compile_as(s, SECCOMP_ABI_X86_64, first_wins, &c.ours);
	their_program(s, &c.theirs);
	for (uint32_t i = 0; i < 560 * 2 * 2; i++) {
		struct seccomp_data d = { .nr = (int)(i / 4 | bases[i & 1]),
					  .arch = i & 2 ? AUDIT_ARCH_I386 : X86_64 };
		struct seccomp_run run;

		compare_one(&c, &d);
		assert_int_equal(seccomp_simulate(c.theirs.insns, c.theirs.n, &d, &run), 0);
		for (size_t j = 0; run.read_args && j < n * n; j++) {
			d.args[0] = values[j % n];
			d.args[1] = values[j / n];
			d.args[2] = values[(j + j / n) % n];
			compare_one(&c, &d);
		}
	}
	seccomp_program_done(&c.ours);
	seccomp_program_done(&c.theirs);
	return c.excepted;
}

static void our_profile_means_the_same_to_every_runtime(void **state)
{
	static const uint64_t caps[] = { 0, USUAL_CAPS, ALL_CAPS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct spec_seccomp s = resolve(ours, SECCOMP_ABI_X86_64, caps[i]);

		compare(&s, false, NULL);
		compare(&s, true, NULL);
	}
}

static void the_profile_debian_ships_means_the_same_to_us(void **state)
{
	const char *path = getenv("PACKAGED_PROFILE") ?: PACKAGED;
	struct spec_seccomp usual, all;
	autoprogram program = { 0 };

	(void)state;
	if (access(path, R_OK) < 0)
		SKIP("golang-github-containers-common is not installed");
	usual = resolve(path, SECCOMP_ABI_X86_64, USUAL_CAPS);
	all = resolve(path, SECCOMP_ABI_X86_64, ALL_CAPS);
	compare(&usual, true, NULL);
	compare(&all, true, NULL);
	/* It allows setns(2) in one rule and refuses it in another: there the two may differ. */
	compare(&all, false, NULL);
	print_message("setns differs in %zu cases\n", compare(&usual, false, "setns"));
	compile(&usual, SECCOMP_ABI_X86_64, &program);
	print_message("%zu instructions\n", program.n);
}

/* --- our own ------------------------------------------------------------------------------------------ */

static bool names(const struct spec_seccomp *s, const char *name)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		for (size_t j = 0; j < s->rules[i].names.n; j++) {
			if (!strcmp(s->rules[i].names.v[j], name))
				return true;
		}
	}
	return false;
}

static void our_profile_decides_about_every_call_on_purpose(void **state)
{
	static const uint64_t caps[] = { 0, USUAL_CAPS, ALL_CAPS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct spec_seccomp s = resolve(ours, SECCOMP_ABI_X86_64, caps[i]);

		for (size_t j = 0; j < seccomp_table_len; j++) {
			const char *name = seccomp_table[j].name;

			/* Without the capability nothing is said, and ENOSYS is meant. */
			if (caps[i] != ALL_CAPS && seccomp_table[j].since >= 0x502)
				continue;
			if (!names(&s, name))
				fail_msg("%s is in no group", name);
		}
		for (size_t j = 0; j < s.n_rules; j++) {
			for (size_t k = 0; k < s.rules[j].names.n; k++) {
				if (!seccomp_syscall_find(s.rules[j].names.v[k], NULL))
					fail_msg("%s is no call", s.rules[j].names.v[k]);
			}
		}
	}
}

static void our_profile_compiles_for_every_machine(void **state)
{
	static const enum seccomp_abi natives[] = {
		SECCOMP_ABI_X86_64,  SECCOMP_ABI_AARCH64, SECCOMP_ABI_RISCV64,
		SECCOMP_ABI_PPC64LE, SECCOMP_ABI_S390X,   SECCOMP_ABI_LOONGARCH64
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(natives); i++) {
		struct spec_seccomp s = resolve(ours, natives[i], USUAL_CAPS);
		autoprogram program = { 0 };

		assert_int_equal(s.n_architectures, 1);
		compile(&s, natives[i], &program);
		print_message("%s: %zu instructions\n", seccomp_abi_name(natives[i]),
			      program.n);
	}
}

/* The answer of our profile to a call of x86_64, by name. */
static uint32_t ask(uint64_t caps, const char *name, uint64_t arg0, uint64_t arg1)
{
	struct spec_seccomp s = resolve(ours, SECCOMP_ABI_X86_64, caps);
	const struct seccomp_syscall *call = seccomp_syscall_find(name, NULL);
	autoprogram program = { 0 };

	assert_non_null(call);
	compile(&s, SECCOMP_ABI_X86_64, &program);
	return P_CALL(&program, X86_64, call->slot[SECCOMP_ABI_X86_64], arg0, arg1);
}

#define ALLOW SECCOMP_RET_ALLOW
#define E(n)  (SECCOMP_RET_ERRNO | (n))

static void our_profile_keeps_the_floor(void **state)
{
	static const char *const absent[] = { "io_uring_setup", "io_uring_enter", "userfaultfd",
					      "keyctl",         "add_key",        "request_key",
					      "modify_ldt",     "lookup_dcookie", "uselib",
					      "ustat",          "sysfs" };
	static const char *const refused[] = { "kexec_load", "swapon", "swapoff" };
	static const char *const without[] = {
		"mount",           "unshare",           "setns",  "bpf",         "reboot",
		"perf_event_open", "open_by_handle_at", "acct",   "init_module", "iopl",
		"ioperm",          "settimeofday",      "syslog", "quotactl",    "pivot_root"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		assert_int_equal(ask(ALL_CAPS, absent[i], 0, 0), E(ENOSYS));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(ask(ALL_CAPS, refused[i], 0, 0), E(EPERM));
	for (size_t i = 0; i < ARRAY_SIZE(without); i++) {
		assert_int_equal(ask(0, without[i], 0, 0), E(EPERM));
		assert_int_equal(ask(ALL_CAPS, without[i], 0, 0), ALLOW);
	}
	for (uint64_t upper = 0; upper < 2; upper++) {
		assert_int_equal(ask(USUAL_CAPS, "socket", upper << 32 | 38, 0),
				 E(EAFNOSUPPORT));
		assert_int_equal(ask(USUAL_CAPS, "socket", upper << 32 | 40, 0),
				 E(EAFNOSUPPORT));
		assert_int_equal(ask(USUAL_CAPS, "ioctl", 0, upper << 32 | 0x5412), E(EPERM));
		assert_int_equal(ask(USUAL_CAPS, "ioctl", 0, upper << 32 | 0x541c), E(EPERM));
	}
	assert_int_equal(ask(USUAL_CAPS, "clone", 0x10000000, 0),
			 E(EPERM)); /* a user namespace */
	assert_int_equal(ask(USUAL_CAPS, "clone3", 0, 0), E(ENOSYS));
	assert_int_equal(ask(USUAL_CAPS, "fsopen", 0, 0), E(ENOSYS));
}

static void our_profile_lets_ordinary_programs_work(void **state)
{
	static const char *const names_of[] = {
		"read",         "openat",       "execve", "execveat", "fork",   "futex",
		"epoll_pwait2", "bind",         "mknod",  "chroot",   "ptrace", "seccomp",
		"statx",        "memfd_create", "clone",  "getrandom"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names_of); i++)
		assert_int_equal(ask(USUAL_CAPS, names_of[i], 0, 0), ALLOW);
	assert_int_equal(ask(USUAL_CAPS, "socket", 1, 0), ALLOW);
	assert_int_equal(ask(USUAL_CAPS, "socket", 10, 0), ALLOW);
	assert_int_equal(ask(USUAL_CAPS, "ioctl", 0, 0x5401), ALLOW);
	assert_int_equal(ask(USUAL_CAPS, "personality", 0xffffffff, 0), ALLOW);
	assert_int_equal(ask(USUAL_CAPS, "personality", 0x0040000, 0), E(ENOSYS));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(our_profile_means_the_same_to_every_runtime),
		T(the_profile_debian_ships_means_the_same_to_us),
		T(our_profile_decides_about_every_call_on_purpose),
		T(our_profile_compiles_for_every_machine),
		T(our_profile_keeps_the_floor),
		T(our_profile_lets_ordinary_programs_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
