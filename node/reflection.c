/* SPDX-License-Identifier: Apache-2.0 */
#include "node/reflection.h"

#include <string.h>

#include "health_descriptor.h"
#include "node_descriptor.h"
#include "wire/protofield.h"

/* Fields of reflection.proto (ServerReflectionRequest and ..Response). */
enum {
	REQUEST_FILE_BY_NAME = 3,
	REQUEST_FILE_BY_SYMBOL = 4,
	REQUEST_LIST_SERVICES = 7,
	RESPONSE_ORIGINAL_REQUEST = 2,
	RESPONSE_FILES = 4,
	RESPONSE_SERVICES = 6,
	RESPONSE_ERROR = 7,
	FILES_FILE = 1,
	SERVICES_SERVICE = 1,
	SERVICE_NAME = 1,
	ERROR_CODE = 1,
	ERROR_TEXT = 2,
	SET_FILE = 1, /* google.protobuf.FileDescriptorSet */
};

static const struct file {
	const char *name;
	const char *service;
	const char *package;
	struct bytes set; /* a FileDescriptorSet of one file */
} files[] = {
	{ "node.proto", "pcc.node.v1.Node", "pcc.node.v1.",
	  BYTES_ARRAY(node_descriptor) },
	{ "health.proto", "grpc.health.v1.Health", "grpc.health.v1.",
	  BYTES_ARRAY(health_descriptor) },
};

#define FILES (sizeof(files) / sizeof(files[0]))

static bool begins_with(struct bytes text, const char *start)
{
	return text.len >= strlen(start) &&
	       memcmp(text.data, start, strlen(start)) == 0;
}

static const struct file *file_of(const struct protofield *asked)
{
	for (size_t i = 0; i < FILES; i++) {
		if (asked->number == REQUEST_FILE_BY_NAME &&
		    bytes_equal(asked->bytes, bytes_of_string(files[i].name)))
			return &files[i];
		if (asked->number == REQUEST_FILE_BY_SYMBOL &&
		    begins_with(asked->bytes, files[i].package))
			return &files[i];
	}
	return NULL;
}

static enum err put_file(const struct file *file, struct writer *out)
{
	uint8_t memory[4096];
	struct writer inner = WRITER_OVER(memory);
	struct bytes set = file->set;
	struct protofield descriptor;

	TRY(protofield_take(&set, &descriptor));
	invariant(descriptor.number == SET_FILE);
	TRY(protofield_put_bytes(&inner, FILES_FILE, descriptor.bytes));
	return protofield_put_bytes(out, RESPONSE_FILES, bytes_written(&inner));
}

static enum err put_services(struct writer *out)
{
	uint8_t memory[256];
	struct writer list = WRITER_OVER(memory);

	for (size_t i = 0; i < FILES; i++) {
		uint8_t one[128];
		struct writer service = WRITER_OVER(one);

		TRY(protofield_put_bytes(&service, SERVICE_NAME,
					 bytes_of_string(files[i].service)));
		TRY(protofield_put_bytes(&list, SERVICES_SERVICE,
					 bytes_written(&service)));
	}
	return protofield_put_bytes(out, RESPONSE_SERVICES,
				    bytes_written(&list));
}

static enum err put_error(grpc_status_code code, const char *text,
			  struct writer *out)
{
	uint8_t memory[128];
	struct writer error = WRITER_OVER(memory);

	TRY(protofield_put_number(&error, ERROR_CODE, (uint64_t)code));
	TRY(protofield_put_bytes(&error, ERROR_TEXT, bytes_of_string(text)));
	return protofield_put_bytes(out, RESPONSE_ERROR, bytes_written(&error));
}

/* The last of the oneof's fields counts, as protobuf has it. */
static enum err find_question(struct bytes message, struct protofield *asked)
{
	struct protofield field;

	*asked = (struct protofield){ 0 };
	while (message.len > 0) {
		TRY(protofield_take(&message, &field));
		if (field.number >= REQUEST_FILE_BY_NAME &&
		    field.type == PROTOFIELD_BYTES)
			*asked = field;
	}
	return ERR_OK;
}

static enum err put_answer(struct bytes message, struct writer *out)
{
	const struct file *file;
	struct protofield asked;

	TRY(find_question(message, &asked));
	TRY(protofield_put_bytes(out, RESPONSE_ORIGINAL_REQUEST, message));
	if (asked.number == REQUEST_LIST_SERVICES)
		return put_services(out);
	if (asked.number != REQUEST_FILE_BY_NAME &&
	    asked.number != REQUEST_FILE_BY_SYMBOL)
		return put_error(GRPC_STATUS_UNIMPLEMENTED, "not offered here",
				 out);
	file = file_of(&asked);
	if (file == NULL)
		return put_error(GRPC_STATUS_NOT_FOUND, "no such symbol", out);
	return put_file(file, out);
}

static void on_received(struct server_call *call, struct bytes message)
{
	uint8_t memory[8192];
	struct writer out = WRITER_OVER(memory);

	if (put_answer(message, &out) != ERR_OK) {
		server_finish(call, GRPC_STATUS_INVALID_ARGUMENT,
			      "message does not parse", 0);
	} else if (server_send(call, bytes_written(&out)) == ERR_OK) {
		server_receive(call);
	}
}

static void on_half_closed(struct server_call *call)
{
	server_finish(call, GRPC_STATUS_OK, "", 0);
}

const struct server_service reflection_service = {
	.method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	.opened = server_receive,
	.received = on_received,
	.half_closed = on_half_closed,
};

const struct server_service reflection_alpha_service = {
	.method = "/grpc.reflection.v1alpha.ServerReflection/"
		  "ServerReflectionInfo",
	.opened = server_receive,
	.received = on_received,
	.half_closed = on_half_closed,
};
