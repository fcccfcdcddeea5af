/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_fields: takes typed members out of an object and remembers which one
 * was wrong.
 *
 *     struct json_fields fields = { .object = document };
 *     TRY(json_fields_string(&fields, "model", JSON_FIELDS_REQUIRED, &model));
 *
 * On an error, fields.wrong names the member by the caller's own string, never
 * by the document's bytes.  An optional member that is absent or null leaves
 * its output as it was; a required one is then ERR_MALFORMED.
 */
#ifndef WIRE_JSON_FIELDS_H
#define WIRE_JSON_FIELDS_H

#include "wire/json.h"

enum json_fields_need {
	JSON_FIELDS_OPTIONAL,
	JSON_FIELDS_REQUIRED,
};

enum json_fields_fault {
	JSON_FIELDS_FINE,
	JSON_FIELDS_MISSING,
	JSON_FIELDS_WRONG_KIND,
	JSON_FIELDS_OUT_OF_RANGE,
};

struct json_fields {
	const struct json *object; /* anything else has no members */
	const char *wrong;	   /* the first that failed, or NULL */
	enum json_fields_fault fault;
};

/* The member, or NULL when it is absent or null. */
const struct json *json_fields_given(const struct json_fields *fields,
				     const char *name);

MUST_CHECK enum err json_fields_string(struct json_fields *fields,
				       const char *name,
				       enum json_fields_need need,
				       struct bytes *out);
MUST_CHECK enum err json_fields_boolean(struct json_fields *fields,
					const char *name,
					enum json_fields_need need, bool *out);

/* A member of this kind, unread. */
MUST_CHECK enum err json_fields_value(struct json_fields *fields,
				      const char *name,
				      enum json_fields_need need,
				      enum json_kind kind,
				      const struct json **out);

/* Optional numbers, refused outside min..max. */
struct json_fields_integers {
	int64_t min;
	int64_t max;
};
struct json_fields_numbers {
	double min;
	double max;
};
MUST_CHECK enum err json_fields_integer(struct json_fields *fields,
					const char *name,
					struct json_fields_integers range,
					int64_t *out);
MUST_CHECK enum err json_fields_number(struct json_fields *fields,
				       const char *name,
				       struct json_fields_numbers range,
				       double *out);

#endif
