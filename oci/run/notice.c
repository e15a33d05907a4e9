/* SPDX-License-Identifier: Apache-2.0 */
#include "run/notice.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/stamp.h"
#include "oci.h"
#include "policy/merge.h"

int notice_send(int fd, const struct buf *object)
{
	ssize_t n;

	do
		n = send(fd, object->data, object->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static struct json_writer *notice_begin(const char *kind, const char *id, const char *request)
{
	struct json_writer *w = json_writer_new(false);
	char stamp[STAMP_SIZE];

	if (!w)
		return NULL;
	json_write_object(w);
	json_put_string(w, "time", stamp_now(stamp));
	json_put_string(w, "kind", kind);
	json_put_string(w, "container", id);
	json_put_string(w, "request", request);
	return w;
}

/* `whole`: with what was asked for, and became of it, which may be long. */
static int notice_write(struct buf *out, const char *id, const char *request,
			const struct policy_change *c, bool whole)
{
	autojson *w = notice_begin(c->refused ? "refuse" : "clamp", id, request);

	if (!w)
		return -ENOMEM;
	json_put_string(w, "policy", c->policy);
	json_put_string(w, "rule", c->rule);
	json_put_string(w, "mode", c->mode == POLICY_AUDIT ? "audit" : "enforce");
	json_put_string(w, "field", c->field);
	if (whole) {
		json_put_string(w, "requested", c->requested);
		json_put_string(w, c->refused ? "reason" : "effective", c->effective);
	}
	json_write_end(w);
	return json_writer_end(w, out);
}

static void notice_change(int fd, const char *id, const char *request,
			  const struct policy_change *c)
{
	autobuf whole = { .max = NOTICE_MAX_BYTES }, part = { .max = NOTICE_MAX_BYTES };

	if (notice_write(&whole, id, request, c, true) == 0)
		(void)notice_send(fd, &whole);
	else if (notice_write(&part, id, request, c, false) == 0)
		(void)notice_send(fd, &part);
}

static void notice_more(int fd, const char *id, const char *request, size_t n)
{
	autobuf out = { .max = NOTICE_MAX_BYTES };
	autojson *w = notice_begin("more", id, request);

	if (!w)
		return;
	json_put_u64(w, "count", n);
	json_write_end(w);
	if (json_writer_end(w, &out) == 0)
		(void)notice_send(fd, &out);
}

void notice_request(const struct oci_runtime *rt, const char *id, const char *request,
		    const struct policy_result *result)
{
	const struct policy_change *c;
	size_t n = 0;

	if (rt->policy_fd <= 0)
		return;
	for (c = result->first; c; c = c->next) {
		if (!c->refused && !c->requested)
			continue;
		if (n++ < NOTICE_MAX)
			notice_change(rt->policy_fd, id, request, c);
	}
	if (n > NOTICE_MAX)
		notice_more(rt->policy_fd, id, request, n - NOTICE_MAX);
}
