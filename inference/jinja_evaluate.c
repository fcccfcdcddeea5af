/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_evaluate.h"

#include "inference/jinja_access.h"
#include "inference/jinja_arithmetic.h"
#include "inference/jinja_invoke.h"
#include "inference/jinja_test.h"

typedef enum err evaluate_function(struct jinja_machine *machine,
				   const struct jinja_node *node,
				   struct jinja_value *out);

static const struct jinja_node *node_at(const struct jinja_machine *machine,
					uint32_t node)
{
	return jinja_machine_node(machine, node);
}

static uint32_t next_of(const struct jinja_machine *machine, uint32_t node)
{
	return jinja_machine_node(machine, node)->next;
}

static enum err undefined(struct jinja_machine *machine,
			  const struct jinja_node *node,
			  struct jinja_value *out)
{
	(void)machine;
	(void)node;
	*out = (struct jinja_value){ .kind = JINJA_VALUE_UNDEFINED };
	return ERR_OK;
}

static enum err none(struct jinja_machine *machine,
		     const struct jinja_node *node, struct jinja_value *out)
{
	(void)machine;
	(void)node;
	*out = (struct jinja_value){ .kind = JINJA_VALUE_NONE };
	return ERR_OK;
}

static enum err boolean(struct jinja_machine *machine,
			const struct jinja_node *node, struct jinja_value *out)
{
	(void)machine;
	*out = jinja_value_boolean(node->number != 0);
	return ERR_OK;
}

static enum err integer(struct jinja_machine *machine,
			const struct jinja_node *node, struct jinja_value *out)
{
	(void)machine;
	*out = (struct jinja_value){ .kind = JINJA_VALUE_INTEGER,
				     .number = node->number };
	return ERR_OK;
}

static enum err string(struct jinja_machine *machine,
		       const struct jinja_node *node, struct jinja_value *out)
{
	*out = jinja_value_string(jinja_text_of(
		jinja_machine_text(machine, node), JINJA_TEMPLATE));
	return ERR_OK;
}

/* Names that mean something to the reference and nothing here. */
static bool is_reserved(struct bytes name)
{
	static const char *const reserved[] = { "varargs", "kwargs", "caller",
						"self", "super" };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (bytes_equal(name, bytes_of_string(reserved[i])))
			return true;
	return false;
}

static enum err name(struct jinja_machine *machine,
		     const struct jinja_node *node, struct jinja_value *out)
{
	const struct jinja_value *found =
		jinja_machine_find(machine, node->text);

	if (found == NULL && is_reserved(jinja_machine_text(machine, node)))
		return ERR_UNSUPPORTED;
	if (found == NULL)
		return undefined(machine, node, out);
	*out = *found;
	return ERR_OK;
}

/* The values of nodes that follow each other, on the heap. */
static enum err values_of(struct jinja_machine *machine, uint32_t first,
			  struct jinja_value **values, size_t *count)
{
	size_t found = 0;

	for (uint32_t i = first; i != JINJA_PROGRAM_NONE;
	     i = next_of(machine, i))
		found++;
	TRY(jinja_heap_alloc(&machine->heap, found, sizeof(**values), values));
	*count = 0;
	for (uint32_t i = first; i != JINJA_PROGRAM_NONE;
	     i = next_of(machine, i))
		TRY(jinja_evaluate(machine, i, &(*values)[(*count)++]));
	return ERR_OK;
}

static enum err list(struct jinja_machine *machine,
		     const struct jinja_node *node, struct jinja_value *out)
{
	struct jinja_value *values;
	size_t count;

	TRY(values_of(machine, node->child, &values, &count));
	*out = jinja_value_list(values, count);
	return ERR_OK;
}

