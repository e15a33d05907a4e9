/* SPDX-License-Identifier: Apache-2.0 */
#include "run/outlet.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/stamp.h"
#include "base/str.h"
#include "policy/policy.h"
#include "run/denial.h"
#include "run/notice.h"
#include "run/record.h"
#include "seccomp/abi.h"
#include "seccomp/rules.h"

#define LINE_BYTES NOTICE_MAX_BYTES /* and what poll(2) promises that a pipe has room for */

/* --- a line ------------------------------------------------------------------------------------------ */

static const struct policy_rule *line_rule(const struct outlet *o,
					   const struct seccomp_denied *d)
{
	struct seccomp_data data = { .nr = (int)d->nr, .arch = d->arch };

	memcpy(data.args, d->args, sizeof(data.args));
	return denial_find(o->denial, &data);
}

static int line_json(const struct outlet *o, const struct seccomp_denied *d, uint64_t n,
		     struct buf *line)
{
	const struct policy_rule *rule = line_rule(o, d);
	enum seccomp_abi abi = record_abi(d->arch, d->nr);
	const char *name = seccomp_syscall_name(abi, d->nr);
	autojson *j = json_writer_new(false);
	char stamp[STAMP_SIZE], comm[64];
	int i, r;

	if (!j)
		return -ENOMEM;
	json_write_object(j);
	json_put_string(j, "time", stamp_now(stamp));
	json_put_string(j, "kind", "seccomp");
	json_put_string(j, "container", o->id);
	json_put_string(j, "name", name);
	json_put_u64(j, "nr", d->nr);
	json_put_string(j, "abi", seccomp_abi_name(abi));
	json_put_string(j, "errno", error_name(d->errnum));
	json_put_string(j, "policy", rule ? rule->policy : NULL);
	json_put_string(j, "rule", rule ? rule->name : NULL);
	json_put_u64(j, "count", n);
	if (n == 1) {
		json_put_i64(j, "pid", d->pid);
		json_put_string(j, "comm", str_show(comm, sizeof(comm), d->comm));
		json_write_key(j, "args");
		json_write_array(j);
		for (i = 0; i < 6; i++)
			json_write_u64(j, d->args[i]);
		json_write_end(j);
	}
	json_write_end(j);
	r = json_writer_end(j, line);
	return r < 0 || o->form == OUTLET_NOTICES ? r : buf_addc(line, '\n');
}

static int line_text(const struct outlet *o, const struct seccomp_denied *d, uint64_t n,
		     struct buf *line)
{
	const struct policy_rule *rule = line_rule(o, d);
	enum seccomp_abi abi = record_abi(d->arch, d->nr);
	const char *name = seccomp_syscall_name(abi, d->nr);
	char comm[64], number[16];
	int r;

	snprintf(number, sizeof(number), "call %" PRIu32, d->nr);
	r = buf_addf(line, "strake: container \"%s\": ", o->id);
	if (r == 0 && n == 1) {
		r = buf_addf(line,
			     "%s(%" PRIu64 ", %" PRIu64 ", %" PRIu64 ") of process %d (%s)",
			     name ?: number, d->args[0], d->args[1], d->args[2], (int)d->pid,
			     str_show(comm, sizeof(comm), d->comm));
	} else if (r == 0) {
		r = buf_addf(line, "%" PRIu64 " more of %s", n, name ?: number);
	}
	if (r == 0 && abi != seccomp_abi_native())
		r = buf_addf(line, ", a call of %s,", seccomp_abi_name(abi));
	if (r == 0)
		r = buf_addf(line, " denied: %s ", error_name(d->errnum));
	if (r == 0)
		r = rule ? buf_addf(line, "(node policy \"%s\", rule \"%s\")\n", rule->policy,
				    rule->name)
			 : buf_adds(line, "(its own seccomp profile)\n");
	return r;
}

