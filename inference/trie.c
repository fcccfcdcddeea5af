/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built from the sorted texts in one pass, nodes in the order of their depth: a
 * node stands for a range of the texts, its children for the parts of that
 * range that have the same next byte.
 */
#include "inference/trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

struct trie_node {
	uint32_t first_child;
	uint32_t value; /* or TRIE_NONE */
	uint16_t child_count;
	uint8_t byte; /* the last of the prefix */
};

/* The texts of a node, while the trie is built. */
struct range {
	uint32_t low, high;
	uint32_t depth; /* bytes that they share */
};

static int compare_texts(const void *a, const void *b)
{
	const struct trie_text *left = a;
	const struct trie_text *right = b;
	size_t len = left->text.len < right->text.len ? left->text.len
						      : right->text.len;
	int order =
		len == 0 ? 0 : memcmp(left->text.data, right->text.data, len);

	if (order != 0)
		return order;
	return (left->text.len > right->text.len) -
	       (left->text.len < right->text.len);
}

static size_t shared_bytes(struct bytes a, struct bytes b)
{
	size_t len = 0;

	while (len < a.len && len < b.len && a.data[len] == b.data[len])
		len++;
	return len;
}

/* Of sorted texts: the root, and what each adds to the one before it. */
static enum err count_nodes(const struct trie_text *texts, size_t count,
			    size_t *out)
{
	struct bytes before = { 0 };
	size_t nodes = 1;

	for (size_t i = 0; i < count; i++) {
		struct bytes text = texts[i].text;
		size_t shared = shared_bytes(before, text);

		if (shared == text.len)
			return ERR_MALFORMED;
		nodes += text.len - shared;
		before = text;
	}
	if (count >= TRIE_NONE || nodes >= TRIE_NONE)
		return ERR_TOO_LARGE;
	*out = nodes;
	return ERR_OK;
}

/* One child of a node: the texts from range->low on with the same next byte. */
static struct range cut_child(const struct trie_text *texts,
			      struct range *range)
{
	struct range child = { range->low, range->low, range->depth + 1 };
	uint8_t byte = texts[range->low].text.data[range->depth];

	while (child.high < range->high &&
	       texts[child.high].text.data[range->depth] == byte)
		child.high++;
	range->low = child.high;
	return child;
}

/* Each node's children are appended when its turn comes; ranges [count]. */
static void fill_nodes(const struct trie_text *texts, struct range *ranges,
		       struct trie *trie)
{
	uint32_t made = 1;

	for (uint32_t i = 0; i < made; i++) {
		struct trie_node *node = &trie->nodes[i];
		struct range range = ranges[i];

		node->value = TRIE_NONE;
		node->first_child = made;
		/* The shortest comes first: it is the prefix itself. */
		if (range.low < range.high &&
		    texts[range.low].text.len == range.depth)
			node->value = texts[range.low++].value;
		while (range.low < range.high) {
			invariant(made < trie->count);
			trie->nodes[made].byte =
				texts[range.low].text.data[range.depth];
			ranges[made++] = cut_child(texts, &range);
		}
		node->child_count = (uint16_t)(made - node->first_child);
	}
	invariant(made == trie->count);
}

enum err trie_open(struct trie_text *texts, size_t count, struct trie *out)
{
	struct trie made = { 0 };
	struct range *ranges;

	sort_by(texts, count, sizeof(*texts), compare_texts);
	TRY(count_nodes(texts, count, &made.count));
	made.nodes = calloc(made.count, sizeof(*made.nodes));
	ranges = calloc(made.count, sizeof(*ranges));
	if (made.nodes == NULL || ranges == NULL) {
		free(ranges);
		trie_close(&made);
		return ERR_UNAVAILABLE;
	}
	ranges[0].high = (uint32_t)count;
	fill_nodes(texts, ranges, &made);
	free(ranges);
	*out = made;
	return ERR_OK;
}

void trie_close(struct trie *trie)
{
	free(trie->nodes);
	*trie = (struct trie){ 0 };
}

/* Children are sorted by byte. */
uint32_t trie_step(const struct trie *trie, uint32_t node, uint8_t byte)
{
	uint32_t low = trie->nodes[node].first_child;
	const uint32_t end = low + trie->nodes[node].child_count;
	uint32_t high = end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (trie->nodes[middle].byte < byte)
			low = middle + 1;
		else
			high = middle;
	}
	return low < end && trie->nodes[low].byte == byte ? low : TRIE_NONE;
}

uint32_t trie_value(const struct trie *trie, uint32_t node)
{
	return trie->nodes[node].value;
}
