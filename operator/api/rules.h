/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct database;
struct problems;

/*
 * The rules across fields: what the CRD says in CEL for servers that know it, said again here for
 * those that do not and for people who run `check` before they apply.
 */
void rules_check(const struct database *d, struct problems *p);
