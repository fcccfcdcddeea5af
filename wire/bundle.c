/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bundle.h"

#include "wire/cbor.h"

#define INDICATOR_EVIDENCE 4 /* bit 2 of cm-type, RFC 9999 */
#define RECORD_ITEMS 2
#define RECORD_ITEMS_MARKED 3
#define LABELS_MIN 4 /* without "release" */
#define LABELS_MAX 5

/*
 * Deterministic order is that of the encoded label, whose head holds its
 * length: so the shorter comes first.
 */
#define LABEL_KEYS BYTES_LITERAL("keys")
#define LABEL_RELEASE BYTES_LITERAL("release")
#define LABEL_TYPE BYTES_LITERAL("__cmwc_t")
#define LABEL_EVIDENCE BYTES_LITERAL("evidence")
#define LABEL_STATEMENT BYTES_LITERAL("statement")

static const struct {
	const char *name;
	const char *media_type;
} evidence_types[BUNDLE_EVIDENCE_COUNT] = {
	[BUNDLE_EVIDENCE_SOFTWARE] = { "software",
				       "application/vnd.pcc-node.software" },
	[BUNDLE_EVIDENCE_TPM2] = { "tpm2",
				   "application/vnd.pcc-node.tpm2+cbor" },
	[BUNDLE_EVIDENCE_SEV_SNP] = { "sev-snp",
				      "application/vnd.pcc-node.sev-snp+cbor" },
	[BUNDLE_EVIDENCE_TDX] = { "tdx", "application/vnd.pcc-node.tdx+cbor" },
};

const char *bundle_evidence_name(enum bundle_evidence_type type)
{
	return type < BUNDLE_EVIDENCE_COUNT ? evidence_types[type].name
					    : "unknown";
}

enum err bundle_evidence_named(const char *name, enum bundle_evidence_type *out)
{
	struct bytes wanted = bytes_of_string(name);

	for (size_t i = 0; i < BUNDLE_EVIDENCE_COUNT; i++) {
		if (bytes_equal(wanted,
				bytes_of_string(evidence_types[i].name))) {
			*out = (enum bundle_evidence_type)i;
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

static enum bundle_evidence_type type_of(struct bytes media_type)
{
	size_t i = 0;

	while (i < BUNDLE_EVIDENCE_COUNT &&
	       !bytes_equal(media_type,
			    bytes_of_string(evidence_types[i].media_type)))
		i++;
	return (enum bundle_evidence_type)i;
}

static enum err put_record(struct writer *out, struct bytes label,
			   const char *media_type, struct bytes value)
{
	TRY(cbor_put_text(out, label));
	TRY(cbor_put_array(out, RECORD_ITEMS));
	TRY(cbor_put_text(out, bytes_of_string(media_type)));
	return cbor_put_bytes(out, value);
}

static enum err put_evidence(const struct bundle *bundle, struct writer *out)
{
	size_t count = bundle->evidence_count;

	if (count == 0 || count > BUNDLE_EVIDENCE_MAX)
		return ERR_MALFORMED;
	TRY(cbor_put_text(out, LABEL_EVIDENCE));
	TRY(cbor_put_map(out, count));
	for (size_t i = 0; i < count; i++) {
		const struct bundle_evidence *evidence = &bundle->evidence[i];

		if (evidence->type >= BUNDLE_EVIDENCE_COUNT)
			return ERR_MALFORMED;
		TRY(cbor_put_unsigned(out, i));
		TRY(cbor_put_array(out, RECORD_ITEMS_MARKED));
		TRY(cbor_put_text(
			out,
			bytes_of_string(
				evidence_types[evidence->type].media_type)));
		TRY(cbor_put_bytes(out, evidence->value));
		TRY(cbor_put_unsigned(out, INDICATOR_EVIDENCE));
	}
	return ERR_OK;
}

enum err bundle_write(const struct bundle *bundle, struct writer *out)
{
	struct writer whole = *out;

	TRY(cbor_put_map(&whole,
			 bundle->release.len == 0 ? LABELS_MIN : LABELS_MAX));
	TRY(put_record(&whole, LABEL_KEYS, BUNDLE_TYPE_KEYS, bundle->keys));
	if (bundle->release.len != 0)
		TRY(put_record(&whole, LABEL_RELEASE, BUNDLE_TYPE_RELEASE,
			       bundle->release));
	TRY(cbor_put_text(&whole, LABEL_TYPE));
	TRY(cbor_put_text(&whole, BYTES_LITERAL(BUNDLE_COLLECTION)));
	TRY(put_evidence(bundle, &whole));
	TRY(put_record(&whole, LABEL_STATEMENT, BUNDLE_TYPE_STATEMENT,
		       bundle->statement));
	*out = whole;
	return ERR_OK;
}

static enum err take_array_of(struct bytes *in, size_t items)
{
	size_t found;

	TRY(cbor_take_array(in, items, &found));
	return found == items ? ERR_OK : ERR_MALFORMED;
}

/* A record after its label.  An empty value would be an item without a use. */
static enum err take_record(struct bytes *in, const char *media_type,
			    struct bytes *out)
{
	TRY(take_array_of(in, RECORD_ITEMS));
	TRY(cbor_expect_text(in, bytes_of_string(media_type)));
	TRY(cbor_take_bytes(in, out));
	return out->len == 0 ? ERR_MALFORMED : ERR_OK;
}

static enum err take_evidence(struct bytes *in, struct bundle *out)
{
	struct bytes media_type;

	TRY(cbor_expect_text(in, LABEL_EVIDENCE));
	TRY(cbor_take_map(in, BUNDLE_EVIDENCE_MAX, &out->evidence_count));
	if (out->evidence_count == 0)
		return ERR_MALFORMED;
	for (size_t i = 0; i < out->evidence_count; i++) {
		struct bundle_evidence *evidence = &out->evidence[i];

		TRY(cbor_expect_unsigned(in, i));
		TRY(take_array_of(in, RECORD_ITEMS_MARKED));
		TRY(cbor_take_text(in, &media_type));
		TRY(cbor_take_bytes(in, &evidence->value));
		TRY(cbor_expect_unsigned(in, INDICATOR_EVIDENCE));
		evidence->type = type_of(media_type);
	}
	return ERR_OK;
}

enum err bundle_parse(struct bytes in, struct bundle *out)
{
	struct bundle found = { 0 };
	size_t labels;

	if (in.len > BUNDLE_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(cbor_take_map(&in, LABELS_MAX, &labels));
	if (labels < LABELS_MIN)
		return ERR_MALFORMED;
	TRY(cbor_expect_text(&in, LABEL_KEYS));
	TRY(take_record(&in, BUNDLE_TYPE_KEYS, &found.keys));
	if (labels == LABELS_MAX) {
		TRY(cbor_expect_text(&in, LABEL_RELEASE));
		TRY(take_record(&in, BUNDLE_TYPE_RELEASE, &found.release));
	}
	TRY(cbor_expect_text(&in, LABEL_TYPE));
	TRY(cbor_expect_text(&in, BYTES_LITERAL(BUNDLE_COLLECTION)));
	TRY(take_evidence(&in, &found));
	TRY(cbor_expect_text(&in, LABEL_STATEMENT));
	TRY(take_record(&in, BUNDLE_TYPE_STATEMENT, &found.statement));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}
