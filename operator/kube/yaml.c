// SPDX-License-Identifier: Apache-2.0
#include "kube/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yaml.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define YAML_MAX_DEPTH 100
#define YAML_MAX_NODES 200000
#define YAML_MAX_SIZE  (4u << 20)

struct yaml_walk {
	const char *name;
	yaml_document_t *document;
	unsigned nodes;
	struct error *e;
};

static json_t *scalar_number(const char *text)
{
	char *end;
	long long whole;
	double real;

	if (!strchr("+-.0123456789", *text) || strpbrk(text, "xXnNiI_ "))
		return NULL;
	errno = 0;
	whole = strtoll(text, &end, 10);
	if (!*end && !errno)
		return json_integer(whole);
	real = strtod(text, &end);
	return *end || !isfinite(real) ? NULL : json_real(real);
}

static json_t *scalar_plain(const char *text)
{
	static const char *const yes[] = { "true", "yes", "on", "y", NULL };
	static const char *const no[] = { "false", "no", "off", "n", NULL };
	json_t *number;

	if (!*text || str_eq(text, "~") || !strcasecmp(text, "null"))
		return json_null();
	for (size_t i = 0; yes[i]; i++) {
		if (!strcasecmp(text, yes[i]))
			return json_true();
		if (!strcasecmp(text, no[i]))
			return json_false();
	}
	number = scalar_number(text);
	return number ? number : json_string(text);
}

static json_t *yaml_node(struct yaml_walk *w, const yaml_node_t *node, int depth);

static json_t *refuse(struct yaml_walk *w, const yaml_node_t *node, const char *what)
{
	if (!w->e->errnum)
		error_say(w->e, EINVAL, "%s: line %zu: %s", w->name, node->start_mark.line + 1,
			  what);
	return NULL;
}

static json_t *yaml_scalar(struct yaml_walk *w, const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;
	size_t len = node->data.scalar.length;
	json_t *value;

	if (memchr(text, 0, len))
		return refuse(w, node, "a string holds a NUL");
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		value = scalar_plain(text);
	else
		value = json_stringn(text, len);
	return value ? value : refuse(w, node, "a string is not UTF-8");
}

static json_t *yaml_sequence(struct yaml_walk *w, const yaml_node_t *node, int depth)
{
	json_auto_t *array = json_array();

	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		json_t *item = yaml_node(w, yaml_document_get_node(w->document, *i), depth + 1);

		if (!item)
			return NULL;
		json_array_append_new(array, item);
	}
	return json_incref(array);
}

static json_t *yaml_mapping(struct yaml_walk *w, const yaml_node_t *node, int depth)
{
	json_auto_t *object = json_object();

	for (yaml_node_pair_t *i = node->data.mapping.pairs.start;
	     i < node->data.mapping.pairs.top; i++) {
		yaml_node_t *key = yaml_document_get_node(w->document, i->key);
		const char *name;
		json_t *value;

		if (key->type != YAML_SCALAR_NODE)
			return refuse(w, key, "the name of a member must be a scalar");
		name = (const char *)key->data.scalar.value;
		if (json_object_get(object, name))
			return refuse(w, key, "a member is there twice");
		value = yaml_node(w, yaml_document_get_node(w->document, i->value), depth + 1);
		if (!value)
			return NULL;
		if (json_object_set_new(object, name, value) < 0)
			return refuse(w, key, "the name of a member is not UTF-8");
	}
	return json_incref(object);
}

static json_t *yaml_node(struct yaml_walk *w, const yaml_node_t *node, int depth)
{
	if (depth > YAML_MAX_DEPTH || ++w->nodes > YAML_MAX_NODES)
		return refuse(w, node, "too deep or too large");
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return yaml_scalar(w, node);
	case YAML_SEQUENCE_NODE:
		return yaml_sequence(w, node, depth);
	case YAML_MAPPING_NODE:
		return yaml_mapping(w, node, depth);
	default:
		return refuse(w, node, "unexpected node");
	}
}

static int syntax(const char *name, const yaml_parser_t *parser, struct error *e)
{
	return error_say(e, EINVAL, "%s: line %zu, column %zu: %s", name,
			 parser->problem_mark.line + 1, parser->problem_mark.column + 1,
			 parser->problem ? parser->problem : "out of memory");
}

int yaml_parse(const char *name, const char *data, size_t len, json_t **ret, struct error *e)
{
	struct error own = ERROR_INIT;
	json_auto_t *documents = json_array();
	yaml_parser_t parser;
	int r = 0;

	if (!documents || !yaml_parser_initialize(&parser))
		return error_set(e, ENOMEM, "%s", name);
	yaml_parser_set_input_string(&parser, (const unsigned char *)data, len);
	for (bool end = false; !end && !r;) {
		struct yaml_walk w = { .name = name, .e = &own };
		yaml_document_t document;
		yaml_node_t *root;
		json_t *tree;

		if (!yaml_parser_load(&parser, &document)) {
			r = syntax(name, &parser, e);
			break;
		}
		w.document = &document;
		root = yaml_document_get_root_node(&document);
		end = !root;
		tree = root ? yaml_node(&w, root, 0) : NULL;
		if (root && !tree) {
			if (e)
				*e = own;
			r = -EINVAL;
		}
		if (tree && !json_is_null(tree))
			json_array_append(documents, tree);
		json_decref(tree);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	if (!r)
		*ret = json_incref(documents);
	return r;
}

int yaml_read(const char *path, json_t **ret, struct error *e)
{
	autobuf text;
	autoclose int fd = -1;
	int r;

	buf_init(&text, YAML_MAX_SIZE);
	if (str_eq(path, "-")) {
		path = "standard input";
		r = buf_read_fd(&text, STDIN_FILENO);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		r = fd < 0 ? -errno : buf_read_fd(&text, fd);
	}
	if (r < 0)
		return error_set(e, -r, "cannot read %s", path);
	return yaml_parse(path, text.data ? text.data : "", text.len, ret, e);
}
