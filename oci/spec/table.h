/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct arena;
struct error;
struct spec_name;
struct spec_pairs;
struct spec_strings;

/*
 * JSON objects into structs by tables: key, kind, handler, offset, argument. What a table does not
 * name is ignored, null is the same as absent, and of a repeated key the last one counts.
 * Messages name file, line and JSON path: "config.json:7: process.args must be an array of
 * strings, not a number".
 */
struct reader {
	struct arena *arena;
	const char *file;
	struct spec_strings *warnings; /* NULL: nobody listens */
	const struct json *known;      /* an object that was read elsewhere; NULL: none */
	bool met_known;                /* it was the value of linux.seccomp */
	struct error *e;
};

enum kind {
	KIND_BOOL,
	KIND_NUMBER, /* an integer */
	KIND_STRING,
	KIND_STRINGS, /* an array of strings */
	KIND_NUMBERS,
	KIND_OBJECT,
	KIND_OBJECTS,
	KIND_PAIRS, /* an object of strings */
};

struct field;
/* Reads j, whose kind is right (an array's items are yet unseen), into dst. 0 or -errno. */
typedef int (*field_read)(struct reader *r, const struct json *j, const struct field *f,
			  void *dst);

#define FIELD_REQUIRED 1u

struct field {
	const char *key;
	enum kind kind;
	field_read read;
	size_t offset;
	const void *arg; /* the handler's: a table, a list of names */
	unsigned int flags;
};

struct table {
	size_t size; /* of the struct, for arrays of it */
	const struct field *fields;
	size_t n;
};

#define TABLE(type, fields)                                                \
	{                                                                  \
		sizeof(type), fields, sizeof(fields) / sizeof((fields)[0]) \
	}

/* Where "size_t n; T *v" begins; does not compile unless they stand side by side like that. */
#define LIST_OFFSET(type, n, v) \
	(offsetof(type, n) +    \
	 0 * sizeof(char[offsetof(type, v) == offsetof(type, n) + sizeof(size_t) ? 1 : -1]))

int table_read(struct reader *r, const struct json *object, const struct table *t, void *base);

/* The document as a whole: checks that it is an object. */
int table_read_document(struct reader *r, const struct json *j, const struct table *t,
			void *base);

/* Handlers; the type behind dst stands beside each. */
int read_bool(struct reader *r, const struct json *j, const struct field *f, void *dst);
int read_string(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* const char *; "" is as good as absent */
int read_strings(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct spec_strings */
int read_pairs(struct reader *r, const struct json *j, const struct field *f,
	       void *dst); /* struct spec_pairs */
int read_u16(struct reader *r, const struct json *j, const struct field *f,
	     void *dst); /* uint32_t, at most 65535 */
int read_u32(struct reader *r, const struct json *j, const struct field *f, void *dst);
int read_i32(struct reader *r, const struct json *j, const struct field *f, void *dst);
int read_u64(struct reader *r, const struct json *j, const struct field *f, void *dst);
int read_i64(struct reader *r, const struct json *j, const struct field *f, void *dst);
int read_id(struct reader *r, const struct json *j, const struct field *f,
	    void *dst); /* uint32_t, a uid or gid: (uint32_t)-1 is none */
int read_ids(struct reader *r, const struct json *j, const struct field *f,
	     void *dst); /* size_t n; uint32_t *v */
int read_opt_i64(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct opt_i64 */
int read_opt_u64(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct opt_u64 */
int read_opt_u32(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct opt_u64, at most 2^32-1 */
int read_opt_u16(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct opt_u64, at most 65535 */
int read_name(struct reader *r, const struct json *j, const struct field *f,
	      void *dst); /* uint32_t or int; arg: struct spec_name[] */
int read_flags(struct reader *r, const struct json *j, const struct field *f,
	       void *dst); /* uint64_t; arg: struct spec_name[] */
int read_object(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* a struct; arg: struct table */
int read_present(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* a struct that begins with "bool present"; arg: struct table */
int read_objects(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* size_t n; T *v; arg: struct table of T */
int read_named_objects(
	struct reader *r, const struct json *j, const struct field *f,
	void *dst); /* the same of an object's members; T begins with "const char *", the key */

/* For handlers of their own. */
int reader_refuse(struct reader *r, const struct json *j, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int reader_expect(struct reader *r, const struct json *j, enum kind kind);
int reader_no_memory(struct reader *r); /* -ENOMEM with its text */
void reader_warn(struct reader *r, const struct json *j, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int reader_unsigned(struct reader *r, const struct json *j, uint64_t max, uint64_t *ret);
int reader_signed(struct reader *r, const struct json *j, int64_t min, int64_t max,
		  int64_t *ret);
/* The value of one of the names, or an error that lists them. */
int reader_name(struct reader *r, const struct json *j, const struct spec_name *names,
		uint64_t *ret);
