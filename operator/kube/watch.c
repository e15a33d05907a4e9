// SPDX-License-Identifier: Apache-2.0
#include "kube/watch.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "kube/connection.h"
#include "kube/query.h"

#define PAGE_SIZE_OBJECTS 100
#define LIST_MS           60000
#define STREAM_SHORT_S    240
#define STREAM_LONG_S     300
#define SLACK_S           5
#define VERY_SHORT_MS     1000
#define LONG_LIVED_MS     5000

/* Bookmarks come every minute where they come at all. */
#define METADATA_ITEM \
	"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
#define METADATA_LIST \
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

static void watch_list(struct watch *w);
static void watch_stream(struct watch *w, bool initial);

static void set_version(struct watch *w, const char *version)
{
	if (version)
		str_copy(w->version, sizeof(w->version), version);
}

/* --- what comes next --- */

static void go_on(struct watch *w)
{
	if (w->synced && *w->version)
		watch_stream(w, false);
	else if (w->no_stream)
		watch_list(w);
	else
		watch_stream(w, true);
}

static void retry(void *arg)
{
	go_on(arg);
}

static void forget(struct watch *w)
{
	*w->version = 0;
	w->synced = false;
	free(w->page);
	w->page = NULL;
}

static void wait_and_retry(struct watch *w, enum refusal why, const struct error *e,
			   unsigned asked_ms)
{
	uint64_t wait = backoff_next(&w->backoff, asked_ms);

	if (w->sink.failed)
		w->sink.failed(w->sink.arg, why, e, wait);
	loop_timer_set(connection_loop(w->c), &w->retry, wait);
}

/*
 * What a refusal means: too old - start anew; an API of another version, or streaming that is not
 * served - take the next way at once; busy or away - the same again, later.
 */
static void refused(struct watch *w, enum refusal why, const struct error *e, unsigned asked_ms,
		    bool streaming_list)
{
	switch (why) {
	case REFUSAL_EXPIRED:
		forget(w);
		/* An apiserver that expires everything at once must not be asked in a circle. */
		wait_and_retry(w, why, e, asked_ms);
		return;
	case REFUSAL_INVALID:
	case REFUSAL_FORBIDDEN:
		if (streaming_list) {
			w->no_stream = true;
			watch_list(w);
			return;
		}
		forget(w);
		break;
	case REFUSAL_NOT_FOUND:
		forget(w);
		if (w->target.paths[w->path + 1]) {
			w->path++;
			go_on(w);
			return;
		}
		w->path = 0;
		break;
	default:
		break;
	}
	wait_and_retry(w, why, e, asked_ms);
}

static void begin(struct watch *w)
{
	w->listing = true;
	w->sink.begin(w->sink.arg);
}

static void all_told(struct watch *w)
{
	w->listing = false;
	w->synced = true;
	w->sink.synced(w->sink.arg);
	/* Trees of everything have come and gone: the room goes back to the kernel. */
	malloc_trim(0);
}

/* --- the stream --- */

static bool initial_end(const json_t *object)
{
	const json_t *annotations = tree_get(object, "metadata.annotations");

	return str_eq(
		json_string_value(json_object_get(annotations, "k8s.io/initial-events-end")),
		"true");
}

static int on_frame(void *arg, const struct frame *f)
{
	struct watch *w = arg;

	w->moved = true;
	if (f->type == FRAME_ERROR) {
		w->inside_retry_ms =
			(unsigned)tree_integer(f->object, "details.retryAfterSeconds", 0) *
			1000;
		w->inside = refusal_of_status(f->object, &w->inside_error);
		return -ECANCELED;
	}
	/* The version of an initial event is its object's own: only the bookmark at the end of
	 * them says from where the stream goes on. */
	if (!w->listing || f->type == FRAME_BOOKMARK)
		set_version(w, tree_string(f->object, "metadata.resourceVersion"));
	if (f->type == FRAME_BOOKMARK) {
		w->bookmarks = true;
		if (w->listing && initial_end(f->object))
			all_told(w);
	} else if (f->type == FRAME_DELETED) {
		w->sink.gone(w->sink.arg, f->object);
	} else {
		w->sink.object(w->sink.arg, f->object, w->listing);
	}
	return 0;
}

static int on_stream_data(void *arg, const char *data, size_t len)
{
	struct watch *w = arg;

	return frames_add(&w->frames, data, len, on_frame, w);
}

static void on_stream_done(void *arg, const struct answer *a)
{
	struct watch *w = arg;
	uint64_t lived = proc_now_ms() - w->started_ms;
	bool initial = w->listing;
	struct error e = ERROR_INIT;
	enum refusal why;

	w->request = NULL;
	w->listing = false;
	if (w->inside) {
		e = w->inside_error;
		refused(w, w->inside, &e, w->inside_retry_ms, initial);
		return;
	}
	why = refusal_of(a, &e);
	if (why == REFUSAL_UNREACHABLE && e.errnum == EBADMSG) {
		/* Bytes we cannot read: what we know may have a hole. */
		forget(w);
	} else if (why == REFUSAL_NONE) {
		/* The server's own end of a stream is the usual thing. */
		if (!initial && w->moved && lived >= VERY_SHORT_MS) {
			go_on(w);
			return;
		}
		error_say(&e, EPIPE, "the watch ended %s",
			  initial ? "before all objects had come" : "at once");
		why = REFUSAL_UNREACHABLE;
	} else if (why == REFUSAL_UNREACHABLE && !initial && lived >= LONG_LIVED_MS) {
		/* Cut on the way after a good while: what waits now is the next failure. */
		go_on(w);
		return;
	}
	refused(w, why, &e, a->retry_after_ms, initial);
}

