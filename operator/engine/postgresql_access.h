/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct database;
struct problems;

/* Who may come in, and how: the lines of pg_hba.conf. */

/*
 * The lines people give, one by one, as the server would read them: one that it does not take would keep
 * all of them from being taken up, and a server that starts from starting.
 */
void access_check(const struct database *d, struct problems *p);

/* The whole file. Allocated. */
char *access_file(const struct database *d);
