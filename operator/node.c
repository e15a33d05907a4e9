// SPDX-License-Identifier: Apache-2.0
#include "node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"
#include "cuts.h"
#include "kube/access.h"
#include "kube/connection.h"
#include "kube/event.h"

#define FILE_MAX (16 << 20)
#define REQUESTS 8
#define RECORD   "policy.json"
#define SPEC     "config.json"
#define ID_SHOWN 16

/* A container whose record has not been seen yet. */
struct awaited {
	struct awaited *next;
	int wd;
	char id[];
};

struct node {
	const struct config *config;
	struct loop loop;
	struct access access;
	struct connection *connection;
	struct events events;
	struct loop_fd signals, news;
	int folder_wd; /* of the state folder, or of the nearest above it that is there */
	bool there;
	struct awaited *awaited;
};

/* --- one container --- */

static json_t *load(int dir_fd, const char *name)
{
	autobuf text = { 0 };
	struct error e = ERROR_INIT;

	return file_read(dir_fd, name, FILE_MAX, &text, &e) < 0
		       ? NULL
		       : tree_load(text.data, text.len);
}

static void tell(struct node *n, const char *id, const json_t *record, const json_t *spec)
{
	autocuts cuts;
	char shown[ID_SHOWN + 1];

	if (!cuts_read(&cuts, record, spec))
		return;
	log_info("%s/%s: %s", cuts.namespace, cuts.pod, cuts.note.data);
	snprintf(shown, sizeof(shown), "%s", id);
	events_emit(&n->events, &(struct event){
					.api_version = "v1",
					.kind = "Pod",
					.namespace = cuts.namespace,
					.name = cuts.pod,
					.uid = cuts.uid,
					.id = shown,
					.warning = true,
					.reason = "NodePolicy",
					.action = "Clamp",
					.note = cuts.note.data,
				});
}

/* 1: its record is there, and was told of. */
static int look(struct node *n, const char *id)
{
	char path[PATH_MAX];
	autoclose int dir_fd = -1;
	json_auto_t *record = NULL, *spec = NULL;

	if (snprintf(path, sizeof(path), "%s/%s", n->config->state, id) >= (int)sizeof(path))
		return 0;
	dir_fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return 0;
	record = load(dir_fd, RECORD);
	if (!record)
		return 0;
	spec = load(dir_fd, SPEC);
	if (spec)
		tell(n, id, record, spec);
	return 1;
}

static struct awaited **awaited_of(struct node *n, int wd)
{
	struct awaited **at = &n->awaited;

	while (*at && (*at)->wd != wd)
		at = &(*at)->next;
	return at;
}

static void forget(struct awaited **at)
{
	struct awaited *gone = *at;

	*at = gone->next;
	free(gone);
}

/* Watched first and looked at then: a record that comes in between is seen by one of the two. */
static void found(struct node *n, const char *id)
{
	char path[PATH_MAX];
	struct awaited *a;
	int wd;

	if (*id == '.' ||
	    snprintf(path, sizeof(path), "%s/%s", n->config->state, id) >= (int)sizeof(path))
		return;
	wd = inotify_add_watch(n->news.fd, path, IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW);
	if (wd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			log_warning("watch %s: %s", path, strerror(errno));
		return;
	}
	if (look(n, id)) {
		inotify_rm_watch(n->news.fd, wd);
		return;
	}
	if (*awaited_of(n, wd))
		return;
	a = malloc(sizeof(*a) + strlen(id) + 1);
	if (!a) {
		inotify_rm_watch(n->news.fd, wd);
		return;
	}
	a->wd = wd;
	strcpy(a->id, id);
	a->next = n->awaited;
	n->awaited = a;
}

/* --- the folder --- */

static void scan(struct node *n)
{
	DIR *folder = opendir(n->config->state);
	struct dirent *d;

	if (!folder)
		return;
	while ((d = readdir(folder)))
		found(n, d->d_name);
	closedir(folder);
}

