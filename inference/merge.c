/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stale candidates are not searched for: they stay in the heap, and are known
 * by their length when they come up.
 */
#include "inference/merge.h"

#include "inference/reserve.h"

size_t merge_memory(size_t max)
{
	return reserve_bytes(max, sizeof(struct merge_symbol)) +
	       reserve_bytes(2 * max, sizeof(struct merge_candidate));
}

enum err merge_init(struct merge *merge, struct arena *arena, size_t max)
{
	struct merge made = { .max = max };

	if (max >= MERGE_END)
		return ERR_TOO_LARGE;
	made.symbols = arena_alloc(arena, max, sizeof(*made.symbols));
	made.heap = arena_alloc(arena, 2 * max, sizeof(*made.heap));
	if (made.symbols == NULL || made.heap == NULL)
		return ERR_TOO_LARGE;
	*merge = made;
	return ERR_OK;
}

void merge_add(struct merge *merge, uint32_t len, uint32_t token)
{
	uint32_t i = (uint32_t)merge->count;
	struct merge_symbol *symbol = &merge->symbols[i];

	invariant(merge->count < merge->max);
	*symbol = (struct merge_symbol){ .len = len,
					 .token = token,
					 .previous = MERGE_END,
					 .next = MERGE_END };
	if (i > 0) {
		symbol->previous = i - 1;
		symbol->start = symbol[-1].start + symbol[-1].len;
		symbol[-1].next = i;
	}
	merge->count++;
}

/* The heap's order: a total one, since each left symbol starts at its own
 * place, so the result does not depend on how the heap was filled. */
static bool is_before(const struct merge_candidate *a,
		      const struct merge_candidate *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->left < b->left;
}

static void push(struct merge *merge, const struct merge_candidate *candidate)
{
	struct merge_candidate *heap = merge->heap;
	size_t i = merge->heap_count++;

	/* A merge takes one candidate and brings two: never more than 2n. */
	invariant(i < 2 * merge->max);
	for (; i > 0 && is_before(candidate, &heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = *candidate;
}

/* The first candidate; the last one sinks to where it belongs. */
static struct merge_candidate pop(struct merge *merge)
{
	struct merge_candidate *heap = merge->heap;
	struct merge_candidate first = heap[0];
	struct merge_candidate last = heap[--merge->heap_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < merge->heap_count) {
		if (child + 1 < merge->heap_count &&
		    is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return first;
}

/* Offer the pair that starts at `left`, if there is one and it may merge. */
static void consider(struct merge *merge, struct bytes text,
		     const struct merge_rules *rules, uint32_t left)
{
	const struct merge_symbol *a, *b;
	struct merge_candidate candidate = { .left = left };

	if (left == MERGE_END)
		return;
	a = &merge->symbols[left];
	if (a->next == MERGE_END)
		return;
	b = &merge->symbols[a->next];
	candidate.len = a->len + b->len;
	if (rules->find(rules->context, text, a, b, &candidate))
		push(merge, &candidate);
}

/* Symbols only grow, so an unchanged length means an unchanged pair. */
static bool is_stale(const struct merge *merge,
		     const struct merge_candidate *candidate)
{
	const struct merge_symbol *left = &merge->symbols[candidate->left];

	return left->len == 0 || left->next == MERGE_END ||
	       left->len + merge->symbols[left->next].len != candidate->len;
}

/* The left symbol takes over its neighbour's text and place. */
static void join(struct merge *merge, const struct merge_candidate *candidate)
{
	struct merge_symbol *left = &merge->symbols[candidate->left];
	struct merge_symbol *right = &merge->symbols[left->next];

	left->len = candidate->len;
	left->token = candidate->token;
	left->next = right->next;
	right->len = 0;
	if (left->next != MERGE_END)
		merge->symbols[left->next].previous = candidate->left;
}

void merge_run(struct merge *merge, struct bytes text,
	       const struct merge_rules *rules)
{
	merge->heap_count = 0;
	for (uint32_t i = 0; i + 1 < merge->count; i++)
		consider(merge, text, rules, i);
	while (merge->heap_count > 0) {
		struct merge_candidate best = pop(merge);

		if (is_stale(merge, &best))
			continue;
		join(merge, &best);
		consider(merge, text, rules,
			 merge->symbols[best.left].previous);
		consider(merge, text, rules, best.left);
	}
}