/* A key that comes again takes its new value, at its old place. */
static enum err put_pair(struct jinja_value *dict, struct jinja_pair *pairs,
			 const struct jinja_value *key,
			 const struct jinja_value *value)
{
	const struct jinja_pair *old = jinja_value_at(dict, key);
	size_t at = dict->dict.count;

	if (key->kind > JINJA_VALUE_STRING)
		return ERR_UNSUPPORTED;
	if (old != NULL)
		at = (size_t)(old - pairs);
	else
		pairs[dict->dict.count++].key = *key;
	pairs[at].value = *value;
	return ERR_OK;
}

static enum err dict(struct jinja_machine *machine,
		     const struct jinja_node *node, struct jinja_value *out)
{
	struct jinja_value made = { .kind = JINJA_VALUE_DICT };
	struct jinja_value *values;
	struct jinja_pair *pairs;
	size_t count;

	TRY(values_of(machine, node->child, &values, &count));
	TRY(jinja_heap_alloc(&machine->heap, count / 2, sizeof(*pairs),
			     &pairs));
	made.dict.pairs = pairs;
	for (size_t i = 0; i < count; i += 2) {
		TRY(jinja_heap_work(&machine->heap, made.dict.count));
		TRY(put_pair(&made, pairs, &values[i], &values[i + 1]));
	}
	*out = made;
	return ERR_OK;
}

static enum err attribute(struct jinja_machine *machine,
			  const struct jinja_node *node,
			  struct jinja_value *out)
{
	struct jinja_value object;

	TRY(jinja_evaluate(machine, node->child, &object));
	return jinja_access_attribute(machine, &object,
				      jinja_machine_text(machine, node), out);
}

static enum err item(struct jinja_machine *machine,
		     const struct jinja_node *node, struct jinja_value *out)
{
	struct jinja_value object, key;

	TRY(jinja_evaluate(machine, node->child, &object));
	TRY(jinja_evaluate(machine, next_of(machine, node->child), &key));
	return jinja_access_item(machine, &object, &key, out);
}

static enum err slice(struct jinja_machine *machine,
		      const struct jinja_node *node, struct jinja_value *out)
{
	struct jinja_value bounds[3] = { { .kind = JINJA_VALUE_NONE },
					 { .kind = JINJA_VALUE_NONE },
					 { .kind = JINJA_VALUE_NONE } };
	uint32_t bound = next_of(machine, node->child);
	struct jinja_value object;

	TRY(jinja_evaluate(machine, node->child, &object));
	for (size_t i = 0; i < 3 && bound != JINJA_PROGRAM_NONE; i++) {
		if (node_at(machine, bound)->kind != JINJA_NOTHING)
			TRY(jinja_evaluate(machine, bound, &bounds[i]));
		bound = next_of(machine, bound);
	}
	return jinja_access_slice(machine, &object, bounds, out);
}

/* a < b < c: every two neighbours, up to the first that do not compare so. */
static enum err compare(struct jinja_machine *machine,
			const struct jinja_node *node, struct jinja_value *out)
{
	uint32_t next = next_of(machine, node->child);
	struct jinja_value left, right;
	bool truth = true;

	TRY(jinja_evaluate(machine, node->child, &left));
	for (; next != JINJA_PROGRAM_NONE && truth;
	     next = next_of(machine, next)) {
		const struct jinja_node *one = node_at(machine, next);

		TRY(jinja_evaluate(machine, one->child, &right));
		TRY(jinja_test_compare(&machine->heap,
				       (enum jinja_comparison)one->number,
				       &left, &right, &truth));
		left = right;
	}
	*out = jinja_value_boolean(truth);
	return ERR_OK;
}

static enum err choose(struct jinja_machine *machine,
		       const struct jinja_node *node, struct jinja_value *out)
{
	uint32_t then = next_of(machine, node->child);
	uint32_t otherwise = next_of(machine, then);
	struct jinja_value condition;

	TRY(jinja_evaluate(machine, node->child, &condition));
	if (jinja_value_truth(&condition))
		return jinja_evaluate(machine, then, out);
	if (otherwise == JINJA_PROGRAM_NONE)
		return undefined(machine, node, out);
	return jinja_evaluate(machine, otherwise, out);
}

