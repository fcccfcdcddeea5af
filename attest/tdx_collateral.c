/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tdx_collateral.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "wire/hex.h"

#define SIGNATURE_BYTES 64
#define TAIL_HEAD ",\"signature\":\""
#define TAIL_END "\"}"
#define TAIL_BYTES (sizeof(TAIL_HEAD) - 1 + 2 * SIGNATURE_BYTES + 2)

#define TCB_INFO_VERSION 3
#define QE_IDENTITY_VERSION 2
#define MODULE_PREFIX "TDX_"

static const char *const status_names[] = {
	[APPRAISAL_TDX_UP_TO_DATE] = "UpToDate",
	[APPRAISAL_TDX_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
	[APPRAISAL_TDX_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
	[APPRAISAL_TDX_CONFIGURATION_AND_SW_HARDENING_NEEDED] =
		"ConfigurationAndSWHardeningNeeded",
	[APPRAISAL_TDX_OUT_OF_DATE] = "OutOfDate",
	[APPRAISAL_TDX_OUT_OF_DATE_CONFIGURATION_NEEDED] =
		"OutOfDateConfigurationNeeded",
	[APPRAISAL_TDX_REVOKED] = "Revoked",
};

#define STATUSES (sizeof(status_names) / sizeof(status_names[0]))

const char *tdx_collateral_status_name(enum appraisal_tdx_status status)
{
	return status_names[status];
}

/* What a file or a server adds: line ends, and the zero of a C string. */
static struct bytes without_end(struct bytes text)
{
	while (text.len > 0 && (text.data[text.len - 1] == '\n' ||
				text.data[text.len - 1] == '\r' ||
				text.data[text.len - 1] == 0))
		text.len--;
	return text;
}

/* In lower case alone: digits in two cases would be a second spelling. */
static enum err decode_signature(struct bytes digits,
				 uint8_t out[static SIGNATURE_BYTES])
{
	for (size_t i = 0; i < digits.len; i++)
		if (digits.data[i] >= 'A' && digits.data[i] <= 'F')
			return ERR_MALFORMED;
	return hex_decode(digits, out, SIGNATURE_BYTES);
}

static enum err split(struct bytes text, const char *name, struct bytes *value,
		      uint8_t signature[static SIGNATURE_BYTES])
{
	struct bytes rest = without_end(text);
	struct bytes digits;

	if (text.len > TDX_COLLATERAL_BYTES_MAX)
		return ERR_MALFORMED;
	TRY(bytes_expect(&rest, bytes_of_string("{\"")));
	TRY(bytes_expect(&rest, bytes_of_string(name)));
	TRY(bytes_expect(&rest, bytes_of_string("\":")));
	if (rest.len < TAIL_BYTES)
		return ERR_MALFORMED;
	TRY(bytes_take(&rest, rest.len - TAIL_BYTES, value));
	TRY(bytes_expect(&rest, bytes_of_string(TAIL_HEAD)));
	TRY(bytes_take(&rest, 2 * (size_t)SIGNATURE_BYTES, &digits));
	TRY(bytes_expect(&rest, bytes_of_string(TAIL_END)));
	return decode_signature(digits, signature);
}

enum err tdx_collateral_open(struct bytes text, const char *name,
			     const struct signature_key *key,
			     struct bytes *value)
{
	static const struct signature_scheme scheme = { SIGNATURE_ECDSA,
							HASH_SHA256 };
	uint8_t signature[SIGNATURE_BYTES];
	struct bytes found;

	TRY(split(text, name, &found, signature));
	TRY(signature_check(key, scheme, found, BYTES_ARRAY(signature)));
	*value = found;
	return ERR_OK;
}

static void drop(json_t **value)
{
	json_decref(*value);
}

static enum err load(struct bytes value, json_t **out)
{
	if (value.len > TDX_COLLATERAL_BYTES_MAX)
		return ERR_TOO_LARGE;
	*out = json_loadb((const char *)value.data, value.len,
			  JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(*out) ? ERR_OK : ERR_MALFORMED;
}

static enum err text_of(const json_t *object, const char *name,
			struct bytes *out)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return ERR_MALFORMED;
	*out = (struct bytes){ (const uint8_t *)json_string_value(value),
			       json_string_length(value) };
	return ERR_OK;
}

static enum err hex_of(const json_t *object, const char *name, uint8_t *out,
		       size_t len)
{
	struct bytes digits;

	TRY(text_of(object, name, &digits));
	return hex_decode(digits, out, len);
}

static enum err number_of(const json_t *object, const char *name, uint64_t most,
			  uint64_t *out)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > most)
		return ERR_MALFORMED;
	*out = (uint64_t)json_integer_value(value);
	return ERR_OK;
}

static enum err u16_of(const json_t *object, const char *name, uint16_t *out)
{
	uint64_t number;

