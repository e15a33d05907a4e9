// SPDX-License-Identifier: Apache-2.0
#include "kube/refusal.h"

#include <errno.h>

#include "base/error.h"
#include "base/str.h"
#include "kube/connection.h"

static bool has_cause(const json_t *status, const char *reason)
{
	json_t *cause;
	size_t i;

	json_array_foreach(tree_get(status, "details.causes"), i,
			   cause) if (str_eq(tree_string(cause, "reason"), reason)) return true;
	return false;
}

static enum refusal classify(int64_t code, const char *reason, const json_t *status)
{
	if (code >= 200 && code < 300)
		return REFUSAL_NONE;
	switch (code) {
	case 400:
	case 413:
	case 415:
	case 422:
		return REFUSAL_INVALID;
	case 401:
		return REFUSAL_UNAUTHORIZED;
	case 403:
		return has_cause(status, "NamespaceTerminating") ? REFUSAL_TERMINATING
								 : REFUSAL_FORBIDDEN;
	case 404:
	case 405:
		return REFUSAL_NOT_FOUND;
	case 409:
		return str_eq(reason, "AlreadyExists") ? REFUSAL_EXISTS : REFUSAL_CONFLICT;
	case 410:
		return REFUSAL_EXPIRED;
	case 429:
		return REFUSAL_TOO_MANY;
	default:
		return str_eq(reason, "Expired") || str_eq(reason, "Gone") ? REFUSAL_EXPIRED
									   : REFUSAL_SERVER;
	}
}

static int errno_of(enum refusal r)
{
	switch (r) {
	case REFUSAL_UNAUTHORIZED:
	case REFUSAL_FORBIDDEN:
		return EACCES;
	case REFUSAL_NOT_FOUND:
		return ENOENT;
	case REFUSAL_EXISTS:
		return EEXIST;
	case REFUSAL_CONFLICT:
	case REFUSAL_TERMINATING:
		return EBUSY;
	case REFUSAL_EXPIRED:
		return ESTALE;
	case REFUSAL_INVALID:
		return EINVAL;
	case REFUSAL_TOO_MANY:
		return EAGAIN;
	default:
		return EIO;
	}
}

enum refusal refusal_of_status(const json_t *status, struct error *e)
{
	int64_t code = tree_integer(status, "code", 500);
	const char *words = tree_string(status, "message");
	enum refusal r = classify(code, tree_string(status, "reason"), status);

	if (r != REFUSAL_NONE && e) {
		error_say(e, errno_of(r), "%s (HTTP %lld)",
			  words ? words : "the API server gave no reason", (long long)code);
		if (r == REFUSAL_FORBIDDEN)
			error_hint(
				e,
				"the RBAC rules in manifests/ grant what the operator needs");
	}
	return r;
}

enum refusal refusal_of(const struct answer *a, struct error *e)
{
	json_auto_t *status = NULL;

	if (!a->status) {
		if (e)
			*e = a->error;
		return REFUSAL_UNREACHABLE;
	}
	if (a->status >= 200 && a->status < 300)
		return REFUSAL_NONE;
	status = tree_load(a->body, a->len);
	/* A proxy on the way answers in HTML. */
	if (!str_eq(tree_string(status, "kind"), "Status")) {
		json_decref(status);
		status = json_object();
	}
	tree_set(status, "code", json_integer(a->status));
	return refusal_of_status(status, e);
}

const char *refusal_name(enum refusal r)
{
	static const char *const names[] = {
		"None",     "Unreachable",     "Unauthorized", "Forbidden",
		"NotFound", "Exists",          "Conflict",     "Expired",
		"Invalid",  "TooManyRequests", "Terminating",  "ServerError",
	};

	return names[r];
}
