/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/properties.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/limits.h"

#define CPUS_MAX 8192 /* the kernel's own ceiling on x86 and arm64 */

static struct property *properties_find(struct properties *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return &p->v[i];
	return NULL;
}

const struct property *properties_get(const struct properties *p, const char *name)
{
	return properties_find((struct properties *)p, name);
}

int properties_set(struct properties *p, const struct property *one, struct error *e)
{
	struct property *at = properties_find(p, one->name);

	if (!at && p->n == PROPERTIES_MAX)
		return error_say(e, E2BIG, "more than %d properties of a unit", PROPERTIES_MAX);
	*(at ?: &p->v[p->n++]) = *one;
	return 0;
}

bool properties_drop(struct properties *p, const char *name)
{
	struct property *at = properties_find(p, name);

	if (!at)
		return false;
	memmove(at, at + 1, (size_t)(&p->v[p->n] - (at + 1)) * sizeof(*at));
	p->n--;
	return true;
}

/* --- from the text of a file to a value --------------------------------------------------- */

struct translation {
	struct properties *p;
	struct arena *arena;
	const struct limits_step *step;
	struct error *e;
};

static int set_number(struct translation *t, const char *name, uint64_t value)
{
	return properties_set(
		t->p,
		&(struct property){ .name = name, .type = PROPERTY_NUMBER, .number = value },
		t->e);
}

/* "max", "12", and, of what the kernel takes besides, "12M". */
static bool parse_number(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGTPE";
	char digits[24];
	size_t len = strspn(text, "0123456789");
	const char *unit;
	int shift = 0;

	if (str_eq(text, "max")) {
		*ret = PROPERTY_INFINITY;
		return true;
	}
	if (len == 0 || len >= sizeof(digits))
		return false;
	if (text[len]) {
		unit = strchr(units, toupper((unsigned char)text[len]));
		if (!unit || text[len + 1])
			return false;
		shift = 10 * (int)(unit - units + 1);
	}
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (str_to_u64(digits, ret) < 0 || *ret > UINT64_MAX >> shift)
		return false;
	*ret <<= shift;
	return true;
}

static int translate_number(struct translation *t)
{
	const char *text = t->step->value;
	uint64_t value;

	/* io.weight has one weight for all devices, and may say so. */
	if (str_starts(text, "default "))
		text += strlen("default ");
	return parse_number(text, &value) ? set_number(t, t->step->row->property, value) : 0;
}

static bool parse_cpu_max(const char *text, uint64_t *quota, uint64_t *period)
{
	size_t len = strcspn(text, " ");
	char word[24];

	if (!text[len] || len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	return parse_number(word, quota) && str_to_u64(text + len + 1, period) == 0 && *period;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

static uint64_t quota_per_second(uint64_t quota, uint64_t period)
{
	const uint64_t second = 1000000, percent = second / 100;

	if (quota > (UINT64_MAX - percent) / second)
		return PROPERTY_INFINITY;
	return divide_up(divide_up(quota * second, period), percent) * percent;
}

static int translate_cpu_max(struct translation *t)
{
	uint64_t quota, period;
	int r;

	if (!parse_cpu_max(t->step->value, &quota, &period))
		return 0;
	r = set_number(t, limits_table[LIMIT_CPU_QUOTA].property,
		       quota_per_second(quota, period));
	return r < 0 ? r : set_number(t, limits_table[LIMIT_CPU_PERIOD].property, period);
}

/* What is no longer idle has the ordinary weight again. */
static int translate_cpu_idle(struct translation *t)
{
	bool idle = str_eq(t->step->value, "1");

	if (!idle && !str_eq(t->step->value, "0"))
		return 0;
	return set_number(t, t->step->row->property, idle ? 0 : PROPERTY_INFINITY);
}

/* One number of a list. Moves *p behind it. */
static bool parse_cpu(const char **p, uint32_t *ret)
{
	uint32_t n = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); ++*p) {
		n = n * 10 + (uint32_t)(**p - '0');
		if (n >= CPUS_MAX)
			return false;
	}
	*ret = n;
	return true;
}

