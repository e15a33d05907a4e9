// SPDX-License-Identifier: Apache-2.0
#include "engine/postgresql_access.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "api/database.h"
#include "api/problem.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define FILE_MAX  (256u << 10)
#define FIELD_MAX 256
#define FIELDS    32

enum connection {
	LOCAL = 1,
	PLAIN = 2,     /* by TCP */
	ENCRYPTED = 4, /* by TCP and TLS */
	REMOTE = PLAIN | ENCRYPTED,
};

static const struct {
	const char *word;
	enum connection of;
} types[] = {
	{ "local", LOCAL },     { "host", REMOTE },       { "hostssl", ENCRYPTED },
	{ "hostnossl", PLAIN }, { "hostgssenc", REMOTE }, { "hostnogssenc", REMOTE },
};

/* What the server is built with, and on which connections it takes each. */
static const struct {
	const char *word;
	enum connection on;
	const char *needs[2]; /* an option, or one of its alternatives between blanks */
} methods[] = {
	{ "cert", ENCRYPTED, { NULL } },
	{ "gss", REMOTE, { NULL } },
	{ "ident", LOCAL | REMOTE, { NULL } },
	{ "ldap", LOCAL | REMOTE, { "ldapbasedn ldapprefix ldapsuffix ldapurl" } },
	{ "md5", LOCAL | REMOTE, { NULL } },
	{ "pam", LOCAL | REMOTE, { NULL } },
	{ "password", LOCAL | REMOTE, { NULL } },
	{ "peer", LOCAL, { NULL } },
	{ "radius", LOCAL | REMOTE, { "radiusservers", "radiussecrets" } },
	{ "reject", LOCAL | REMOTE, { NULL } },
	{ "scram-sha-256", LOCAL | REMOTE, { NULL } },
	{ "trust", LOCAL | REMOTE, { NULL } },
};

/* --- one line --- */

struct line {
	size_t index; /* in the list */
	char text[1025];
	char *fields[FIELDS];
	unsigned n;
	struct problems *p;
};

static void wrong(const struct line *l, const char *word, const char *what)
{
	problems_add(l->p, "config.hostBasedAuthentication", "[%zu] \"%.60s\" %s", l->index,
		     word, what);
}

/*
 * The end of a field: blanks end it outside of quotes, unless a comma has just been there, by which lists
 * go on. NULL: a quote that is not closed.
 */
static char *field_end(char *s)
{
	bool quoted = false, comma = false;

	for (; *s && *s != '\n'; s++) {
		if (*s == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (*s == '#' || ((*s == ' ' || *s == '\t') && !comma))
			break;
		if (*s != ' ' && *s != '\t')
			comma = *s == ',';
	}
	return quoted ? NULL : s;
}

/* False: it cannot be read. No field at all is a remark, or an empty line. */
static bool line_split(struct line *l, const char *text)
{
	char *s = l->text;

	if (str_copy(l->text, sizeof(l->text), text) < 0) {
		wrong(l, text, "is longer than 1024 bytes");
		return false;
	}
	for (;;) {
		char *end, last;

		s += strspn(s, " \t");
		if (!*s || *s == '#')
			return true;
		end = field_end(s);
		if (!end) {
			wrong(l, s, "begins a quote that does not end");
			return false;
		}
		if (l->n == FIELDS) {
			wrong(l, s, "is one word too many");
			return false;
		}
		last = *end;
		*end = 0;
		l->fields[l->n++] = s;
		if (!last || last == '#')
			return true;
		s = end + 1;
	}
}

static bool is_address_with_bits(const char *s)
{
	const char *slash = strchr(s, '/');
	unsigned char bytes[16];
	char address[64];
	uint32_t bits;

	if (!slash || (size_t)(slash - s) >= sizeof(address) ||
	    str_to_u32(slash + 1, &bits) < 0)
		return false;
	memcpy(address, s, (size_t)(slash - s));
	address[slash - s] = 0;
	if (inet_pton(AF_INET, address, bytes) == 1)
		return bits <= 32;
	return inet_pton(AF_INET6, address, bytes) == 1 && bits <= 128;
}

static int family_of(const char *s)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, s, bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, s, bytes) == 1 ? AF_INET6 : 0;
}

static bool is_host_name(const char *s)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_";

	return *s && strspn(s, bytes) == strlen(s) && s[strspn(s, "0123456789.")];
}

