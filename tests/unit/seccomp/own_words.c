/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles in Docker's format by their own words: an evaluator that knows nothing of ours reads the JSON and
 * says what each call of each ABI gets; the compiled filter must say the same. Docker's profile and
 * Podman's come from Debian's packages, which `make test-unit` unpacks (PACKAGED: the folder).
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
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "profile_build.h"
#include "profile_same.h"
#include "seccomp/abi.h"
#include "seccomp/packed.h"
#include "seccomp/profile.h"
#include "unit/skip.h"

#define DOCKER "usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json"
#define PODMAN "usr/share/containers/seccomp.json"

#define USUAL_CAPS UINT64_C(0xa80425fb)
#define ALL_CAPS   UINT64_MAX
#define MAJOR      6
#define MINOR      12

/* --- a machine --------------------------------------------------------------------------------------- */

struct machine {
	enum seccomp_abi native;
	const char *go;   /* what includes.arches calls it */
	const char *arch; /* and archMap */
	size_t n;
	struct {
		enum seccomp_abi abi;
		const char *sub; /* in subArchitectures */
	} abis[4];               /* all that its kernel can run, the native one first */
};

static const struct machine machines[] = {
	{ SECCOMP_ABI_X86_64,
	  "amd64",
	  "SCMP_ARCH_X86_64",
	  3,
	  { { SECCOMP_ABI_X86_64, "" },
	    { SECCOMP_ABI_I386, "SCMP_ARCH_X86" },
	    { SECCOMP_ABI_X32, "SCMP_ARCH_X32" } } },
	{ SECCOMP_ABI_AARCH64,
	  "arm64",
	  "SCMP_ARCH_AARCH64",
	  2,
	  { { SECCOMP_ABI_AARCH64, "" }, { SECCOMP_ABI_ARM, "SCMP_ARCH_ARM" } } },
	{ SECCOMP_ABI_RISCV64,
	  "riscv64",
	  "SCMP_ARCH_RISCV64",
	  1,
	  { { SECCOMP_ABI_RISCV64, "" } } },
	{ SECCOMP_ABI_S390X, "s390x", "SCMP_ARCH_S390X", 1, { { SECCOMP_ABI_S390X, "" } } },
	{ SECCOMP_ABI_PPC64LE,
	  "ppc64le",
	  "SCMP_ARCH_PPC64LE",
	  1,
	  { { SECCOMP_ABI_PPC64LE, "" } } },
};

/* --- the words --------------------------------------------------------------------------------------- */

static bool list_has(const struct json *list, const char *s)
{
	for (const struct json *j = list ? list->child : NULL; j; j = j->next)
		if (str_eq(j->text, s))
			return true;
	return false;
}

static bool has_cap(const char *name, uint64_t caps)
{
	int number = capability_from_name(name);

	return number >= 0 && caps >> number & 1;
}

static bool kernel_is(const struct json *j)
{
	unsigned major = 0, minor = 0;

	assert_int_equal(sscanf(j->text, "%u.%u", &major, &minor), 2);
	return MAJOR > major || (MAJOR == major && MINOR >= minor);
}

static bool rule_applies(const struct json *rule, const struct machine *m, uint64_t caps)
{
	const struct json *in = json_get(rule, "includes"), *out = json_get(rule, "excludes");
	const struct json *j;

	if (out) {
		if (list_has(json_get(out, "arches"), m->go))
			return false;
		j = json_get(out, "caps");
		for (j = j ? j->child : NULL; j; j = j->next)
			if (has_cap(j->text, caps))
				return false;
		j = json_get(out, "minKernel");
		if (j && j->len && kernel_is(j))
			return false;
	}
	if (in) {
		j = json_get(in, "arches");
		if (j && j->len && !list_has(j, m->go))
			return false;
		j = json_get(in, "caps");
		for (j = j ? j->child : NULL; j; j = j->next)
			if (!has_cap(j->text, caps))
				return false;
		j = json_get(in, "minKernel");
		if (j && j->len && !kernel_is(j))
			return false;
	}
	return true;
}

static uint32_t errno_of(const struct json *at, const char *number, const char *name)
{
	const struct json *n = json_get(at, number), *s = json_get(at, name);
	uint64_t v = EPERM;

	if (s && s->type == JSON_STRING && s->len) {
		for (int i = 1; i < 200; i++)
			if (str_eq(error_name(i), s->text))
				return (uint32_t)i;
		fail_msg("errno %s", s->text);
	}
	if (n && n->type == JSON_NUMBER)
		assert_int_equal(json_to_u64(n, &v), 0);
	return (uint32_t)v;
}