static int outlet_write(const struct outlet *o, const struct seccomp_denied *d, uint64_t n)
{
	autobuf line = { .max = LINE_BYTES };
	int r;

	if (o->fd < 0 || fd_wait(o->fd, POLLOUT, 0) != 1)
		return -EAGAIN;
	r = o->form == OUTLET_TEXT ? line_text(o, d, n, &line) : line_json(o, d, n, &line);
	if (r < 0)
		return r;
	return o->form == OUTLET_NOTICES ? notice_send(o->fd, &line)
					 : fd_write_all(o->fd, line.data, line.len);
}

/* --- lines and counts ---------------------------------------------------------------------------- */

/* Its place, or that of all that find none. */
static struct outlet_kind *outlet_kind(struct outlet *o, const struct seccomp_denied *d)
{
	size_t i;

	for (i = 0; i < o->n_kinds; i++) {
		const struct seccomp_denied *last = &o->kinds[i].last;

		if (last->nr == d->nr && last->arch == d->arch && last->errnum == d->errnum)
			break;
	}
	return &o->kinds[i < OUTLET_KINDS ? i : OUTLET_KINDS - 1];
}

static void outlet_count(struct outlet *o, const struct seccomp_denied *d)
{
	struct outlet_kind *k = outlet_kind(o, d);

	if (k == &o->kinds[o->n_kinds])
		o->n_kinds++;
	/* One that stays alone is told with its own words. */
	if (k->n++ == 0)
		k->last = *d;
	o->owed++;
}

static void outlet_refill(struct outlet *o, uint64_t now)
{
	uint64_t each = UINT64_C(1000000000) / o->rate, more = (now - o->refilled) / each;

	o->refilled += more * each;
	o->tokens = o->tokens + more > o->burst ? o->burst : o->tokens + more;
}

static bool outlet_take_token(struct outlet *o, uint64_t now)
{
	outlet_refill(o, now);
	if (o->tokens == 0)
		return false;
	o->tokens--;
	return true;
}

/* Nobody reads it any more, nor will. */
static void outlet_close(struct outlet *o)
{
	o->fd = -1;
	o->owed = 0;
	o->n_kinds = 0;
}

static int outlet_tell_kind(struct outlet *o, struct outlet_kind *k)
{
	int r = outlet_write(o, &k->last, k->n);

	if (r == 0) {
		o->owed -= k->n;
		k->n = 0;
	} else if (r == -EPIPE) {
		outlet_close(o);
	}
	return r;
}

void outlet_begin(struct outlet *o, uint64_t now)
{
	o->tokens = o->burst;
	o->refilled = o->counted = now;
}

bool outlet_wants_name(struct outlet *o, const struct seccomp_denied *d, uint64_t now)
{
	if (o->fd < 0)
		return false;
	outlet_refill(o, now);
	return o->tokens || outlet_kind(o, d)->n == 0;
}

void outlet_tell(struct outlet *o, const struct seccomp_denied *d, uint64_t now)
{
	int r;

	if (o->fd < 0)
		return;
	r = outlet_take_token(o, now) ? outlet_write(o, d, 1) : -EAGAIN;
	if (r == -EPIPE)
		outlet_close(o);
	else if (r < 0)
		outlet_count(o, d);
}

void outlet_tell_counts(struct outlet *o, uint64_t now)
{
	size_t i;

	if (!o->owed || now - o->counted < OUTLET_COUNT_MS * UINT64_C(1000000))
		return;
	o->counted = now;
	for (i = 0; i < o->n_kinds; i++) {
		struct outlet_kind *k = &o->kinds[i];

		if (k->n && (!o->counts_at_rate || outlet_take_token(o, now)))
			(void)outlet_tell_kind(o, k);
	}
}

void outlet_end(struct outlet *o, int timeout_ms)
{
	size_t i = 0;

	while (i < o->n_kinds) {
		struct outlet_kind *k = &o->kinds[i];
		int r = k->n ? outlet_tell_kind(o, k) : 0;

		if (r != -EAGAIN)
			i++;
		else if (fd_wait(o->fd, POLLOUT, timeout_ms) != 1)
			return;
	}
}