/* Where the method stands, behind an address and perhaps its mask; 0: told what is wrong. */
static unsigned line_address(const struct line *l)
{
	const char *address = l->n > 3 ? l->fields[3] : "";
	int family = family_of(address);

	if (str_eq(address, "all") || str_eq(address, "samehost") ||
	    str_eq(address, "samenet") || is_address_with_bits(address))
		return 4;
	if (family && l->n > 4 && family_of(l->fields[4]) == family)
		return 5;
	if (!*address)
		wrong(l, l->fields[0], "must have a database, a role, an address and a method");
	else if (family)
		wrong(l, address, "must have a mask, such as /32 behind it");
	else if (is_host_name(address))
		return 4;
	else
		wrong(l, address, "is no address: take all, samenet, a name or 10.0.0.0/8");
	return 0;
}

static bool has_option(const struct line *l, unsigned from, const char *names)
{
	for (unsigned i = from; i < l->n; i++) {
		size_t len = strcspn(l->fields[i], "=");

		for (const char *at = names; *at; at += strcspn(at, " "), at += *at == ' ')
			if (strcspn(at, " ") == len && !strncmp(at, l->fields[i], len))
				return true;
	}
	return false;
}

static void check_options(const struct line *l, unsigned from, const char *const needs[2])
{
	for (unsigned i = from; i < l->n; i++)
		if (!strchr(l->fields[i], '=') || *l->fields[i] == '=')
			wrong(l, l->fields[i], "is no option of the form name=value");
	for (size_t i = 0; i < 2 && needs[i]; i++)
		if (!has_option(l, from, needs[i]))
			problems_add(l->p, "config.hostBasedAuthentication",
				     "[%zu] \"%s\" needs the option %.*s", l->index,
				     l->fields[from - 1], (int)strcspn(needs[i], " "),
				     needs[i]);
}

static void check_method(const struct line *l, unsigned at, enum connection of)
{
	const char *word = at < l->n ? l->fields[at] : NULL;

	if (!word) {
		wrong(l, l->fields[0], "has no method, such as scram-sha-256, at its end");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!str_eq(word, methods[i].word))
			continue;
		if ((methods[i].on & of) != of)
			wrong(l, word,
			      methods[i].on == LOCAL       ? "is for local lines only"
			      : methods[i].on == ENCRYPTED ? "is for hostssl lines only"
							   : "is not for local lines");
		check_options(l, at + 1, methods[i].needs);
		return;
	}
	wrong(l, word, "is no method of the server's: scram-sha-256, cert, reject, ...");
}

static void check_line(struct line *l)
{
	enum connection of = 0;
	unsigned method = 3;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_eq(l->fields[0], types[i].word))
			of = types[i].of;
	if (!of) {
		wrong(l, l->fields[0],
		      "is no type of line: it must be local, host, hostssl, hostnossl, "
		      "hostgssenc or hostnogssenc");
		return;
	}
	if (l->n < 3) {
		wrong(l, l->fields[0], "must have a database, a role and a method");
		return;
	}
	if (of != LOCAL)
		method = line_address(l);
	if (method)
		check_method(l, method, of);
}

void access_check(const struct database *d, struct problems *p)
{
	json_t *item;
	size_t i;

	json_array_foreach(d->hba, i, item)
	{
		const char *text = json_string_value(item);
		struct line l = { .index = i, .p = p };

		if (strpbrk(text, "\n\r"))
			wrong(&l, text, "must be one line");
		else if (str_ends(text, "\\"))
			wrong(&l, "\\", "at its end would join the next line to it");
		else if (line_split(&l, text) && l.n)
			check_line(&l);
	}
}

/* --- the file --- */

/*
 * First what must hold whatever people write: the probes and scripts of the pod come in by the socket,
 * replicas to the log and to their slots. Last what holds where people write nothing.
 */
char *access_file(const struct database *d)
{
	const char *host = database_requires_tls(d) ? "hostssl" : "host";
	autobuf b;
	json_t *line;
	size_t i;

	buf_init(&b, FILE_MAX);
	buf_adds(&b, "# Written by the operator: change spec.config.hostBasedAuthentication "
		     "instead.\n"
		     "local all postgres scram-sha-256\n");
	buf_addf(&b, "%s replication,postgres postgres all scram-sha-256\n", host);
	if (database_requires_tls(d))
		buf_adds(&b, "hostnossl all,replication all all reject\n");
	json_array_foreach(d->hba, i, line) buf_addf(&b, "%s\n", json_string_value(line));
	buf_addf(&b, "local all all scram-sha-256\n%s all all all scram-sha-256\n", host);
	return take_ptr(&b.data);
}