static uint32_t action_of(const struct json *action, uint32_t errnum)
{
	if (str_eq(action->text, "SCMP_ACT_ALLOW"))
		return SECCOMP_RET_ALLOW;
	if (str_eq(action->text, "SCMP_ACT_ERRNO"))
		return SECCOMP_RET_ERRNO | errnum;
	fail_msg("action %s", action->text);
	return 0;
}

static bool compare(const char *op, uint64_t a, uint64_t v, uint64_t two)
{
	if (str_eq(op, "SCMP_CMP_EQ"))
		return a == v;
	if (str_eq(op, "SCMP_CMP_NE"))
		return a != v;
	if (str_eq(op, "SCMP_CMP_LT"))
		return a < v;
	if (str_eq(op, "SCMP_CMP_LE"))
		return a <= v;
	if (str_eq(op, "SCMP_CMP_GT"))
		return a > v;
	if (str_eq(op, "SCMP_CMP_GE"))
		return a >= v;
	if (str_eq(op, "SCMP_CMP_MASKED_EQ"))
		return (a & v) == two;
	fail_msg("op %s", op);
	return false;
}

static uint64_t number_of(const struct json *at, const char *key)
{
	const struct json *j = json_get(at, key);
	uint64_t v = 0;

	if (j)
		assert_int_equal(json_to_u64(j, &v), 0);
	return v;
}

static bool args_match(const struct json *rule, const uint64_t args[6])
{
	const struct json *j = json_get(rule, "args");

	for (j = j && j->type == JSON_ARRAY ? j->child : NULL; j; j = j->next)
		if (!compare(json_get_string(j, "op"), args[number_of(j, "index")],
			     number_of(j, "value"), number_of(j, "valueTwo")))
			return false;
	return true;
}

static bool rule_names(const struct json *rule, const char *name)
{
	const char *one = json_get_string(rule, "name");

	return list_has(json_get(rule, "names"), name) || (one && str_eq(one, name));
}

/* Of the rules that match the strictest: an errno before ALLOW, and of two the smaller. */
static uint32_t own_words(const struct json *profile, const struct machine *m, uint64_t caps,
			  const char *name, const uint64_t args[6], bool *named)
{
	uint32_t found = UINT32_MAX;

	*named = false;
	for (const struct json *r = json_get(profile, "syscalls")->child; r; r = r->next) {
		uint32_t action;

		if (!rule_names(r, name) || !rule_applies(r, m, caps))
			continue;
		*named = true;
		if (!args_match(r, args))
			continue;
		action = action_of(json_get(r, "action"), errno_of(r, "errnoRet", "errno"));
		if (action < found)
			found = action;
	}
	if (found != UINT32_MAX)
		return found;
	return action_of(json_get(profile, "defaultAction"),
			 errno_of(profile, "defaultErrnoRet", "defaultErrno"));
}

static bool abi_is_listed(const struct json *profile, const struct machine *m, size_t abi)
{
	if (abi == 0)
		return true;
	for (const struct json *j = json_get(profile, "archMap")->child; j; j = j->next)
		if (str_eq(json_get_string(j, "architecture"), m->arch))
			return list_has(json_get(j, "subArchitectures"), m->abis[abi].sub);
	return false;
}

/* --- the comparison ---------------------------------------------------------------------------------- */

/* Values around all that rules compare with; within 32 bits, which every ABI passes on. */
static const uint64_t values[] = { 0,          1,          2,         3,          7,
				   8,          9,          15,        16,         17,
				   37,         38,         39,        40,         41,
				   0x5411,     0x5412,     0x5413,    0x1ffff,    0x20000,
				   0x20001,    0x20008,    0x20009,   0x10000000, 0x7e020000,
				   0x7e020001, 0xfffffffe, 0xffffffff };

struct tally {
	size_t calls, cases, newer;
	size_t insns;
};

static void one_case(const struct json *profile, const struct machine *m, uint64_t caps,
		     const struct seccomp_program *p, size_t abi, uint32_t nr, const char *name,
		     const uint64_t args[6], struct tally *t)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = seccomp_abi_audit(m->abis[abi].abi) };
	uint32_t wanted, got;
	bool named;

	memcpy(d.args, args, sizeof(d.args));
	got = p_call(p, &d);
	t->cases++;
	if (!abi_is_listed(profile, m, abi)) {
		assert_int_equal(got, SECCOMP_RET_KILL_THREAD);
		return;
	}
	wanted = own_words(profile, m, caps, name, args, &named);
	if (got == wanted)
		return;
	/* What the profile is too old to know gets ENOSYS, and nothing else. */
	if (!named && got == (SECCOMP_RET_ERRNO | ENOSYS)) {
		t->newer++;
		return;
	}
	fail_msg("%s (%s %u: %llu %llu %llu): 0x%x by its words, 0x%x here", name,
		 seccomp_abi_name(m->abis[abi].abi), nr, (unsigned long long)args[0],
		 (unsigned long long)args[1], (unsigned long long)args[2], wanted, got);
}