/* "0-3,5" -> bits, and how many bytes hold them. False: another notation. */
static bool parse_cpu_list(const char *p, uint8_t mask[CPUS_MAX / 8], size_t *len)
{
	*len = 0;
	for (;;) {
		uint32_t from, to;

		p += strspn(p, " ,");
		if (!*p)
			return *len > 0;
		if (!parse_cpu(&p, &from))
			return false;
		to = from;
		if (*p == '-') {
			p++;
			if (!parse_cpu(&p, &to) || to < from)
				return false;
		}
		if (*p && *p != ',' && *p != ' ')
			return false;
		for (; from <= to; from++)
			mask[from / 8] |= (uint8_t)(1u << from % 8);
		if (*len < to / 8 + 1)
			*len = to / 8 + 1;
	}
}

static int translate_cpu_list(struct translation *t)
{
	uint8_t mask[CPUS_MAX / 8] = { 0 }, *bytes;
	size_t len;

	if (!parse_cpu_list(t->step->value, mask, &len))
		return 0;
	bytes = arena_alloc(t->arena, len);
	if (!bytes)
		return error_set(t->e, ENOMEM, "properties of the unit");
	memcpy(bytes, mask, len);
	return properties_set(t->p,
			      &(struct property){ .name = t->step->row->property,
						  .type = PROPERTY_MASK,
						  .mask = { bytes, len } },
			      t->e);
}

static int translate_oom(struct translation *t)
{
	bool whole = str_eq(t->step->value, "1");

	if (!whole && !str_eq(t->step->value, "0"))
		return 0;
	return properties_set(t->p,
			      &(struct property){ .name = t->step->row->property,
						  .type = PROPERTY_TEXT,
						  .text = whole ? "kill" : "continue" },
			      t->e);
}

/* Puts the device behind those that the property has, or in the place of the same one. */
static int add_device(struct translation *t, const char *path, uint64_t value)
{
	const char *name = t->step->row->property;
	const struct property *before = properties_get(t->p, name);
	size_t n = before ? before->devices.n : 0, i;
	struct property_device *v = arena_array(t->arena, n + 1, sizeof(*v));

	if (!v || !path)
		return error_set(t->e, ENOMEM, "properties of the unit");
	if (n)
		memcpy(v, before->devices.v, n * sizeof(*v));
	for (i = 0; i < n && strcmp(v[i].path, path) != 0; i++)
		;
	v[i] = (struct property_device){ path, value };
	return properties_set(t->p,
			      &(struct property){ .name = name,
						  .type = PROPERTY_DEVICES,
						  .devices = { v, i == n ? n + 1 : n } },
			      t->e);
}

/* "8:0 200" or "8:0 rbps=200", as our own plan writes it. */
static int translate_device(struct translation *t)
{
	const char *text = t->step->value, *space = strchr(text, ' '), *equals;
	uint64_t value;

	if (!space)
		return 0;
	equals = strchr(space, '=');
	if (!parse_number(equals ? equals + 1 : space + 1, &value))
		return 0;
	return add_device(
		t, arena_printf(t->arena, "/dev/block/%.*s", (int)(space - text), text), value);
}

int properties_add_limits(struct properties *p, struct arena *a,
			  const struct limits_plan *settled, struct error *e)
{
	static int (*const translate[])(struct translation *) = {
		[LIMITS_NUMBER] = translate_number,     [LIMITS_CPU_MAX] = translate_cpu_max,
		[LIMITS_CPU_IDLE] = translate_cpu_idle, [LIMITS_CPU_LIST] = translate_cpu_list,
		[LIMITS_OOM] = translate_oom,           [LIMITS_DEVICE] = translate_device,
	};
	struct translation t = { .p = p, .arena = a, .e = e };
	size_t i;
	int r = 0;

	for (i = 0; i < settled->n && r == 0; i++) {
		t.step = &settled->steps[i];
		if (t.step->row && t.step->row->property)
			r = translate[t.step->row->kind](&t);
	}
	return r;
}
