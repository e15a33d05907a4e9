/* SPDX-License-Identifier: Apache-2.0 */
#include "criu/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "criu.pb-c.h"
#include "criu/request.h"

#define RPC_MAX   65536 /* bytes of an answer */
#define LOG_LEVEL 4     /* all but what is for CRIU's own authors */

/* The lists of a message, whose pieces live as long as it is sent. */
struct rpc_lists {
	struct arena arena;
	Criu__Pair **mounts, **cgroups, **namespaces;
	Criu__Inherited **inherited;
};

static Criu__Pair **rpc_pairs(struct arena *a, const struct criu_pairs *from)
{
	Criu__Pair **list = arena_array(a, from->n + 1, sizeof(Criu__Pair *));
	Criu__Pair *pairs = arena_array(a, from->n + 1, sizeof(Criu__Pair));
	size_t i;

	for (i = 0; list && pairs && i < from->n; i++) {
		criu__pair__init(&pairs[i]);
		pairs[i].key = (char *)from->v[i].key;
		pairs[i].value = (char *)from->v[i].value;
		list[i] = &pairs[i];
	}
	return list;
}

static Criu__Inherited **rpc_inherited(struct arena *a, const struct criu_request *rq)
{
	Criu__Inherited **list = arena_array(a, rq->n_inherited + 1, sizeof(Criu__Inherited *));
	Criu__Inherited *fds = arena_array(a, rq->n_inherited + 1, sizeof(Criu__Inherited));
	size_t i;

	for (i = 0; list && fds && i < rq->n_inherited; i++) {
		criu__inherited__init(&fds[i]);
		fds[i].key = (char *)rq->inherited[i].key;
		fds[i].fd = rq->inherited[i].fd;
		list[i] = &fds[i];
	}
	return list;
}

static int rpc_make_lists(const struct criu_request *rq, struct rpc_lists *ret)
{
	arena_init(&ret->arena, 16u << 20);
	ret->mounts = rpc_pairs(&ret->arena, &rq->mounts);
	ret->cgroups = rpc_pairs(&ret->arena, &rq->cgroups);
	ret->namespaces = rpc_pairs(&ret->arena, &rq->namespaces);
	ret->inherited = rpc_inherited(&ret->arena, rq);
	return ret->arena.failed ? -ENOMEM : 0;
}

static void rpc_put_flags(Criu__Options *o, const struct criu_request *rq)
{
	o->leave_running = rq->leave_running;
	o->ext_unix_sk = rq->ext_unix_sk;
	o->tcp_established = rq->tcp_established;
	o->tcp_skip_in_flight = rq->tcp_skip_in_flight;
	o->tcp_close = rq->tcp_close;
	o->shell_job = rq->shell_job;
	o->file_locks = rq->file_locks;
	o->auto_dedup = rq->auto_dedup;
	o->link_remap = rq->link_remap;
	o->lazy_pages = rq->lazy_pages;
	o->notify_scripts = true;
	o->orphan_pts_master = true;
	o->manage_cgroups = true;
	o->manage_cgroups_mode = (Criu__CgroupMode)rq->cgroup_mode;
	o->empty_ns = rq->empty_ns;
	o->has_network_lock = rq->network_lock != CRIU_LOCK_DEFAULT;
	o->network_lock = rq->network_lock;
	o->has_skip_file_rwx_check = o->skip_file_rwx_check = rq->any_mode;
	/* Pages that have not changed since are those of the earlier image. */
	o->has_track_mem = o->track_mem = rq->parent != NULL;
}

static void rpc_put_names(Criu__Options *o, const struct criu_request *rq)
{
	o->images_dir_fd = rq->images_fd;
	o->work_dir_fd = rq->work_fd;
	o->has_status_fd = rq->status_fd >= 0;
	o->status_fd = rq->status_fd;
	o->log_level = LOG_LEVEL;
	o->log_file = (char *)rq->log_file;
	o->config_file = (char *)rq->config_file;
	o->root = (char *)rq->root;
	o->parent_img = (char *)rq->parent;
	o->freeze_cgroup = (char *)rq->freezer;
	o->lsm_profile = (char *)rq->lsm_profile;
	o->lsm_mount_context = (char *)rq->lsm_mount_context;
	o->external = (char **)rq->external;
	o->n_external = rq->n_external;
}

