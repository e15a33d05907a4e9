/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "api/database.h"
#include "api/problem.h"
#include "plan.h"

struct operator_;
struct record;

/* One look at one Database: what was read, what is planned, what came of it. */
struct pass {
	struct operator_ *o;
	struct record *r;
	struct database database;
	struct problems problems;
	struct plan plan;
	bool paused;
};

/* apply.c: sends what was planned. Answers come later, and end the pass with the last of them. */
void apply_plan(struct pass *p);

/* status_write.c: writes the status if it is not what the server has. */
void status_write(struct pass *p);

/* events.c */
void events_of_pass(struct pass *p);

/* reconcile.c: the last answer of a pass has come, or there was none to wait for. */
void reconcile_end(struct operator_ *o, struct record *r);
