#include "pg/verify.h"

#include "core/head_object.h"
#include "core/header_value.h"
#include "pg/arguments.h"
#include "pg/http.h"
#include "pg/settings.h"

namespace b2neon {

namespace {

RequestLimits request_limits(const Server *server) {
  // The list may have become shorter since the server was created.
  const EndpointPermission permission = endpoint_permission(server->options.endpoint);
  if (permission == EndpointPermission::kNo) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("endpoint of server \"%s\" is not allowed", NameStr(server->name)),
                    errhint("A superuser can add it to b2neon.allowed_endpoints.")));
  }
  return {server->options.connect_timeout, server->options.request_timeout,
          permission == EndpointPermission::kExactly};
}

AdoptedExchange *ask(const Server *server, std::string_view object_key) {
  const RequestLimits limits = request_limits(server);
  AdoptedExchange *adopted = allocate_exchange();
  adopted->exchange =
      head_object(*server->signer, to_utf8(object_key), unix_time(GetCurrentTimestamp()), limits)
          .release();
  if (!adopted->exchange) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  perform(adopted);
  return adopted;
}

// A header's value as it can stand in a message or a row; data() == nullptr where it cannot.
std::string_view keep(std::string_view value) {
  if (value.empty() || check_header_value(value)) return {};
  return {pnstrdup(value.data(), value.size()), value.size()};
}

const char *request_id(const HttpExchange *exchange) {
  const std::string_view id = keep(exchange->header("x-amz-request-id"));
  return is_null(id) ? "none" : quotable(id);
}

void require_success(const AdoptedExchange *adopted, const Server *server,
                     std::string_view object_key) {
  require_answer(adopted, NameStr(server->name));
  const int status = adopted->exchange->status();
  if (status == 200) return;
  if (status == 404) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_FILE),
             errmsg("object \"%s\" is not in bucket \"%.*s\"", quotable(object_key),
                    length(server->options.bucket), server->options.bucket.data()),
             errdetail("The store has no object of that key, or no bucket of that name."),
             errhint("Register a file when its upload has succeeded. The upload stays pending.")));
  }
  ereport(ERROR,
          (errcode(ERRCODE_FDW_ERROR),
           errmsg("the store of server \"%s\" refused to show object \"%s\"", NameStr(server->name),
                  quotable(object_key)),
           errdetail("It answered with HTTP status %d (request id %s).", status,
                     request_id(adopted->exchange)),
           status == 401 || status == 403
               ? errhint("Check the application key of the user mapping: it needs the capability "
                         "readFiles for this bucket.")
               : 0));
}

void raise_not_as_declared(const char *what, const char *constraint, const Upload &upload,
                           const char *declared, const char *found) {
  ereport(
      ERROR,
      (errcode(ERRCODE_CHECK_VIOLATION), err_generic_string(PG_DIAG_CONSTRAINT_NAME, constraint),
       errmsg("object \"%s\" does not have the declared %s", quotable(upload.object_key), what),
       errdetail("Declared was %s, found was %s.", declared, found),
       errhint("Nothing was recorded. The upload stays pending, so that it can be done "
               "again.")));
}

void check_size(const Server *server, const Upload &upload, int64 found) {
  if (found < 0) {
    ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
                    errmsg("the store of server \"%s\" did not say how large object \"%s\" is",
                           NameStr(server->name), quotable(upload.object_key))));
  }
  if (upload.size >= 0 && found != upload.size) {
    raise_not_as_declared("size", "size", upload, psprintf(INT64_FORMAT " bytes", upload.size),
                          psprintf(INT64_FORMAT " bytes", found));
  }
  const int64 limit = server->options.max_upload_size;
  if (limit >= 0 && found > limit) {
    ereport(ERROR,
            (errcode(ERRCODE_CHECK_VIOLATION), err_generic_string(PG_DIAG_CONSTRAINT_NAME, "size"),
             errmsg("object \"%s\" is too large", quotable(upload.object_key)),
             errdetail("Server \"%s\" allows at most " INT64_FORMAT
                       " bytes, and the object has " INT64_FORMAT ".",
                       NameStr(server->name), limit, found)));
  }
}

void check_content_type(const Upload &upload, std::string_view found) {
  if (!is_null(found) && found == upload.content_type) return;
  raise_not_as_declared("content type", "content_type", upload,
                        psprintf("\"%s\"", quotable(upload.content_type)),
                        is_null(found) ? "none" : psprintf("\"%s\"", quotable(found)));
}

void check_md5(const Upload &upload, std::string_view etag) {
  if (is_null(upload.content_md5) || is_null(etag) ||
      etag_agrees_with_md5(etag, upload.content_md5)) {
    return;
  }
  raise_not_as_declared("MD5", "content_md5", upload,
                        psprintf("\"%s\" in base64", quotable(upload.content_md5)),
                        psprintf("\"%s\" in hexadecimal", quotable(etag)));
}

}  // namespace

VerifiedObject verify_upload(const Server *server, const Upload &upload) {
  AdoptedExchange *adopted = ask(server, upload.object_key);
  require_success(adopted, server, upload.object_key);
  const ObjectHead head = read_object_head(*adopted->exchange);
  const VerifiedObject object = {head.size, keep(head.content_type), keep(head.etag),
                                 keep(head.version_id)};
  release(adopted);

  check_size(server, upload, object.size);
  check_content_type(upload, object.content_type);
  check_md5(upload, object.etag);
  return object;
}

}  // namespace b2neon
