/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/str.h"
#include "cgroup/cgroup.h"

#define STATS_ARENA_MAX (16u << 20)
#define STATS_TEXT_MAX  (4u << 20)

/* One read of a cgroup: each file goes through the same buffer. */
struct reader {
	const struct cgroup *cg;
	struct cgroup_stats *s;
	struct buf text;
	struct error *e;
};

/* 1: reader.text holds it; 0: there is no such file; or -errno. */
static int read_file(struct reader *r, const char *file)
{
	int fd, err;

	fd = openat(r->cg->fd, file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	buf_reset(&r->text);
	err = fd < 0 ? -errno : buf_read_fd(&r->text, fd);
	if (fd >= 0)
		close(fd);
	if (err == 0 && !r->text.data)
		err = buf_adds(&r->text, "");
	/* Pressure, where the kernel was told not to count it. */
	if (err == -EOPNOTSUPP)
		return 0;
	if (err < 0)
		return error_set(r->e, -err, "read %s%s/%s", CGROUP_MOUNT, r->cg->path, file);
	return 1;
}

/* --- words -------------------------------------------------------------------------------- */

/* Cuts the text at the separator: the piece is NUL-terminated. NULL at the end. */
static char *cut(char **text, char separator)
{
	char *piece = *text, *end;

	if (!piece || !*piece)
		return NULL;
	end = strchr(piece, separator);
	if (end)
		*end++ = '\0';
	*text = end;
	return piece;
}

/* "max" is STATS_MAX; what is no number reads as 0. */
static uint64_t to_u64(const char *s)
{
	uint64_t v = 0;

	if (str_eq(s, "max"))
		return STATS_MAX;
	if (s)
		str_to_u64(s, &v);
	return v;
}

static int read_u64(struct reader *r, const char *file, uint64_t *ret)
{
	char *p;
	int err;

	err = read_file(r, file);
	if (err <= 0)
		return err;
	p = r->text.data;
	*ret = to_u64(cut(&p, '\n'));
	return 1;
}

/* "key=12" -> 12 into the place that the table gives for the key. */
struct field {
	const char *key;
	size_t offset;
};

static void set_field(const struct field *fields, size_t n, const char *key, const char *value,
		      void *base)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(fields[i].key, key) != 0)
			continue;
		*(uint64_t *)((char *)base + fields[i].offset) = to_u64(value);
		return;
	}
}

