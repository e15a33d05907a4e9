/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct config;
struct error;

/* What the program does, one file per verb. 0, -errno, or a positive exit status. */
int verb_run(const struct config *c, struct error *e);
int verb_plan(const struct config *c, struct error *e);
int verb_node(const struct config *c, struct error *e);
int verb_check(const struct config *c, struct error *e);
