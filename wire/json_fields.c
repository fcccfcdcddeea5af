/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_fields.h"

const struct json *json_fields_given(const struct json_fields *fields,
				     const char *name)
{
	const struct json *value = json_member(fields->object, name);

	if (value != NULL && json_kind_of(value) == JSON_KIND_NULL)
		return NULL;
	return value;
}

/* Note the first member that is wrong. */
static enum err refuse(struct json_fields *fields, const char *name,
		       enum json_fields_fault fault)
{
	if (fields->wrong == NULL) {
		fields->wrong = name;
		fields->fault = fault;
	}
	return ERR_MALFORMED;
}

/* On ERR_OK *value is NULL when there is nothing to read and nothing wrong with that. */
static enum err find(struct json_fields *fields, const char *name,
		     enum json_fields_need need, const struct json **value)
{
	*value = json_fields_given(fields, name);
	if (*value == NULL && need == JSON_FIELDS_REQUIRED)
		return refuse(fields, name, JSON_FIELDS_MISSING);
	return ERR_OK;
}

enum err json_fields_string(struct json_fields *fields, const char *name,
			    enum json_fields_need need, struct bytes *out)
{
	const struct json *value;

	TRY(find(fields, name, need, &value));
	if (value != NULL && json_as_string(value, out) != ERR_OK)
		return refuse(fields, name, JSON_FIELDS_WRONG_KIND);
	return ERR_OK;
}

enum err json_fields_boolean(struct json_fields *fields, const char *name,
			     enum json_fields_need need, bool *out)
{
	const struct json *value;

	TRY(find(fields, name, need, &value));
	if (value != NULL && json_as_boolean(value, out) != ERR_OK)
		return refuse(fields, name, JSON_FIELDS_WRONG_KIND);
	return ERR_OK;
}

enum err json_fields_value(struct json_fields *fields, const char *name,
			   enum json_fields_need need, enum json_kind kind,
			   const struct json **out)
{
	const struct json *value;

	TRY(find(fields, name, need, &value));
	if (value == NULL)
		return ERR_OK;
	if (json_kind_of(value) != kind)
		return refuse(fields, name, JSON_FIELDS_WRONG_KIND);
	*out = value;
	return ERR_OK;
}

enum err json_fields_integer(struct json_fields *fields, const char *name,
			     struct json_fields_integers range, int64_t *out)
{
	const struct json *value = json_fields_given(fields, name);
	int64_t number;

	if (value == NULL)
		return ERR_OK;
	if (json_as_integer(value, &number) != ERR_OK)
		return refuse(fields, name, JSON_FIELDS_WRONG_KIND);
	if (number < range.min || number > range.max)
		return refuse(fields, name, JSON_FIELDS_OUT_OF_RANGE);
	*out = number;
	return ERR_OK;
}

enum err json_fields_number(struct json_fields *fields, const char *name,
			    struct json_fields_numbers range, double *out)
{
	const struct json *value = json_fields_given(fields, name);
	double number;

	if (value == NULL)
		return ERR_OK;
	if (json_as_number(value, &number) != ERR_OK)
		return refuse(fields, name, JSON_FIELDS_WRONG_KIND);
	if (number < range.min || number > range.max)
		return refuse(fields, name, JSON_FIELDS_OUT_OF_RANGE);
	*out = number;
	return ERR_OK;
}