static void set_pairs(char *text, const struct field *fields, size_t n, void *base)
{
	char *key;

	while ((key = cut(&text, ' '))) {
		char *value = strchr(key, '=');

		if (!value)
			continue;
		*value++ = '\0';
		set_field(fields, n, key, value, base);
	}
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int no_memory(struct reader *r)
{
	return error_set(r->e, ENOMEM, "read the statistics of %s%s", CGROUP_MOUNT,
			 r->cg->path);
}

/* --- pressure ----------------------------------------------------------------------------- */

/* "12.34", as the kernel writes it. */
static double to_percent(const char *s)
{
	const char *dot = strchr(s, '.');
	char whole[24];

	if (!dot || (size_t)(dot - s) >= sizeof(whole) || strlen(dot + 1) != 2)
		return 0;
	memcpy(whole, s, (size_t)(dot - s));
	whole[dot - s] = '\0';
	return (double)to_u64(whole) + (double)to_u64(dot + 1) / 100;
}

static void parse_psi_line(char *line, struct stats_psi_line *ret)
{
	char *key;

	while ((key = cut(&line, ' '))) {
		char *value = strchr(key, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(key, "avg10") == 0)
			ret->avg10 = to_percent(value);
		else if (strcmp(key, "avg60") == 0)
			ret->avg60 = to_percent(value);
		else if (strcmp(key, "avg300") == 0)
			ret->avg300 = to_percent(value);
		else if (strcmp(key, "total") == 0)
			ret->total = to_u64(value);
	}
}

static int read_psi(struct reader *r, const char *file, struct stats_psi *ret)
{
	char *text, *line;
	int err;

	err = read_file(r, file);
	if (err <= 0)
		return err;
	ret->present = true;
	text = r->text.data;
	while ((line = cut(&text, '\n'))) {
		if (str_starts(line, "some "))
			parse_psi_line(line + 5, &ret->some);
		else if (str_starts(line, "full "))
			parse_psi_line(line + 5, &ret->full);
	}
	return 0;
}

/* --- controllers -------------------------------------------------------------------------- */

static int read_pids(struct reader *r)
{
	struct stats_pids *p = &r->s->pids;
	int err;

	err = read_u64(r, "pids.current", &p->current);
	if (err <= 0)
		return err;
	p->present = true;
	err = read_u64(r, "pids.max", &p->limit);
	return err < 0 ? err : 0;
}

#define CPU_FIELD(key, member)                          \
	{                                               \
		key, offsetof(struct stats_cpu, member) \
	}

static const struct field cpu_fields[] = {
	CPU_FIELD("usage_usec", usage),          CPU_FIELD("user_usec", user),
	CPU_FIELD("system_usec", system),        CPU_FIELD("nr_periods", nr_periods),
	CPU_FIELD("nr_throttled", nr_throttled), CPU_FIELD("throttled_usec", throttled),
	CPU_FIELD("nr_bursts", nr_bursts),       CPU_FIELD("burst_usec", burst),
};

static int read_cpu(struct reader *r)
{
	struct stats_cpu *c = &r->s->cpu;
	char *text, *key;
	int err;

	err = read_file(r, "cpu.stat");
	if (err < 0)
		return err;
	/* Every cgroup has this file, whatever its controllers. */
	if (err == 0)
		return error_say(r->e, ENODEV, "the cgroup %s%s was removed", CGROUP_MOUNT,
				 r->cg->path);
	c->present = true;
	text = r->text.data;
	while ((key = cut(&text, '\n'))) {
		char *value = key;

		key = cut(&value, ' ');
		if (key)
			set_field(cpu_fields, ARRAY_SIZE(cpu_fields), key, value, c);
	}
	return read_psi(r, "cpu.pressure", &c->psi);
}

static const struct field memory_fields[] = {
#define MEMORY_FIELD(key) { #key, offsetof(struct stats_memory, key) },
	STATS_MEMORY_KEYS(MEMORY_FIELD)
#undef MEMORY_FIELD
};

static int read_memory_stat(struct reader *r)
{
	struct stats_memory *m = &r->s->memory;
	char *text, *key;
	int err;

	err = read_file(r, "memory.stat");
	if (err <= 0)
		return err;
	m->raw = arena_array(&r->s->arena, count_lines(r->text.data), sizeof(*m->raw));
	text = arena_strdup(&r->s->arena, r->text.data);
	if (!m->raw || !text)
		return no_memory(r);
	while ((key = cut(&text, '\n'))) {
		char *value = key;

		key = cut(&value, ' ');
		if (!key)
			continue;
		m->raw[m->n_raw++] = (struct stats_pair){ key, to_u64(value) };
		set_field(memory_fields, ARRAY_SIZE(memory_fields), key, value, m);
	}
	/* Split in two since Linux 5.9. */
	if (m->workingset_refault == 0)
		m->workingset_refault = m->workingset_refault_anon + m->workingset_refault_file;
	if (m->workingset_activate == 0)
		m->workingset_activate =
			m->workingset_activate_anon + m->workingset_activate_file;
	return 0;
}

static int read_memory_events(struct reader *r)
{
	int fd, err;

	fd = memory_events_open(r->cg, r->e);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	err = memory_events_read(fd, &r->s->memory.events);
	close(fd);
	return err < 0 ? error_set(r->e, -err, "read %s%s/memory.events", CGROUP_MOUNT,
				   r->cg->path)
		       : 0;
}

static int read_memory(struct reader *r)
{
	struct stats_memory *m = &r->s->memory;
	int err;

	err = read_psi(r, "memory.pressure", &m->psi);
	if (err < 0)
		return err;
	err = read_u64(r, "memory.current", &m->usage);
	if (err <= 0)
		return err;
	m->present = true;
	if ((err = read_u64(r, "memory.max", &m->limit)) < 0 ||
	    (err = read_u64(r, "memory.peak", &m->peak)) < 0 ||
	    (err = read_u64(r, "memory.swap.current", &m->swap_usage)) < 0)
		return err;
	m->swap_present = err > 0;
	if (m->swap_present && ((err = read_u64(r, "memory.swap.max", &m->swap_limit)) < 0 ||
				(err = read_u64(r, "memory.swap.peak", &m->swap_peak)) < 0))
		return err;
	err = read_memory_stat(r);
	return err < 0 ? err : read_memory_events(r);
}

#define IO_FIELD(member)                                          \
	{                                                         \
#member, offsetof(struct stats_io_device, member) \
	}

static const struct field io_fields[] = {
	IO_FIELD(rbytes), IO_FIELD(wbytes), IO_FIELD(rios),
	IO_FIELD(wios),   IO_FIELD(dbytes), IO_FIELD(dios),
};

static int read_io(struct reader *r)
{
	struct stats_io *io = &r->s->io;
	char *text, *line;
	int err;

	err = read_psi(r, "io.pressure", &io->psi);
	if (err < 0)
		return err;
	err = read_file(r, "io.stat");
	if (err <= 0)
		return err;
	io->present = true;
	io->devices =
		arena_array(&r->s->arena, count_lines(r->text.data), sizeof(*io->devices));
	if (!io->devices)
		return no_memory(r);
	text = r->text.data;
	while ((line = cut(&text, '\n'))) {
		char *major = cut(&line, ':'), *minor = cut(&line, ' ');
		struct stats_io_device *d = &io->devices[io->n];

		if (!major || !minor || str_empty(line))
			continue; /* a device that has not been used */
		d->major = to_u64(major);
		d->minor = to_u64(minor);
		set_pairs(line, io_fields, ARRAY_SIZE(io_fields), d);
		io->n++;
	}
	return 0;
}

/* --- hugetlb and rdma --------------------------------------------------------------------- */

/* "hugetlb.2MB.current" -> "2MB"; not the reservations, "hugetlb.2MB.rsvd.current". */
static int add_page_size(struct reader *r, const char *file)
{
	const char *size = file + strlen("hugetlb."), *end;
	struct stats_hugetlb *h, *grown;

	if (!str_starts(file, "hugetlb.") || !str_ends(file, ".current"))
		return 0;
	end = strchr(size, '.');
	if (strcmp(end, ".current") != 0)
		return 0;
	grown = arena_array(&r->s->arena, r->s->n_hugetlb + 1, sizeof(*grown));
	if (!grown)
		return no_memory(r);
	if (r->s->n_hugetlb)
		memcpy(grown, r->s->hugetlb, r->s->n_hugetlb * sizeof(*grown));
	h = &grown[r->s->n_hugetlb];
	h->page_size = arena_strndup(&r->s->arena, size, (size_t)(end - size));
	if (!h->page_size)
		return no_memory(r);
	r->s->hugetlb = grown;
	r->s->n_hugetlb++;
	return 0;
}

static int list_page_sizes(struct reader *r)
{
	_Alignas(struct dirent64) char data[8192];
	ssize_t n = 0;
	int fd, err = 0;

	fd = cgroup_file_open(r->cg, ".", O_RDONLY | O_DIRECTORY, r->e);
	if (fd < 0)
		return fd;
	while (err == 0 && (n = getdents64(fd, data, sizeof(data))) > 0) {
		const char *p = data;

		while (err == 0 && p < data + n) {
			const struct dirent64 *d = (const struct dirent64 *)p;

			p += d->d_reclen;
			err = add_page_size(r, d->d_name);
		}
	}
	if (err == 0 && n < 0)
		err = error_set(r->e, errno, "list %s%s", CGROUP_MOUNT, r->cg->path);
	close(fd);
	return err;
}

static int read_hugetlb(struct reader *r)
{
	size_t i;
	int err;

	err = list_page_sizes(r);
	for (i = 0; err >= 0 && i < r->s->n_hugetlb; i++) {
		struct stats_hugetlb *h = &r->s->hugetlb[i];
		char file[64];

		snprintf(file, sizeof(file), "hugetlb.%s.current", h->page_size);
		err = read_u64(r, file, &h->current);
		if (err < 0)
			break;
		snprintf(file, sizeof(file), "hugetlb.%s.max", h->page_size);
		err = read_u64(r, file, &h->limit);
		if (err < 0)
			break;
		snprintf(file, sizeof(file), "hugetlb.%s.events", h->page_size);
		err = read_file(r, file);
		if (err > 0)
			cgroup_key_u64(r->text.data, "max", &h->failures);
	}
	return err < 0 ? err : 0;
}

static const struct field rdma_fields[] = {
	{ "hca_handle", offsetof(struct stats_rdma, hca_handles) },
	{ "hca_object", offsetof(struct stats_rdma, hca_objects) },
};

static int read_rdma(struct reader *r, const char *file, struct stats_rdma **ret, size_t *ret_n)
{
	struct stats_rdma *list;
	char *text, *line;
	size_t n = 0;
	int err;

	err = read_file(r, file);
	if (err <= 0)
		return err;
	list = arena_array(&r->s->arena, count_lines(r->text.data), sizeof(*list));
	text = arena_strdup(&r->s->arena, r->text.data);
	if (!list || !text)
		return no_memory(r);
	while ((line = cut(&text, '\n'))) {
		list[n].device = cut(&line, ' ');
		if (list[n].device && line)
			set_pairs(line, rdma_fields, ARRAY_SIZE(rdma_fields), &list[n++]);
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

int cgroup_stats_read(const struct cgroup *cg, struct cgroup_stats *ret, struct error *e)
{
	struct cgroup_stats s = { 0 };
	struct reader r = { .cg = cg, .s = &s, .e = e };
	uint32_t have;
	int err;

	/* Read first of all: it tells a removed cgroup from one without files. */
	err = cgroup_controllers(cg, &have, e);
	if (err < 0)
		return err == -ENOENT ? error_say(e, ENODEV, "the cgroup %s%s was removed",
						  CGROUP_MOUNT, cg->path)
				      : err;
	arena_init(&s.arena, STATS_ARENA_MAX);
	buf_init(&r.text, STATS_TEXT_MAX);
	if ((err = read_cpu(&r)) < 0 || (err = read_memory(&r)) < 0 || (err = read_io(&r)) < 0)
		goto done;
	if (have & CGROUP_BIT(CGROUP_PIDS))
		err = read_pids(&r);
	if (err >= 0 && (have & CGROUP_BIT(CGROUP_HUGETLB)))
		err = read_hugetlb(&r);
	if (err >= 0 && (have & CGROUP_BIT(CGROUP_RDMA))) {
		err = read_rdma(&r, "rdma.current", &s.rdma_current, &s.n_rdma_current);
		if (err >= 0)
			err = read_rdma(&r, "rdma.max", &s.rdma_limit, &s.n_rdma_limit);
	}
done:
	buf_done(&r.text);
	if (err < 0) {
		arena_done(&s.arena);
		return err;
	}
	*ret = s;
	return 0;
}

void cgroup_stats_done(struct cgroup_stats *s)
{
	arena_done(&s->arena);
	*s = (struct cgroup_stats){ 0 };
}