static int add_selector(const struct watch *w, struct buf *path, char sign)
{
	if (!w->target.selector)
		return 0;
	return buf_addf(path, "%clabelSelector=%s", sign, w->target.selector);
}

static void send(struct watch *w, const struct call *call)
{
	struct error e = ERROR_INIT;

	if (connection_send(w->c, call, &w->request) < 0) {
		error_set(&e, ENOMEM, "watch");
		wait_and_retry(w, REFUSAL_UNREACHABLE, &e, 0);
	}
}

static void watch_stream(struct watch *w, bool initial)
{
	unsigned seconds = (unsigned)loop_random(STREAM_SHORT_S, STREAM_LONG_S);
	autobuf path;
	int r;

	buf_init(&path, 8192);
	r = buf_addf(&path, "%s?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u",
		     w->target.paths[w->path], seconds);
	if (!r && initial)
		r = buf_adds(&path,
			     "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
	else if (!r)
		r = buf_addf(&path, "&resourceVersion=%s", w->version);
	if (!r)
		r = add_selector(w, &path, '&');
	frames_reset(&w->frames);
	w->inside = REFUSAL_NONE;
	w->inside_retry_ms = 0;
	w->moved = false;
	w->started_ms = proc_now_ms();
	if (initial)
		begin(w);
	send(w, &(struct call){
			.method = "GET",
			.path = r < 0 ? w->target.paths[w->path] : path.data,
			.accept = w->target.metadata_only ? METADATA_ITEM : NULL,
			.lane = LANE_WATCH,
			.timeout_ms = (seconds + SLACK_S) * 1000,
			.idle_ms = w->bookmarks ? w->target.idle_ms : 0,
			.data = on_stream_data,
			.done = on_stream_done,
			.arg = w,
		});
}

/* --- the list, page by page --- */

static int take_page(struct watch *w, const struct answer *a, struct error *e)
{
	json_auto_t *list = tree_load(a->body, a->len);
	const char *more = tree_string(list, "metadata.continue");
	json_t *items = tree_get(list, "items"), *item;
	size_t i;

	if (!json_is_array(items) && !json_is_null(items))
		return error_say(e, EBADMSG, "the answer to a list holds no items");
	json_array_foreach(items, i, item) w->sink.object(w->sink.arg, item, true);
	free(w->page);
	w->page = str_empty(more) ? NULL : strdup(more);
	if (!str_empty(more) && !w->page)
		return error_set(e, ENOMEM, "list");
	set_version(w, tree_string(list, "metadata.resourceVersion"));
	return 0;
}

static void on_list_done(void *arg, const struct answer *a)
{
	struct watch *w = arg;
	struct error e = ERROR_INIT;
	enum refusal why = refusal_of(a, &e);

	w->request = NULL;
	if (why == REFUSAL_NONE && take_page(w, a, &e) < 0)
		why = REFUSAL_UNREACHABLE;
	if (why != REFUSAL_NONE) {
		w->listing = false;
		forget(w);
		refused(w, why, &e, a->retry_after_ms, false);
	} else if (w->page) {
		watch_list(w);
	} else {
		all_told(w);
		watch_stream(w, false);
	}
}

static void watch_list(struct watch *w)
{
	autobuf path;
	int r;

	buf_init(&path, 1 << 20);
	r = buf_addf(&path, "%s?limit=%d", w->target.paths[w->path], PAGE_SIZE_OBJECTS);
	if (!r && w->page)
		r = buf_adds(&path, "&continue=");
	if (!r && w->page)
		r = query_escape(&path, w->page);
	if (!r)
		r = add_selector(w, &path, '&');
	if (!w->listing)
		begin(w);
	send(w, &(struct call){
			.method = "GET",
			.path = r < 0 ? w->target.paths[w->path] : path.data,
			.accept = w->target.metadata_only ? METADATA_LIST : NULL,
			.lane = LANE_WATCH,
			.timeout_ms = LIST_MS,
			.done = on_list_done,
			.arg = w,
		});
}

/* --- life --- */

void watch_init(struct watch *w, struct connection *c, const struct watch_target *target,
		const struct watch_sink *sink)
{
	*w = (struct watch){
		.c = c,
		.target = *target,
		.sink = *sink,
		.backoff = BACKOFF_WATCH,
		.retry = { .fire = retry, .arg = w },
	};
	frames_init(&w->frames);
}

void watch_start(struct watch *w)
{
	go_on(w);
}

void watch_done(struct watch *w)
{
	if (!w->c)
		return;
	loop_timer_stop(connection_loop(w->c), &w->retry);
	request_cancel(w->request);
	frames_done(&w->frames);
	free(w->page);
	*w = (struct watch){ 0 };
}