/* The shim makes the folder with the first container: until then what is above it tells. */
static int attach(struct node *n, struct error *e)
{
	char path[PATH_MAX];
	char *slash;

	if (n->folder_wd >= 0)
		inotify_rm_watch(n->news.fd, n->folder_wd);
	snprintf(path, sizeof(path), "%s", n->config->state);
	do {
		n->folder_wd = inotify_add_watch(n->news.fd, path,
						 IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
		n->there = n->folder_wd >= 0 && str_eq(path, n->config->state);
		if (n->folder_wd >= 0) {
			/* It may have come since it was not there. */
			if (n->there || access(n->config->state, F_OK) < 0)
				break;
			inotify_rm_watch(n->news.fd, n->folder_wd);
			snprintf(path, sizeof(path), "%s", n->config->state);
			continue;
		}
		slash = errno == ENOENT ? strrchr(path, '/') : NULL;
		if (!slash || slash == path)
			return error_set(e, errno, "watch %s", path);
		*slash = 0;
	} while (true);
	scan(n);
	return 0;
}

static void on_one(struct node *n, const struct inotify_event *i)
{
	struct awaited **at = awaited_of(n, i->wd);
	struct error e = ERROR_INIT;

	if (i->mask & IN_Q_OVERFLOW) {
		scan(n);
	} else if (i->wd == n->folder_wd) {
		if (i->mask & IN_IGNORED)
			n->folder_wd = -1;
		if (n->there && n->folder_wd >= 0)
			found(n, i->name);
		else if (attach(n, &e) < 0)
			log_error(&e);
	} else if (*at && (i->mask & IN_IGNORED)) {
		forget(at);
	} else if (*at && str_eq(i->name, RECORD) && look(n, (*at)->id)) {
		inotify_rm_watch(n->news.fd, i->wd);
		forget(at);
	}
}

static void on_news(void *arg, short revents)
{
	struct node *n = arg;
	char text[16 << 10] __attribute__((aligned(__alignof__(struct inotify_event)))) = { 0 };
	ssize_t len;

	(void)revents;
	while ((len = read(n->news.fd, text, sizeof(text))) > 0) {
		for (char *s = text; s < text + len;) {
			const struct inotify_event *i = (const struct inotify_event *)s;

			on_one(n, i);
			s += sizeof(*i) + i->len;
		}
	}
}

/* --- life --- */

static void on_signal(void *arg, short revents)
{
	struct node *n = arg;

	(void)revents;
	loop_stop(&n->loop);
}

static int node_watch(struct node *n, struct error *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	n->signals = (struct loop_fd){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
				       .events = POLLIN,
				       .ready = on_signal,
				       .arg = n };
	n->news = (struct loop_fd){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
				    .events = POLLIN,
				    .ready = on_news,
				    .arg = n };
	if (n->signals.fd < 0 || n->news.fd < 0)
		return error_set(e, errno, "signalfd and inotify");
	loop_fd_add(&n->loop, &n->signals);
	loop_fd_add(&n->loop, &n->news);
	return 0;
}

static int node_start(struct node *n, struct error *e)
{
	int r = config_access(n->config, &n->access, e);

	if (r == 0)
		r = connection_new(&n->loop, &n->access, REQUESTS, &n->connection, e);
	if (r < 0)
		return r;
	events_init(&n->events, n->connection, "strake-node", n->config->identity);
	r = node_watch(n, e);
	if (r == 0)
		r = attach(n, e);
	if (r < 0)
		return r;
	log_info("strake-operator " STRAKE_VERSION
		 " tells %s what node policies take from the containers in %s",
		 n->access.server, n->config->state);
	r = loop_run(&n->loop);
	return r < 0 ? error_set(e, -r, "event loop") : 0;
}

static void node_done(struct node *n)
{
	while (n->awaited)
		forget(&n->awaited);
	if (n->connection) {
		connection_abandon(n->connection);
		connection_free(n->connection);
	}
	mem_closep(&n->news.fd);
	mem_closep(&n->signals.fd);
	access_done(&n->access);
	loop_done(&n->loop);
}

int node_run(const struct config *config, struct error *e)
{
	struct node n = {
		.config = config, .signals = { .fd = -1 }, .news = { .fd = -1 }, .folder_wd = -1
	};
	int r;

	loop_init(&n.loop);
	r = node_start(&n, e);
	node_done(&n);
	return r;
}
