/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "policy/limits.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define LINE_MAX_BYTES 256
#define FRAME_BYTES_LEAST 128 /* below it, a frame is mostly overhead */
#define FRAMES_MOST (1u << 20)

static const char not_text[] = "a byte that is not printable ASCII";
static const char no_end[] = "the last line does not end";
static const char too_long[] = "the line is too long";
static const char too_much[] = "the text is too long";
static const char no_key[] = "not of the form: key = value";
static const char unknown_key[] = "no such key";
static const char doubled_key[] = "the key was given before";
static const char not_number[] = "not a decimal number";
static const char out_of_range[] = "out of range";
static const char not_name[] = "not 1 to 64 of a-z, 0-9, dot, dash, underscore";
static const char too_many[] = "more than eight numbers";
static const char not_ascending[] = "the numbers do not ascend";

/* What an enum of a policy is called, by its values. */
struct words {
	const char *const *words;
	uint32_t count;
	const char *none; /* what is said where it is none of them */
};

static const char *const shape_words[] = {
	[POLICY_SHAPE_PACED] = "paced",
	[POLICY_SHAPE_SIZED] = "sized",
	[POLICY_SHAPE_OFF] = "off",
};

static const char *const numerics_words[] = {
	[POLICY_NUMERICS_INTEGERS] = "integers",
	[POLICY_NUMERICS_BF16_PROMPTS] = "bf16_prompts",
};

static const char *const kem_words[] = {
	[POLICY_KEM_X25519] = "x25519",
	[POLICY_KEM_P256_TPM] = "p256_tpm",
};

static const struct words kems = {
	kem_words,
	COUNT_OF(kem_words),
	"neither x25519 nor p256_tpm",
};

static const struct words shapes = {
	shape_words,
	COUNT_OF(shape_words),
	"not one of paced, sized, off",
};

static const struct words numerics = {
	numerics_words,
	COUNT_OF(numerics_words),
	"neither integers nor bf16_prompts",
};

/* Words are kept, read and written like the numbers of a policy. */
_Static_assert(sizeof(enum policy_shape) == sizeof(uint32_t) &&
		       sizeof(enum policy_numerics) == sizeof(uint32_t) &&
		       sizeof(enum policy_kem) == sizeof(uint32_t),
	       "an enum is as wide as a number");

struct key {
	const char *name;
	const char *(*read)(const struct key *key, struct bytes value,
			    struct policy *policy);
	enum err (*write)(const struct key *key, const struct policy *policy,
			  struct writer *out);
	size_t offset; /* of a number or an enum in struct policy */
	uint32_t least;
	uint32_t most;
	const char *missing;	   /* what is said where it does not stand */
	const struct words *words; /* of an enum */
};

static bool is_word(struct bytes value, const char *word)
{
	return bytes_equal(value, bytes_of_string(word));
}

static uint32_t number_at(const struct key *key, const struct policy *policy)
{
	uint32_t number;

	memcpy(&number, (const uint8_t *)policy + key->offset, sizeof(number));
	return number;
}

static void set_number(const struct key *key, uint32_t number,
		       struct policy *policy)
{
	memcpy((uint8_t *)policy + key->offset, &number, sizeof(number));
}

/* NULL, or why it is no number of this key's range. */
static const char *parse_number(const struct key *key, struct bytes value,
				uint32_t *out)
{
	uint64_t number;
	enum err err;

	if (value.len > 1 && value.data[0] == '0')
		return not_number;
	err = decimal_parse(value, 0, UINT32_MAX, &number);
	if (err != ERR_OK)
		return err == ERR_TOO_LARGE ? out_of_range : not_number;
	if (number < key->least || number > key->most)
		return out_of_range;
	*out = (uint32_t)number;
	return NULL;
}

static const char *read_number(const struct key *key, struct bytes value,
			       struct policy *policy)
{
	uint32_t number;
	const char *fault = parse_number(key, value, &number);

	if (fault == NULL)
		set_number(key, number, policy);
	return fault;
}

static enum err write_number(const struct key *key, const struct policy *policy,
			     struct writer *out)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number_at(key, policy));
	return bytes_put(out, bytes_of_string(text));
}

/* The bytes up to the next blank, which is consumed with them. */
static struct bytes take_word(struct bytes *line)
{
	const uint8_t *blank =
		line->len == 0 ? NULL : memchr(line->data, ' ', line->len);
	struct bytes word = *line;

	if (blank == NULL) {
		*line = (struct bytes){ NULL, 0 };
		return word;
	}
	word.len = (size_t)(blank - line->data);
	line->data += word.len + 1;
	line->len -= word.len + 1;
	return word;
}