	TRY(number_of(object, name, UINT16_MAX, &number));
	*out = (uint16_t)number;
	return ERR_OK;
}

static enum err digits_at(const char *text, size_t len, int *out)
{
	int value = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return ERR_MALFORMED;
		value = 10 * value + (text[i] - '0');
	}
	*out = value;
	return ERR_OK;
}

/* Such as 2025-06-19T10:16:03Z (RFC 3339, in UTC, without fractions). */
static enum err time_of(const json_t *object, const char *name, uint64_t *out)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	struct bytes text;
	struct tm tm = { 0 };
	char again[sizeof(form)];
	time_t seconds;

	TRY(text_of(object, name, &text));
	if (text.len != sizeof(form) - 1)
		return ERR_MALFORMED;

	const char *at = (const char *)text.data;

	TRY(digits_at(at, 4, &tm.tm_year));
	TRY(digits_at(at + 5, 2, &tm.tm_mon));
	TRY(digits_at(at + 8, 2, &tm.tm_mday));
	TRY(digits_at(at + 11, 2, &tm.tm_hour));
	TRY(digits_at(at + 14, 2, &tm.tm_min));
	TRY(digits_at(at + 17, 2, &tm.tm_sec));
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	seconds = timegm(&tm);
	/* A day that does not exist comes out as another one. */
	if (seconds < 0 ||
	    strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", &tm) !=
		    text.len ||
	    memcmp(again, at, text.len) != 0)
		return ERR_MALFORMED;
	*out = (uint64_t)seconds;
	return ERR_OK;
}

static enum err period_of(const json_t *object,
			  struct tdx_collateral_period *out)
{
	TRY(time_of(object, "issueDate", &out->issued));
	TRY(time_of(object, "nextUpdate", &out->next));
	return out->issued <= out->next ? ERR_OK : ERR_MALFORMED;
}

static enum err evaluation_of(const json_t *object, uint32_t *out)
{
	uint64_t number;

	TRY(number_of(object, "tcbEvaluationDataNumber", UINT32_MAX, &number));
	*out = (uint32_t)number;
	return ERR_OK;
}

/* A state that this build does not know cannot be judged. */
static enum err status_of(const json_t *object, enum appraisal_tdx_status *out)
{
	struct bytes text;

	TRY(text_of(object, "tcbStatus", &text));
	for (size_t i = 0; i < STATUSES; i++)
		if (bytes_equal(text, bytes_of_string(status_names[i]))) {
			*out = (enum appraisal_tdx_status)i;
			return ERR_OK;
		}
	return ERR_UNSUPPORTED;
}

/* Id and version: ERR_UNSUPPORTED for others. */
static enum err expect_kind(const json_t *object, const char *id,
			    uint64_t version)
{
	struct bytes text;
	uint64_t number;

	TRY(number_of(object, "version", UINT32_MAX, &number));
	TRY(text_of(object, "id", &text));
	return number == version && bytes_equal(text, bytes_of_string(id))
		       ? ERR_OK
		       : ERR_UNSUPPORTED;
}

static enum err array_of(const json_t *object, const char *name, size_t most,
			 const json_t **out)
{
	const json_t *array = json_object_get(object, name);

	if (!json_is_array(array))
		return ERR_MALFORMED;
	if (json_array_size(array) > most)
		return ERR_TOO_LARGE;
	*out = array;
	return ERR_OK;
}

static enum err svns_of(const json_t *object, const char *name,
			uint8_t out[static TDX_COLLATERAL_SVNS])
{
	const json_t *array;
	uint64_t number;

	TRY(array_of(object, name, TDX_COLLATERAL_SVNS, &array));
	if (json_array_size(array) != TDX_COLLATERAL_SVNS)
		return ERR_MALFORMED;
	for (size_t i = 0; i < TDX_COLLATERAL_SVNS; i++) {
		TRY(number_of(json_array_get(array, i), "svn", UINT8_MAX,
			      &number));
		out[i] = (uint8_t)number;
	}
	return ERR_OK;
}

static enum err parse_level(const json_t *object,
			    struct tdx_collateral_level *out)
{
	const json_t *tcb = json_object_get(object, "tcb");

	TRY(svns_of(tcb, "sgxtcbcomponents", out->sgx));
	TRY(svns_of(tcb, "tdxtcbcomponents", out->tdx));
	TRY(u16_of(tcb, "pcesvn", &out->pcesvn));
	return status_of(object, &out->status);
}

static enum err parse_levels(const json_t *object,
			     struct tdx_collateral_tcb_info *out)
{
	const json_t *array;

	TRY(array_of(object, "tcbLevels", TDX_COLLATERAL_LEVELS_MAX, &array));
	out->level_count = json_array_size(array);
	for (size_t i = 0; i < out->level_count; i++)
		TRY(parse_level(json_array_get(array, i), &out->levels[i]));
	return ERR_OK;
}