static enum err negation(struct jinja_machine *machine,
			 const struct jinja_node *node, struct jinja_value *out)
{
	struct jinja_value value;

	TRY(jinja_evaluate(machine, node->child, &value));
	*out = jinja_value_boolean(!jinja_value_truth(&value));
	return ERR_OK;
}

/* The first value that decides it, or the last. */
static enum err decide(struct jinja_machine *machine,
		       const struct jinja_node *node, struct jinja_value *out)
{
	bool decides = node->kind == JINJA_OR;

	for (uint32_t i = node->child; i != JINJA_PROGRAM_NONE;
	     i = next_of(machine, i)) {
		TRY(jinja_evaluate(machine, i, out));
		if (jinja_value_truth(out) == decides)
			break;
	}
	return ERR_OK;
}

static enum err negate(struct jinja_machine *machine,
		       const struct jinja_node *node, struct jinja_value *out)
{
	struct jinja_value value;

	TRY(jinja_evaluate(machine, node->child, &value));
	return jinja_arithmetic_negate(&value, out);
}

static enum err combine(struct jinja_machine *machine,
			const struct jinja_node *node, struct jinja_value *out)
{
	struct jinja_value *values;
	size_t count;

	TRY(values_of(machine, node->child, &values, &count));
	if (node->kind == JINJA_ADD)
		return jinja_arithmetic_add(machine, values, count, out);
	if (node->kind == JINJA_CONCAT)
		return jinja_arithmetic_concat(machine, values, count, out);
	return jinja_arithmetic_combine(machine, node->kind, values, out);
}

static evaluate_function *const functions[] = {
	[JINJA_NOTHING] = undefined,
	[JINJA_STRING] = string,
	[JINJA_INTEGER] = integer,
	[JINJA_BOOLEAN] = boolean,
	[JINJA_NONE] = none,
	[JINJA_NAME] = name,
	[JINJA_LIST] = list,
	[JINJA_DICT] = dict,
	[JINJA_ATTRIBUTE] = attribute,
	[JINJA_ITEM] = item,
	[JINJA_SLICE] = slice,
	[JINJA_CALL] = jinja_invoke_call,
	[JINJA_METHOD] = jinja_invoke_method,
	[JINJA_FILTER] = jinja_invoke_filter,
	[JINJA_TEST] = jinja_invoke_test,
	[JINJA_COMPARE] = compare,
	[JINJA_CHOOSE] = choose,
	[JINJA_NOT] = negation,
	[JINJA_AND] = decide,
	[JINJA_OR] = decide,
	[JINJA_NEGATE] = negate,
	[JINJA_ADD] = combine,
	[JINJA_CONCAT] = combine,
	[JINJA_SUBTRACT] = combine,
	[JINJA_MULTIPLY] = combine,
	[JINJA_DIVIDE] = combine,
	[JINJA_FLOOR_DIVIDE] = combine,
	[JINJA_MODULO] = combine,
	[JINJA_POWER] = combine,
};

enum err jinja_evaluate(struct jinja_machine *machine, uint32_t node,
			struct jinja_value *out)
{
	const struct jinja_node *what = node_at(machine, node);

	TRY(jinja_heap_enter(&machine->heap));
	invariant(functions[what->kind] != NULL);
	TRY(functions[what->kind](machine, what, out));
	jinja_heap_leave(&machine->heap);
	return ERR_OK;
}

enum err jinja_evaluate_truth(struct jinja_machine *machine, uint32_t node,
			      bool *out)
{
	size_t mark = machine->heap.used;
	struct jinja_value value;

	TRY(jinja_evaluate(machine, node, &value));
	*out = jinja_value_truth(&value);
	jinja_heap_release(&machine->heap, mark);
	return ERR_OK;
}
