/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: bytes -> policy_parse() -> policy_merge(). Whatever the policy says, the spec that comes out
 * allows nothing that the one that went in did not.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "policy/merge.h"
#include "policy/parse.h"
#include "spec/parse.h"
#include "unit/policy/order.h"

#define DIE_UNLESS(x)            \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] =
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"process\":{\"args\":[\"x\"],"
	"\"cwd\":\"/\",\"user\":{\"uid\":1,\"gid\":0},\"capabilities\":{\"bounding\":[\"CAP_KILL\","
	"\"CAP_CHOWN\"],\"permitted\":[\"CAP_KILL\"]},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\","
	"\"soft\":10,\"hard\":20}]},\"mounts\":[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":"
	"\"/x\",\"options\":[\"rbind\"]}],\"annotations\":{\"a\":\"b\"},\"linux\":{\"namespaces\":[{"
	"\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/x\"}],\"devices\":[{\"type\":\"c\",\"path\":"
	"\"/dev/x\",\"major\":1,\"minor\":1}],\"resources\":{\"devices\":[{\"allow\":true,\"access\":"
	"\"rwm\"}],\"memory\":{\"limit\":1000000,\"swap\":2000000},\"pids\":{\"limit\":10},\"unified\":{"
	"\"cpu.max\":\"max 1000\"}}}}";

static void merge_look(struct policy_set *set)
{
	struct policy_facts facts = order_facts();
	struct policy_result result;
	struct error e = ERROR_INIT;
	struct spec asked, got;
	size_t i, k;
	int r;

	for (i = 0; i < set->policies[0].n_rules; i++) {
		struct policy_seccomp *s = &set->policies[0].rules[i].seccomp;

		s->profile.text = "";
		for (k = 0; k < s->n_ceilings; k++)
			s->ceilings[k].text = "";
	}
	r = spec_parse("config.json", config, sizeof(config) - 1, &asked, &e);
	DIE_UNLESS(r == 0);
	got = asked;
	r = policy_merge(set, &facts, POLICY_CREATE, &got, &set->arena, &result, &e);
	DIE_UNLESS(r == 0 || (e.errnum && e.text[0]));
	DIE_UNLESS(r < 0 || !order_widened(&asked, &got, &facts));
	spec_done(&asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_set set = { 0 };
	struct error e = ERROR_INIT;
	struct policy p;
	int r;

	arena_init(&set.arena, 64u << 20);
	r = policy_parse(&set.arena, "p.json", (const char *)data, size, &p, &e);
	DIE_UNLESS(r == 0 || (e.errnum == -r && e.text[0]));
	if (r == 0) {
		set.policies = &p;
		set.n = 1;
		r = policy_set_order(&set, &e);
		DIE_UNLESS(r == 0 || e.text[0]);
		if (r == 0)
			merge_look(&set);
	}
	policy_set_done(&set);
	return 0;
}
