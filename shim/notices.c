/* SPDX-License-Identifier: Apache-2.0 */
#include "notices.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "events.h"
#include "events.pb-c.h"
#include "run/notice.h"

#define NOTICES_TREE_MAX (256u << 10)
#define NOTICES_LABELS   24
#define NOTICES_AGAIN_MS 1000

/* --- an event ---------------------------------------------------------------------------------- */

/* Words stay as they are; what is more is its JSON. NULL: nothing, or without memory. */
static char *notice_value(struct arena *a, const struct json *j)
{
	autobuf text = { .max = NOTICE_MAX_BYTES };
	autojson *w = NULL;

	if (j->type == JSON_NULL)
		return NULL;
	if (j->type == JSON_STRING || j->type == JSON_NUMBER)
		return arena_strdup(a, j->text);
	w = json_writer_new(false);
	if (!w)
		return NULL;
	json_write_tree(w, j);
	return json_writer_end(w, &text) == 0 ? arena_strdup(a, text.data) : NULL;
}

static void notice_publish(struct notices *n, struct arena *a, const struct json *object)
{
	Pb__ContainerUpdate m = PB__CONTAINER_UPDATE__INIT;
	Pb__ContainerUpdate__LabelsEntry entries[NOTICES_LABELS], *labels[NOTICES_LABELS];
	const char *kind = json_get_string(object, "kind");
	const struct json *j;
	char topic[64];

	if (!kind || str_format(topic, sizeof(topic), "/strake/policy/%s",
				str_eq(kind, "seccomp") ? "denied" : kind) < 0)
		return;
	for (j = object->child; j && m.n_labels < NOTICES_LABELS; j = j->next) {
		Pb__ContainerUpdate__LabelsEntry *entry = &entries[m.n_labels];

		pb__container_update__labels_entry__init(entry);
		entry->key = (char *)(uintptr_t)j->key;
		entry->value = notice_value(a, j);
		if (str_eq(j->key, "container"))
			m.id = entry->value ?: m.id;
		else if (entry->value)
			labels[m.n_labels++] = entry;
	}
	m.labels = labels;
	events_publish(n->events, topic, "ContainerUpdate", &m.base);
}

/* --- where they come from ---------------------------------------------------------------------- */

static int notice_take(struct notices *n)
{
	char data[NOTICE_MAX_BYTES];
	ssize_t len = recv(n->in.fd, data, sizeof(data), MSG_DONTWAIT);
	struct json *object;
	struct arena a;

	if (len <= 0)
		return len < 0 && errno == EINTR ? 0 : -EAGAIN;
	arena_init(&a, NOTICES_TREE_MAX);
	if (json_parse(&a, "notice", data, (size_t)len, &object, NULL) == 0)
		notice_publish(n, &a, object);
	arena_done(&a);
	return 0;
}

static void notices_again(struct timer *t)
{
	struct notices *n = loop_owner(t, struct notices, again);

	if (loop_set(n->loop, &n->in, EPOLLIN) < 0)
		log_warning("what node policies do is not told any more");
}

static void notices_ready(struct source *s, uint32_t events)
{
	struct notices *n = loop_owner(s, struct notices, in);

	(void)events;
	while (events_waiting(n->events) < NOTICES_WAITING)
		if (notice_take(n) < 0)
			return;
	/* containerd is away, or slow. */
	if (timer_set(n->loop, &n->again, NOTICES_AGAIN_MS, notices_again) == 0)
		loop_remove(n->loop, s);
}

void notices_init(struct notices *n, struct loop *l, struct events *ev)
{
	int pair[2];

	*n = (struct notices){
		.loop = l, .events = ev, .in = SOURCE_NONE, .again = TIMER_NONE, .out_fd = -1
	};
	if (!ev->address ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	n->in.fd = pair[0];
	n->in.ready = notices_ready;
	n->out_fd = pair[1];
	if (loop_set(l, &n->in, EPOLLIN) == 0)
		return;
	loop_close(l, &n->in);
	mem_closep(&n->out_fd);
	n->out_fd = -1;
}