static void rpc_put_lists(Criu__Options *o, const struct criu_request *rq,
			  const struct rpc_lists *l)
{
	o->ext_mnt = l->mounts;
	o->n_ext_mnt = rq->mounts.n;
	o->cg_root = l->cgroups;
	o->n_cg_root = rq->cgroups.n;
	o->join_ns = l->namespaces;
	o->n_join_ns = rq->namespaces.n;
	o->inherit_fd = l->inherited;
	o->n_inherit_fd = rq->n_inherited;
}

static int rpc_send(int socket_fd, const Criu__Request *m, struct error *e)
{
	size_t len = criu__request__get_packed_size(m);
	autofree uint8_t *data = malloc(len);

	if (!data)
		return error_set(e, ENOMEM, "ask criu");
	criu__request__pack(m, data);
	if (send(socket_fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		return error_set(e, errno, "ask criu");
	return 0;
}

int rpc_ask(int socket_fd, const struct criu_request *rq, struct error *e)
{
	Criu__Request m = CRIU__REQUEST__INIT;
	Criu__Options o = CRIU__OPTIONS__INIT;
	Criu__PageServer pages = CRIU__PAGE_SERVER__INIT;
	struct rpc_lists lists = { 0 };
	int r;

	m.type = (Criu__Kind)rq->kind;
	m.opts = &o;
	rpc_put_flags(&o, rq);
	rpc_put_names(&o, rq);
	if (rq->kind == CRIU_RESTORE) {
		/* What it restores is our child, as what we make ourselves. */
		o.has_rst_sibling = o.rst_sibling = true;
		o.has_evasive_devices = o.evasive_devices = true;
	} else {
		o.has_pid = true;
		o.pid = rq->pid;
	}
	if (rq->page_host) {
		pages.address = (char *)rq->page_host;
		pages.has_port = true;
		pages.port = rq->page_port;
		o.page_server = &pages;
	}
	r = rpc_make_lists(rq, &lists);
	rpc_put_lists(&o, rq, &lists);
	r = r < 0 ? error_set(e, -r, "ask criu") : rpc_send(socket_fd, &m, e);
	arena_done(&lists.arena);
	return r;
}

int rpc_go_on(int socket_fd, bool well, struct error *e)
{
	Criu__Request m = CRIU__REQUEST__INIT;

	m.type = CRIU__KIND__NOTIFY;
	m.has_notify_success = true;
	m.notify_success = well;
	return rpc_send(socket_fd, &m, e);
}

static void rpc_read(const Criu__Response *m, struct criu_answer *ret)
{
	char *text;

	ret->notify = m->type == CRIU__KIND__NOTIFY;
	ret->success = m->success;
	ret->errnum = m->has_cr_errno ? m->cr_errno : 0;
	if (m->notify) {
		text = m->notify->script;
		ret->pid = m->notify->pid;
	} else {
		text = m->cr_errmsg;
		ret->pid = m->restore ? m->restore->pid : 0;
	}
	if (text)
		text[strcspn(text, "\n")] = '\0';
	str_show(ret->text, sizeof(ret->text), text ?: "");
}

int rpc_hear(int socket_fd, struct criu_answer *ret, struct error *e)
{
	autofree uint8_t *data = malloc(RPC_MAX);
	Criu__Response *m;
	size_t n_fds = 1;
	ssize_t n;

	*ret = (struct criu_answer){ .fd = -1 };
	if (!data)
		return error_set(e, ENOMEM, "hear criu");
	n = fd_recv(socket_fd, data, RPC_MAX, &ret->fd, &n_fds);
	if (n_fds == 0)
		ret->fd = -1;
	if (n < 0)
		return error_set(e, (int)-n, "hear criu");
	if (n == 0)
		return error_say(e, EPIPE, "criu has ended without a word");
	m = criu__response__unpack(NULL, (size_t)n, data);
	if (!m) {
		mem_closep(&ret->fd);
		ret->fd = -1;
		return error_say(e, EPROTO, "criu's answer of %zd bytes is none", n);
	}
	rpc_read(m, ret);
	criu__response__free_unpacked(m, NULL);
	return 0;
}
