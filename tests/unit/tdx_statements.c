/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tdx_statements.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/vector.h"

static const struct signature_scheme scheme = { SIGNATURE_ECDSA, HASH_SHA256 };

struct text {
	char at[16384];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *out,
						      const char *format, ...)
{
	va_list list;

	va_start(list, format);
	out->len += (size_t)vsnprintf(out->at + out->len,
				      sizeof(out->at) - out->len, format, list);
	va_end(list);
	cr_assert(out->len < sizeof(out->at));
}

static void say_hex(struct text *out, const char *name, struct bytes value)
{
	say(out, ",\"%s\":\"", name);
	for (size_t i = 0; i < value.len; i++)
		say(out, "%02X", value.data[i]);
	say(out, "\"");
}

static void say_frame(struct text *out, const struct tdx_platform_frame *frame)
{
	say(out,
	    "{%s\"id\":\"%s\",\"version\":%u,\"issueDate\":\"%s\","
	    "\"nextUpdate\":\"%s\",\"tcbEvaluationDataNumber\":17",
	    frame->more, frame->id, frame->version, frame->issued, frame->next);
}

static void say_steps(struct text *out, const struct tdx_platform_step *steps)
{
	say(out, ",\"tcbLevels\":[");
	for (int i = 0; i < TDX_PLATFORM_STEPS; i++)
		say(out,
		    "%s{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":"
		    "\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"%s\"}",
		    i == 0 ? "" : ",", steps[i].isvsvn, steps[i].status);
	say(out, "]");
}

static void say_svns(struct text *out, const char *name, const unsigned *svns)
{
	say(out, "\"%s\":[", name);
	for (int i = 0; i < 16; i++)
		say(out, "%s{\"svn\":%u}", i == 0 ? "" : ",", svns[i]);
	say(out, "],");
}

static void say_levels(struct text *out,
		       const struct tdx_platform_level *levels)
{
	say(out, ",\"tcbLevels\":[");
	for (int i = 0; i < TDX_PLATFORM_LEVELS; i++) {
		say(out, "%s{\"tcb\":{", i == 0 ? "" : ",");
		say_svns(out, "sgxtcbcomponents", levels[i].sgx);
		say_svns(out, "tdxtcbcomponents", levels[i].tdx);
		say(out, "\"pcesvn\":%u},\"tcbStatus\":\"%s\"}",
		    levels[i].pcesvn, levels[i].status);
	}
	say(out, "]");
}

static void say_module(struct text *out, const struct tdx_platform *platform)
{
	static const uint8_t mask[8] = { 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff };

	say_hex(out, "mrsigner", BYTES_ARRAY(platform->module_signer));
	say_hex(out, "attributes", BYTES_ARRAY(platform->module_attributes));
	say_hex(out, "attributesMask", BYTES_ARRAY(mask));
}

static void say_info(struct text *out, const struct tdx_platform *platform)
{
	say_frame(out, &platform->info);
	say(out,
	    ",\"tcbType\":0,\"fmspc\":\"%s\",\"pceId\":\"%s\","
	    "\"tdxModule\":{\"x\":0",
	    platform->fmspc, platform->pceid);
	say_module(out, platform);
	say(out, "},\"tdxModuleIdentities\":[{\"id\":\"%s\"",
	    platform->module_id);
	say_module(out, platform);
	say_steps(out, platform->module_steps);
	say(out, "}]");
	say_levels(out, platform->levels);
	say(out, "}");
}

static void say_identity(struct text *out, const struct tdx_platform *platform)
{
	say_frame(out, &platform->identity);
	say_hex(out, "miscselect", BYTES_ARRAY(platform->qe_miscselect));
	say_hex(out, "miscselectMask",
		BYTES_ARRAY(platform->qe_miscselect_mask));
	say_hex(out, "attributes", BYTES_ARRAY(platform->qe_attributes));
	say_hex(out, "attributesMask",
		BYTES_ARRAY(platform->qe_attributes_mask));
	say_hex(out, "mrsigner", BYTES_ARRAY(platform->qe_mrsigner));
	say(out, ",\"isvprodid\":%u", platform->qe_isvprodid);
	say_steps(out, platform->qe_steps);
	say(out, "}");
}

/* Sign any text as one of the two. */
static struct bytes sign_statement(const struct tdx_platform *platform,
				   const char *name, const struct text *value)
{
	struct bytes signature = authority_sign(
		&platform->parties[platform->collateral_signer], scheme,
		(struct bytes){ (const uint8_t *)value->at, value->len });
	struct text whole = { .len = 0 };

	say(&whole, "{\"%s\":%s,\"signature\":\"", name, value->at);
	for (size_t i = 0; i < signature.len; i++)
		say(&whole, "%02x", signature.data[i]);
	say(&whole, "\"}");
	return (struct bytes){ vector_copy((struct bytes){
				       (const uint8_t *)whole.at, whole.len }),
			       whole.len };
}

struct bytes tdx_statements_info(const struct tdx_platform *platform)
{
	struct text value = { .len = 0 };

	say_info(&value, platform);
	return sign_statement(platform, platform->info.name, &value);
}

struct bytes tdx_statements_identity(const struct tdx_platform *platform)
{
	struct text value = { .len = 0 };

	say_identity(&value, platform);
	return sign_statement(platform, platform->identity.name, &value);
}