static const char *read_buckets(const struct key *key, struct bytes value,
				struct policy *policy)
{
	/* A blank at the end would hide an empty word after it. */
	if (value.len != 0 && value.data[value.len - 1] == ' ')
		return not_number;
	policy->total_bucket_count = 0;
	do {
		struct bytes word = take_word(&value);
		uint32_t number;
		uint32_t last = policy->total_bucket_count;
		const char *fault = parse_number(key, word, &number);

		if (fault != NULL)
			return fault;
		if (last == POLICY_BUCKETS_MAX)
			return too_many;
		if (last != 0 && number <= policy->total_buckets[last - 1])
			return not_ascending;
		policy->total_buckets[policy->total_bucket_count++] = number;
	} while (value.len != 0);
	return NULL;
}

static enum err write_buckets(const struct key *key,
			      const struct policy *policy, struct writer *out)
{
	(void)key;
	for (uint32_t i = 0; i < policy->total_bucket_count; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%s%u", i == 0 ? "" : " ",
			 policy->total_buckets[i]);
		TRY(bytes_put(out, bytes_of_string(text)));
	}
	return ERR_OK;
}

/* A choice is kept as the number of its word. */
static const char *read_word(const struct key *key, struct bytes value,
			     struct policy *policy)
{
	const struct words *words = key->words;

	for (uint32_t i = 0; i < words->count; i++) {
		if (is_word(value, words->words[i])) {
			set_number(key, i, policy);
			return NULL;
		}
	}
	return words->none;
}

static enum err write_word(const struct key *key, const struct policy *policy,
			   struct writer *out)
{
	uint32_t number = number_at(key, policy);

	return bytes_put(out, bytes_of_string(key->words->words[number]));
}

static const char *read_name(const struct key *key, struct bytes value,
			     struct policy *policy)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "0123456789.-_";

	(void)key;
	if (value.len == 0 || value.len > POLICY_NAME_MAX)
		return not_name;
	for (size_t i = 0; i < value.len; i++) {
		if (memchr(allowed, value.data[i], sizeof(allowed) - 1) == NULL)
			return not_name;
	}
	memset(policy->model_name, 0, sizeof(policy->model_name));
	memcpy(policy->model_name, value.data, value.len);
	return NULL;
}

static enum err write_name(const struct key *key, const struct policy *policy,
			   struct writer *out)
{
	(void)key;
	return bytes_put(out, bytes_of_string(policy->model_name));
}

#define KEY(name, kind, offset, least, most)                          \
	{                                                             \
		name, read_##kind, write_##kind, offset, least, most, \
			"the key " name " is missing", NULL           \
	}
#define NUMBER(field, least, most) \
	KEY(#field, number, offsetof(struct policy, field), least, most)

#define WORD(field, of)                                                        \
	{                                                                      \
#field, read_word, write_word, offsetof(struct policy, field), \
			0, 0, "the key " #field " is missing", &(of)           \
	}

/* In the order of the canonical form. */
static const struct key keys[] = {
	NUMBER(context_tokens, 64, LIMIT_CONTEXT_TOKENS),
	NUMBER(frame_bytes, FRAME_BYTES_LEAST, LIMIT_CHUNK_PLAINTEXT),
	WORD(kem, kems),
	NUMBER(key_lifetime_s, 60, KEY_LIFETIME_S),
	NUMBER(key_rotation_s, 30, KEY_ROTATION_S),
	KEY("model_name", name, 0, 0, 0),
	WORD(numerics, numerics),
	NUMBER(output_tokens_max, 1, LIMIT_OUTPUT_TOKENS),
	NUMBER(queue, 0, LIMIT_QUEUE),
	NUMBER(request_ms_max, 1000, LIMIT_REQUEST_MS),
	WORD(shape, shapes),
	NUMBER(threads, 1, LIMIT_THREADS),
	NUMBER(tick_ms, 1, 1000),
	KEY("total_buckets", buckets, 0, 1, FRAMES_MOST),
	NUMBER(warm_workers, 1, LIMIT_WORKERS),
	NUMBER(workers, 1, LIMIT_WORKERS),
};

void policy_default(struct policy *out)
{
	*out = (struct policy){
		.workers = 4,
		.warm_workers = 2,
		.threads = 2,
		.queue = 16,
		.context_tokens = 2048,
		.output_tokens_max = 1024,
		.request_ms_max = 5 * 60 * 1000,
		.numerics = POLICY_NUMERICS_INTEGERS,
		.shape = POLICY_SHAPE_PACED,
		.frame_bytes = SHAPE_FRAME_BYTES,
		.tick_ms = SHAPE_TICK_MS,
		.total_buckets = { 4, 16, 64, 256, 1024, 2048, 4096, 8192 },
		.total_bucket_count = 8,
		.kem = POLICY_KEM_X25519,
		.key_rotation_s = KEY_ROTATION_S,
		.key_lifetime_s = KEY_LIFETIME_S,
		.model_name = "home",
	};
}

/* What no single line can show; NULL when all is well. */
static const char *contradiction(const struct policy *policy)
{
	uint64_t frames = policy->total_buckets[policy->total_bucket_count - 1];

	if (policy->warm_workers > policy->workers)
		return "warm_workers is more than workers";
	if (policy->workers * policy->threads > LIMIT_ENGINE_THREADS)
		return "workers times threads is over the limit";
	if (policy->output_tokens_max > policy->context_tokens)
		return "output_tokens_max is more than context_tokens";
	/* Else there is a time without a key, or one with more than may live:
	   the last place is for a key in its grace. */
	if (policy->key_lifetime_s < policy->key_rotation_s ||
	    policy->key_lifetime_s >
		    (KEYS_LIVE_MAX - 1) * (uint64_t)policy->key_rotation_s)
		return "key_lifetime_s is not one to two key_rotation_s";
	/* Else an answer of the largest total is always cut. */
	if (policy->shape == POLICY_SHAPE_PACED &&
	    frames * policy->tick_ms > policy->request_ms_max)
		return "the last of total_buckets takes over request_ms_max";
	return NULL;
}

static const struct key *find_key(struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (is_word(name, keys[i].name))
			return &keys[i];
	}
	return NULL;
}

