#include "pg/verify.h"

#include "core/object_head.h"
#include "pg/arguments.h"
#include "pg/store.h"

namespace b2neon {

namespace {

const char *request_id(const AdoptedExchange *adopted) {
  const std::string_view id = answer_header(adopted, "x-amz-request-id");
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
  ereport(
      ERROR,
      (errcode(ERRCODE_FDW_ERROR),
       errmsg("the store of server \"%s\" refused to show object \"%s\"", NameStr(server->name),
              quotable(object_key)),
       errdetail("It answered with HTTP status %d (request id %s).", status, request_id(adopted)),
       status == 401 || status == 403
           ? errhint("Check key_id and application_key of the user mapping, and that the key has "
                     "the capability readFiles for this bucket.")
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
  AdoptedExchange *adopted = ask_store(server, {"HEAD", to_utf8(upload.object_key), {}});
  require_success(adopted, server, upload.object_key);
  const ObjectHead head = read_object_head(*adopted->exchange);
  const VerifiedObject object = {head.size, keep_text(head.content_type), keep_text(head.etag),
                                 keep_text(head.version_id)};
  release(adopted);

  check_size(server, upload, object.size);
  check_content_type(upload, object.content_type);
  check_md5(upload, object.etag);
  return object;
}

}  // namespace b2neon
