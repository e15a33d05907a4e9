/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/database.h"
#include "api/kind.h"
#include "db/db.h"
#include "observed.h"

/*
 * What is to be done for a Database, from what is wanted and what is observed: pure, and the same
 * every time for the same input. An empty plan means that all is as it should be, or that the
 * next step is somebody else's; `waiting` says which.
 */
enum action_type {
	ACTION_CREATE,     /* a child whose name seems free */
	ACTION_APPLY,      /* a child that differs */
	ACTION_DELETE,     /* a child that is not wanted any more */
	ACTION_ORPHAN,     /* the StatefulSet, without its pods: its claim template must grow */
	ACTION_GROW,       /* a claim */
	ACTION_RESTART,    /* a pod of an older revision */
	ACTION_ROLE,       /* the label of a pod */
	ACTION_FINALIZER,  /* ours, on the Database: there or not, see `wanted` */
	ACTION_DROP_CLAIM, /* deletionPolicy Delete */
	ACTION_ISSUE,      /* a certificate, by its authority */
	ACTION_LISTEN,     /* to the primary, which makes what is declared */
};

struct action {
	enum action_type type;
	enum child child;
	int ordinal;      /* of a pod or a claim */
	uint64_t version; /* the object must still be as we saw it; 0: any */
	uint64_t
		wanted; /* APPLY, CREATE: digest of the body. FINALIZER: 1 add, 0 remove. LISTEN:
			     digest of what is declared */
	enum role role;
	const char *uid; /* of the pod; as long as the observation */
};

#define PLAN_MAX 64

struct plan {
	struct action actions[PLAN_MAX];
	unsigned n;
	struct quantity size; /* the claims' */
	uint16_t conflicts;   /* children whose place another object has */
	bool shrink;          /* less storage is wanted than there is */
	bool fixed_differs;   /* what never changes in a StatefulSet is wanted otherwise */
	bool old_children;    /* a namesake's children must go first */
	bool outdated;        /* pods of an older revision are there */
	bool resizing;        /* claims are on their way to their size */
	bool listening;       /* soon the primary must be asked (again) what it made */
};

/* What plan_make() must know beside the observation. */
struct plan_input {
	const struct database *database;
	const struct observed *observed;
	struct db_circumstances at; /* `size` is set by the plan */
	const uint64_t *wanted;     /* digests of children for at.size, or NULL: make them */
	int64_t now;                /* seconds of the epoch */
	uint64_t uid;               /* digest of the Database's uid */
	uint16_t conflicts;         /* known from a write that was refused */
	uint16_t made;              /* Secrets known to be there */
	bool blind;                 /* Secrets cannot be watched */
	bool finalizer;             /* ours is on it */
	bool deleting;
};

void plan_make(const struct plan_input *in, struct plan *ret);

/* The size the claims are to have: what is wanted, or more where they have more. */
struct quantity plan_size(const struct database *d, const struct observed *o);

/* The digests of all children, for plan_input.wanted. 0: not wanted. */
void plan_wanted(const struct database *d, const struct db_circumstances *at,
		 uint64_t ret[CHILD_MAX]);

/* How often a primary is asked soon; later it is only when it is looked at anyway. */
#define LISTEN_TRIES 24
#define LISTEN_S     5

const char *action_name(enum action_type type);

/* roll.c: at most one pod to delete, so that all get to the newest revision: true if there is. */
bool roll_next(const struct observed *o, int64_t replicas, struct action *ret);
bool roll_outdated(const struct observed *o, int64_t replicas);

/* finalize.c: what is to be done for a Database that is going away. */
void finalize_plan(const struct plan_input *in, struct plan *ret);

struct action *plan_add(struct plan *p, enum action_type type, enum child child);