/* What has been read so far. */
struct reading {
	struct policy policy;
	bool seen[COUNT_OF(keys)];
	const char *fault;    /* NULL while all is well */
	uint32_t least, most; /* of the key, where the fault is its range */
};

static enum err refuse(struct reading *reading, const char *fault, enum err err)
{
	reading->fault = fault;
	return err;
}

static enum err read_line(struct reading *reading, struct bytes line)
{
	struct bytes rest = line;
	struct bytes name = take_word(&rest);
	struct bytes equals = take_word(&rest);
	const struct key *key;

	if (name.len == 0 || !is_word(equals, "=") || rest.len == 0)
		return refuse(reading, no_key, ERR_MALFORMED);
	key = find_key(name);
	if (key == NULL)
		return refuse(reading, unknown_key, ERR_MALFORMED);
	if (reading->seen[key - keys])
		return refuse(reading, doubled_key, ERR_MALFORMED);
	reading->seen[key - keys] = true;
	reading->fault = key->read(key, rest, &reading->policy);
	if (reading->fault == NULL)
		return ERR_OK;
	if (reading->fault != out_of_range)
		return ERR_MALFORMED;
	reading->least = key->least;
	reading->most = key->most;
	return ERR_DENIED;
}

/* One line without its end.  Comments are held to the same bytes. */
static enum err take_line(struct bytes *text, struct reading *reading)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);
	struct bytes line, newline;

	if (end == NULL)
		return refuse(reading, no_end, ERR_TRUNCATED);
	TRY(bytes_take(text, (size_t)(end - text->data), &line));
	TRY(bytes_take(text, 1, &newline));
	if (line.len > LINE_MAX_BYTES)
		return refuse(reading, too_long, ERR_MALFORMED);
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] < ' ' || line.data[i] > '~')
			return refuse(reading, not_text, ERR_MALFORMED);
	}
	if (line.len == 0 || line.data[0] == '#')
		return ERR_OK;
	return read_line(reading, line);
}

static enum err read_all(struct bytes text, struct reading *reading,
			 size_t *line)
{
	if (text.len > POLICY_TEXT_MAX)
		return refuse(reading, too_much, ERR_TOO_LARGE);
	for (; text.len != 0; ++*line)
		TRY(take_line(&text, reading));
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (!reading->seen[i])
			return refuse(reading, keys[i].missing, ERR_TRUNCATED);
	}
	reading->fault = contradiction(&reading->policy);
	return reading->fault == NULL ? ERR_OK : ERR_DENIED;
}

enum err policy_parse(struct bytes text, struct policy *out,
		      struct policy_fault *where)
{
	struct reading reading = { .fault = NULL };
	size_t line = 1;
	enum err err = read_all(text, &reading, &line);

	if (err != ERR_OK) {
		*where = (struct policy_fault){ line, reading.fault,
						reading.least, reading.most };
		return err;
	}
	*out = reading.policy;
	return ERR_OK;
}

enum err policy_write(const struct policy *policy, struct writer *out)
{
	struct writer made = *out;

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		TRY(bytes_put(&made, bytes_of_string(keys[i].name)));
		TRY(bytes_put(&made, BYTES_LITERAL(" = ")));
		TRY(keys[i].write(&keys[i], policy, &made));
		TRY(bytes_put(&made, BYTES_LITERAL("\n")));
	}
	*out = made;
	return ERR_OK;
}