static bool has_conditions(const struct json *profile, const char *name)
{
	for (const struct json *r = json_get(profile, "syscalls")->child; r; r = r->next) {
		const struct json *args = json_get(r, "args");

		if (rule_names(r, name) && args && args->type == JSON_ARRAY && args->child)
			return true;
	}
	return false;
}

static void one_call(const struct json *profile, const struct machine *m, uint64_t caps,
		     const struct seccomp_program *p, size_t abi, uint32_t nr, const char *name,
		     struct tally *t)
{
	const size_t n = ARRAY_SIZE(values);
	uint64_t args[6] = { 0 };

	t->calls++;
	one_case(profile, m, caps, p, abi, nr, name, args, t);
	for (size_t i = 0; has_conditions(profile, name) && i < n * n; i++) {
		args[0] = values[i % n];
		args[1] = values[i / n];
		args[2] = values[(i + i / n) % n];
		args[3] = values[(i * 7) % n];
		one_case(profile, m, caps, p, abi, nr, name, args, t);
	}
}

static void every_call(const struct json *profile, const struct machine *m, uint64_t caps,
		       const struct seccomp_program *p, struct tally *t)
{
	for (size_t abi = 0; abi < m->n; abi++)
		for (uint32_t slot = 0; slot < SECCOMP_SLOTS; slot++) {
			uint32_t nr = seccomp_slot_nr(m->abis[abi].abi, slot);
			const char *name = seccomp_syscall_name(m->abis[abi].abi, nr);

			if (name)
				one_call(profile, m, caps, p, abi, nr, name, t);
		}
}

static void by_its_words(const char *path, const struct machine *m, uint64_t caps,
			 struct tally *t)
{
	struct seccomp_profile_for target = { caps, m->native, MAJOR, MINOR };
	struct seccomp_target machine = p_target(m->native);
	struct error e = ERROR_INIT;
	struct spec_seccomp s = { 0 }, again = { 0 };
	autobuf text = { 0 }, packed = { .max = 1 << 20 };
	struct json *doc = NULL;
	autoprogram p = { 0 };
	struct arena a;

	arena_init(&a, 64u << 20);
	if (file_read(AT_FDCWD, path, 1u << 20, &text, &e) < 0 ||
	    json_parse(&a, path, text.data, text.len, &doc, &e) < 0 ||
	    seccomp_profile_resolve(&a, path, text.data, text.len, &target, &s, &e) < 0)
		fail_msg("%s", e.text);
	/* As a later start finds it. */
	assert_int_equal(seccomp_pack(&s, &packed), 0);
	assert_int_equal(seccomp_unpack(&a, packed.data, packed.len, &again), 0);
	profile_same(&s, &again);
	if (seccomp_compile(&again, &machine, &p, &e) < 0 ||
	    seccomp_prove(&p, &s, &machine, &e) < 0)
		fail_msg("%s", e.text);
	t->insns = p.n;
	every_call(doc, m, caps, &p, t);
	arena_done(&a);
}

static void on_every_machine(const char *path)
{
	static const uint64_t caps[] = { 0, USUAL_CAPS, ALL_CAPS };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(machines); i++) {
		for (k = 0; k < ARRAY_SIZE(caps); k++) {
			struct tally t = { 0 };

			by_its_words(path, &machines[i], caps[k], &t);
			/* An evaluator that saw no call would agree with everything. */
			assert_true(t.calls > 250);
			print_message("%s, capabilities %llx: %zu instructions; %zu calls, "
				      "%zu cases agree, %zu of them ENOSYS as too new\n",
				      machines[i].arch, (unsigned long long)caps[k], t.insns,
				      t.calls, t.cases, t.newer);
		}
	}
}

static void packaged(const char *name)
{
	const char *folder = getenv("PACKAGED");
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder ?: "", name);
	if (access(path, R_OK) < 0)
		SKIP("the package with this profile is not unpacked here");
	on_every_machine(path);
}

static void docker_s_profile_is_taken_by_its_words(void **state)
{
	(void)state;
	packaged(DOCKER);
}

static void podman_s_profile_is_taken_by_its_words(void **state)
{
	(void)state;
	packaged(PODMAN);
}

static void our_profile_is_taken_by_its_words(void **state)
{
	(void)state;
	on_every_machine(getenv("STRAKE_PROFILE") ?: "policies/seccomp/default.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_s_profile_is_taken_by_its_words),
		cmocka_unit_test(podman_s_profile_is_taken_by_its_words),
		cmocka_unit_test(our_profile_is_taken_by_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