/* Of a single number there are three states and no others. */
static enum err parse_step(const json_t *object,
			   struct tdx_collateral_step *out)
{
	TRY(u16_of(json_object_get(object, "tcb"), "isvsvn", &out->isvsvn));
	TRY(status_of(object, &out->status));
	return out->status == APPRAISAL_TDX_UP_TO_DATE ||
			       out->status == APPRAISAL_TDX_OUT_OF_DATE ||
			       out->status == APPRAISAL_TDX_REVOKED
		       ? ERR_OK
		       : ERR_UNSUPPORTED;
}

static enum err parse_steps(const json_t *object,
			    struct tdx_collateral_steps *out)
{
	const json_t *array;

	TRY(array_of(object, "tcbLevels", TDX_COLLATERAL_LEVELS_MAX, &array));
	out->count = json_array_size(array);
	for (size_t i = 0; i < out->count; i++)
		TRY(parse_step(json_array_get(array, i), &out->list[i]));
	return ERR_OK;
}

static enum err parse_module(const json_t *object,
			     struct tdx_collateral_module *out)
{
	TRY(hex_of(object, "mrsigner", out->mrsigner, sizeof(out->mrsigner)));
	TRY(hex_of(object, "attributes", out->attributes,
		   sizeof(out->attributes)));
	return hex_of(object, "attributesMask", out->attributes_mask,
		      sizeof(out->attributes_mask));
}

static enum err parse_named_module(const json_t *object,
				   struct tdx_collateral_module *out)
{
	struct bytes id;

	TRY(text_of(object, "id", &id));
	TRY(bytes_expect(&id, bytes_of_string(MODULE_PREFIX)));
	TRY(hex_decode(id, &out->version, sizeof(out->version)));
	TRY(parse_module(object, out));
	return parse_steps(object, &out->steps);
}

/* Platforms older than module versions have no list of them. */
static enum err parse_modules(const json_t *object,
			      struct tdx_collateral_tcb_info *out)
{
	const json_t *array;

	TRY(parse_module(json_object_get(object, "tdxModule"), &out->module));
	if (json_object_get(object, "tdxModuleIdentities") == NULL)
		return ERR_OK;
	TRY(array_of(object, "tdxModuleIdentities", TDX_COLLATERAL_MODULES_MAX,
		     &array));
	out->module_count = json_array_size(array);
	for (size_t i = 0; i < out->module_count; i++)
		TRY(parse_named_module(json_array_get(array, i),
				       &out->modules[i]));
	return ERR_OK;
}

enum err tdx_collateral_parse_tcb_info(struct bytes value,
				       struct tdx_collateral_tcb_info *out)
{
	SCOPED_WIPE(drop) json_t *object = NULL;
	struct tdx_collateral_tcb_info info = { 0 };

	TRY(load(value, &object));
	TRY(expect_kind(object, "TDX", TCB_INFO_VERSION));
	TRY(period_of(object, &info.period));
	TRY(evaluation_of(object, &info.evaluation));
	TRY(hex_of(object, "fmspc", info.fmspc, sizeof(info.fmspc)));
	TRY(hex_of(object, "pceId", info.pceid, sizeof(info.pceid)));
	TRY(parse_modules(object, &info));
	TRY(parse_levels(object, &info));
	*out = info;
	return ERR_OK;
}

enum err
tdx_collateral_parse_qe_identity(struct bytes value,
				 struct tdx_collateral_qe_identity *out)
{
	SCOPED_WIPE(drop) json_t *object = NULL;
	struct tdx_collateral_qe_identity id = { 0 };

	TRY(load(value, &object));
	TRY(expect_kind(object, "TD_QE", QE_IDENTITY_VERSION));
	TRY(period_of(object, &id.period));
	TRY(evaluation_of(object, &id.evaluation));
	TRY(hex_of(object, "miscselect", id.miscselect, sizeof(id.miscselect)));
	TRY(hex_of(object, "miscselectMask", id.miscselect_mask,
		   sizeof(id.miscselect_mask)));
	TRY(hex_of(object, "attributes", id.attributes, sizeof(id.attributes)));
	TRY(hex_of(object, "attributesMask", id.attributes_mask,
		   sizeof(id.attributes_mask)));
	TRY(hex_of(object, "mrsigner", id.mrsigner, sizeof(id.mrsigner)));
	TRY(u16_of(object, "isvprodid", &id.isvprodid));
	TRY(parse_steps(object, &id.steps));
	*out = id;
	return ERR_OK;
}

enum err tdx_collateral_check_period(const struct tdx_collateral_period *period,
				     uint64_t now)
{
	return now < period->issued || now > period->next ? ERR_EXPIRED
							  : ERR_OK;
}
