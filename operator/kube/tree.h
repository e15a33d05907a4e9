/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/*
 * JSON trees: jansson's, with paths. This is the one place that includes its header.
 *
 * A path is member names joined by dots ("metadata.name"); members whose own name holds a dot are
 * read by json_object_get(). Nothing here takes or gives a reference unless it says so, and
 * every reader accepts NULL and trees of another shape: what is not there is NULL, 0 or false.
 */
json_t *tree_get(const json_t *tree, const char *path);
const char *tree_string(const json_t *tree, const char *path);
int64_t tree_integer(const json_t *tree, const char *path, int64_t otherwise);
bool tree_true(const json_t *tree, const char *path);

/*
 * A number for a tree's meaning: the same for trees that are equal but for the order of members.
 * Never 0, so 0 can stand for "none". `seed` chains several.
 */
uint64_t tree_digest(const json_t *tree, uint64_t seed);
uint64_t text_digest(const char *text);

/*
 * Parses one value: a new reference, or NULL. A NUL that is written as an escape becomes U+FFFD, as
 * jansson takes none in names, and so does half of a pair: whoever may write one object must not
 * keep us from reading the rest.
 */
json_t *tree_load(const char *data, size_t len);

/* Compact text with sorted members, to be freed; NULL without memory. */
char *tree_text(const json_t *tree);

/* Sets a member and takes the reference to `value`, which may be NULL (nothing is set then). */
void tree_set(json_t *object, const char *name, json_t *value);
void tree_set_string(json_t *object, const char *name, const char *value);

/* An object of string members: name, value, name, value ... NULL. A new reference. */
json_t *tree_strings(const char *name, ...) __attribute__((sentinel));
