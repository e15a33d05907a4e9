// SPDX-License-Identifier: Apache-2.0
#include "kube/verb.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "kube/connection.h"
#include "kube/query.h"

#define CALL_MS 30000

static const struct {
	const char *method;
	const char *type;
	const char *query;
	bool write;
} verbs[] = {
	[VERB_GET] = { "GET", NULL, NULL, false },
	[VERB_CREATE] = { "POST", "application/json", "fieldValidation=Strict", true },
	[VERB_APPLY] = { "PATCH", "application/apply-patch+yaml",
			 "force=true&fieldValidation=Strict", true },
	[VERB_MERGE] = { "PATCH", "application/merge-patch+json", "fieldValidation=Strict",
			 true },
	[VERB_REPLACE] = { "PUT", "application/json", "fieldValidation=Strict", true },
	[VERB_DELETE] = { "DELETE", "application/json", NULL, true },
};

static int make_path(const struct verb_call *v, struct buf *path)
{
	const char *sign = "?";
	int r = buf_adds(path, v->path);

	if (!r && verbs[v->verb].query) {
		r = buf_addf(path, "%s%s", sign, verbs[v->verb].query);
		sign = "&";
	}
	if (!r && v->manager) {
		r = buf_addf(path, "%sfieldManager=", sign);
		sign = "&";
		if (!r)
			r = query_escape(path, v->manager);
	}
	if (!r && v->dry_run)
		r = buf_addf(path, "%sdryRun=All", sign);
	return r;
}

int verb_send(struct connection *c, const struct verb_call *v, struct request **ret)
{
	autofree char *text = v->body ? tree_text(v->body) : NULL;
	autobuf path;
	int r;

	buf_init(&path, 16384);
	r = make_path(v, &path);
	if (r < 0 || (v->body && !text))
		return -ENOMEM;
	return connection_send(
		c,
		&(struct call){
			.method = verbs[v->verb].method,
			.path = path.data,
			.type = text ? verbs[v->verb].type : NULL,
			.body = text,
			.len = text ? strlen(text) : 0,
			.accept = v->metadata_only
					  ? "application/json;as=PartialObjectMetadata;g=meta."
					    "k8s.io;v=v1,application/json"
					  : NULL,
			.lane = v->lease ? LANE_LEASE : LANE_API,
			.write = verbs[v->verb].write && !v->lease && !v->dry_run,
			.timeout_ms = v->timeout_ms ? v->timeout_ms : CALL_MS,
			.done = v->done,
			.arg = v->arg,
		},
		ret);
}

json_t *verb_delete_options(const char *uid, const char *version, const char *propagation)
{
	json_t *options = json_pack("{s:s, s:s, s:s}", "apiVersion", "v1", "kind",
				    "DeleteOptions", "propagationPolicy", propagation);
	json_t *only = json_object();

	tree_set_string(only, "uid", uid);
	tree_set_string(only, "resourceVersion", version);
	tree_set(options, "preconditions", only);
	return options;
}
