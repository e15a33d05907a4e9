/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The meet of limits that each device has for itself: disks, sizes of huge pages, RDMA adapters. A limit is
 * put in for all that the node has, since who names none would have no limit there. An update changes
 * what it names and nothing else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/field.h"

/* --- disks --------------------------------------------------------------------------------------- */

int field_io_weight(struct merge *m, const struct policy_rule *r)
{
	struct spec_resources *res = &m->spec->linux_.resources;
	const struct opt_u64 *max = &r->resources.io_weight;
	struct spec_weight_device *v;
	uint64_t was = res->blkio_weight.value;
	char field[64];
	size_t i;
	int err = 0;

	if (!max->set)
		return 0;
	if (res->blkio_weight.set && was > max->value) {
		res->blkio_weight.value = max->value;
		err = merge_note_number(m, "linux.resources.blockIO.weight", true, (int64_t)was,
					(int64_t)max->value);
	}
	v = arena_array(m->arena, res->n_blkio_weight_devices + 1, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	for (i = 0; err == 0 && i < res->n_blkio_weight_devices; i++) {
		v[i] = res->blkio_weight_devices[i];
		was = v[i].weight.value;
		if (!v[i].weight.set || was <= max->value)
			continue;
		v[i].weight.value = max->value;
		snprintf(field, sizeof(field), "linux.resources.blockIO.weightDevice[%zu]", i);
		err = merge_note_number(m, field, true, (int64_t)was, (int64_t)max->value);
	}
	res->blkio_weight_devices = v;
	return err;
}

static struct spec_throttles *throttles_of(struct spec_resources *res, enum policy_rate rate)
{
	struct spec_throttles *const lists[POLICY_RATES] = {
		[POLICY_READ_BPS] = &res->throttle_read_bps,
		[POLICY_WRITE_BPS] = &res->throttle_write_bps,
		[POLICY_READ_IOPS] = &res->throttle_read_iops,
		[POLICY_WRITE_IOPS] = &res->throttle_write_iops,
	};

	return lists[rate];
}

static const char *const rate_names[POLICY_RATES] = {
	[POLICY_READ_BPS] = "throttleReadBpsDevice",
	[POLICY_WRITE_BPS] = "throttleWriteBpsDevice",
	[POLICY_READ_IOPS] = "throttleReadIOPSDevice",
	[POLICY_WRITE_IOPS] = "throttleWriteIOPSDevice",
};

static bool throttle_is(const struct spec_throttle_device *d, int64_t major, int64_t minor)
{
	return d->major == major && d->minor == minor;
}

/* A rate of 0 is none. */
static bool throttle_asked(const struct merge *m, enum policy_rate rate, int64_t major,
			   int64_t minor)
{
	struct spec_resources asked = m->request->linux_.resources;
	const struct spec_throttles *t = throttles_of(&asked, rate);
	size_t i;

	for (i = 0; i < t->n; i++)
		if (throttle_is(&t->v[i], major, minor) && t->v[i].rate)
			return true;
	return false;
}

/* One rate of one disk; `add`: also where nothing is said of it. */
static int throttle_meet(struct merge *m, const struct policy_disk *p, enum policy_rate rate,
			 int64_t major, int64_t minor, bool add)
{
	uint64_t most = field_limit(&p->rates[rate], throttle_asked(m, rate, major, minor));
	struct spec_throttles *t = throttles_of(&m->spec->linux_.resources, rate);
	struct spec_throttle_device *v;
	char field[96], was[24] = "", is[24];
	bool found = false, changed = false;
	size_t i;

	if (most == FIELD_NO_LIMIT)
		return 0;
	v = arena_array(m->arena, t->n + 1, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	for (i = 0; i < t->n; i++) {
		v[i] = t->v[i];
		if (!throttle_is(&v[i], major, minor))
			continue;
		found = true;
		if (v[i].rate && v[i].rate <= most)
			continue;
		snprintf(was, sizeof(was), "%" PRIu64, v[i].rate);
		v[i].rate = most;
		changed = true;
	}
	if (!found && add) {
		v[i++] = (struct spec_throttle_device){ major, minor, most };
		changed = true;
	}
	*t = (struct spec_throttles){ i, v };
	if (!changed)
		return 0;
	m->spec->linux_.resources.present = true;
	snprintf(field, sizeof(field), "linux.resources.blockIO.%s[%" PRId64 ":%" PRId64 "]",
		 rate_names[rate], major, minor);
	snprintf(is, sizeof(is), "%" PRIu64, most);
	return merge_note(m, field, was[0] ? was : NULL, is);
}

static int disk_meet(struct merge *m, const struct policy_disk *p, int64_t major, int64_t minor,
		     bool add)
{
	enum policy_rate rate;
	int err = 0;

	for (rate = 0; err == 0 && rate < POLICY_RATES; rate++)
		err = throttle_meet(m, p, rate, major, minor, add);
	return err;
}

/* Whatever the request names that the rule is about, the node's or not. */
static int disk_meet_asked(struct merge *m, const struct policy_disk *p)
{
	struct spec_resources asked = m->request->linux_.resources;
	enum policy_rate rate;
	size_t i;
	int err = 0;

	for (rate = 0; rate < POLICY_RATES; rate++) {
		const struct spec_throttles *t = throttles_of(&asked, rate);

		for (i = 0; err == 0 && i < t->n; i++)
			if (p->major == POLICY_DISK_ANY ||
			    throttle_is(&t->v[i], p->major, p->minor))
				err = throttle_meet(m, p, rate, t->v[i].major, t->v[i].minor,
						    false);
	}
	return err;
}

static int disk_meet_all(struct merge *m, const struct policy_disk *p,
			 const struct spec_strings *disks)
{
	long long major, minor;
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < disks->n; i++)
		if (sscanf(disks->v[i], "%lld:%lld", &major, &minor) == 2 &&
		    (p->major == POLICY_DISK_ANY || (p->major == major && p->minor == minor)))
			err = disk_meet(m, p, major, minor, true);
	return err;
}

static int names_of(struct merge *m, enum policy_names which, struct spec_strings *ret)
{
	int r;

	*ret = (struct spec_strings){ 0 };
	if (m->scope == POLICY_UPDATE)
		return 0;
	r = m->facts->names(m->facts->arg, which, m->arena, ret);
	return r < 0 ? error_set(m->e, -r, "node policy \"%s\": ask for this machine's devices",
				 m->rule->policy)
		     : 0;
}

int field_io_max(struct merge *m, const struct policy_rule *r)
{
	struct spec_strings disks;
	size_t i;
	int err;

	if (r->resources.n_disks == 0)
		return 0;
	err = names_of(m, POLICY_DISKS, &disks);
	for (i = 0; err == 0 && i < r->resources.n_disks; i++) {
		err = disk_meet_asked(m, &r->resources.disks[i]);
		if (err == 0)
			err = disk_meet_all(m, &r->resources.disks[i], &disks);
	}
	return err;
}

/* --- huge pages ---------------------------------------------------------------------------------- */

static bool pages_asked(const struct spec_resources *asked, const char *size)
{
	size_t i;

	for (i = 0; i < asked->n_hugepages; i++)
		if (str_eq(asked->hugepages[i].page_size, size))
			return true;
	return false;
}

static int pages_meet(struct merge *m, const struct policy_limit *l, const char *size, bool add)
{
	struct spec_resources *res = &m->spec->linux_.resources;
	uint64_t most = field_limit(l, pages_asked(&m->request->linux_.resources, size));
	struct spec_hugepage_limit *v;
	char field[96], shown[32], was[24] = "", is[24];
	bool found = false, changed = false;
	size_t i;

	if (most == FIELD_NO_LIMIT)
		return 0;
	v = arena_array(m->arena, res->n_hugepages + 1, sizeof(*v));
	if (!v)
		return merge_no_memory(m);
	for (i = 0; i < res->n_hugepages; i++) {
		v[i] = res->hugepages[i];
		if (!str_eq(v[i].page_size, size))
			continue;
		found = true;
		if (v[i].limit <= most)
			continue;
		snprintf(was, sizeof(was), "%" PRIu64, v[i].limit);
		v[i].limit = most;
		changed = true;
	}
	if (!found && add) {
		v[i++] = (struct spec_hugepage_limit){ size, most };
		changed = true;
	}
	res->hugepages = v;
	res->n_hugepages = i;
	if (!changed)
		return 0;
	res->present = true;
	snprintf(field, sizeof(field), "linux.resources.hugepageLimits[%s]",
		 str_show(shown, sizeof(shown), size));
	snprintf(is, sizeof(is), "%" PRIu64, most);
	return merge_note(m, field, was[0] ? was : NULL, is);
}

int field_hugetlb(struct merge *m, const struct policy_rule *r)
{
	const struct spec_resources *asked = &m->request->linux_.resources;
	const struct policy_limit *l = &r->resources.hugetlb;
	struct spec_strings sizes;
	size_t i;
	int err;

	if (!l->max.set && !l->fallback.set)
		return 0;
	err = names_of(m, POLICY_PAGE_SIZES, &sizes);
	for (i = 0; err == 0 && i < asked->n_hugepages; i++)
		err = pages_meet(m, l, asked->hugepages[i].page_size, false);
	for (i = 0; err == 0 && i < sizes.n; i++)
		err = pages_meet(m, l, sizes.v[i], true);
	return err;
}

/* --- RDMA ---------------------------------------------------------------------------------------- */

static int adapter_number(struct merge *m, const struct policy_limit *l, const char *device,
			  const char *what, bool asked, bool add, struct opt_u64 *v)
{
	uint64_t most = field_limit(l, asked);
	struct opt_u64 was = *v;
	char field[160], shown[64];

	if (most == FIELD_NO_LIMIT || (was.set && was.value <= most) || (!was.set && !add))
		return 0;
	*v = (struct opt_u64){ true, most };
	m->spec->linux_.resources.present = true;
	snprintf(field, sizeof(field), "linux.resources.rdma[%s].%s",
		 str_show(shown, sizeof(shown), device), what);
	return merge_note_number(m, field, was.set, (int64_t)was.value, (int64_t)most);
}

/* What one or the other entry of a device says: the last one holds. */
static void adapter_said(const struct spec_resources *res, const char *device, bool *handles,
			 bool *objects)
{
	size_t i;

	*handles = *objects = false;
	for (i = 0; i < res->n_rdma; i++) {
		if (!str_eq(res->rdma[i].device, device))
			continue;
		*handles |= res->rdma[i].hca_handles.set;
		*objects |= res->rdma[i].hca_objects.set;
	}
}

static int adapter_meet(struct merge *m, const struct policy_rdma *p, const char *device,
			bool add)
{
	struct spec_resources *res = &m->spec->linux_.resources;
	struct spec_rdma *v = arena_array(m->arena, res->n_rdma + 1, sizeof(*v));
	bool handles_asked, objects_asked, handles_said, objects_said;
	size_t i, n = res->n_rdma;
	int err = 0;

	if (!v)
		return merge_no_memory(m);
	adapter_said(&m->request->linux_.resources, device, &handles_asked, &objects_asked);
	adapter_said(res, device, &handles_said, &objects_said);
	if (n)
		memcpy(v, res->rdma, n * sizeof(*v));
	if (add && (!handles_said || !objects_said))
		v[n++].device = device;
	for (i = 0; err == 0 && i < n; i++) {
		if (!str_eq(v[i].device, device))
			continue;
		err = adapter_number(m, &p->handles, device, "hcaHandles", handles_asked,
				     !handles_said && i + 1 == n, &v[i].hca_handles);
		if (err == 0)
			err = adapter_number(m, &p->objects, device, "hcaObjects",
					     objects_asked, !objects_said && i + 1 == n,
					     &v[i].hca_objects);
	}
	if (n > res->n_rdma && !v[n - 1].hca_handles.set && !v[n - 1].hca_objects.set)
		n--;
	res->rdma = v;
	res->n_rdma = n;
	return err;
}

int field_rdma(struct merge *m, const struct policy_rule *r)
{
	const struct spec_resources *asked = &m->request->linux_.resources;
	const struct policy_rdma *p = &r->resources.rdma;
	struct spec_strings adapters;
	size_t i;
	int err;

	if (!p->handles.max.set && !p->handles.fallback.set && !p->objects.max.set &&
	    !p->objects.fallback.set)
		return 0;
	err = names_of(m, POLICY_RDMA, &adapters);
	for (i = 0; err == 0 && i < asked->n_rdma; i++)
		err = adapter_meet(m, p, asked->rdma[i].device, m->scope != POLICY_UPDATE);
	for (i = 0; err == 0 && i < adapters.n; i++)
		err = adapter_meet(m, p, adapters.v[i], true);
	return err;
}
