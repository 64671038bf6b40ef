#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/files.h"
#include "pg/identity.h"
#include "pg/server.h"
#include "pg/tables.h"
#include "pg/uploads.h"
#include "pg/verify.h"

B2NEON_SQL_FUNCTION(b2_register_file)

namespace b2neon {

namespace {

constexpr int kObjectKey = 0, kUserId = 1, kPublicFileUrl = 2, kVerify = 3, kMetadata = 4,
              kServer = 5;

struct Registration {
  Oid schema;
  bool confined;
  std::string_view object_key;
  std::string_view user_id;  // data() == nullptr: whoever the upload was issued to
  std::string_view public_file_url;
  bool verify;
  Jsonb *metadata;
  std::string_view server;  // data() == nullptr: whichever the upload was issued for
};

Registration read_arguments(FunctionCallInfo fcinfo) {
  Registration registration = {};
  registration.schema = extension_schema(fcinfo);
  registration.confined = caller_is_confined(registration.schema);
  registration.object_key = required_text(fcinfo, kObjectKey, "object_key");
  check_argument(check_object_key(to_utf8(registration.object_key)), "object_key",
                 registration.object_key);
  registration.user_id = optional_text(fcinfo, kUserId);
  registration.public_file_url = optional_text(fcinfo, kPublicFileUrl);
  if (PG_ARGISNULL(kVerify)) required_text(fcinfo, kVerify, "verify");  // raises
  registration.verify = PG_GETARG_BOOL(kVerify);
  registration.metadata = metadata_argument(fcinfo, kMetadata);
  if (!PG_ARGISNULL(kServer)) {
    registration.server = NameStr(*PG_GETARG_NAME(kServer));
    find_server(registration.server);  // raises where there is none
  }
  return registration;
}

// A confined caller registers what was issued to it, verified, and cannot say more about it.
void confine(Registration *registration) {
  const char *role = GetUserNameFromId(GetUserId(), false);
  const std::string_view caller = caller_user_id(registration->schema);
  if (!registration->verify) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" cannot register a file without verification", role),
                    errhint("Leave verify out.")));
  }
  if (!is_null(registration->public_file_url)) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" cannot give the public URL of a file", role),
                    errhint("Leave public_file_url out: it follows from the server's options.")));
  }
  if (!is_null(registration->user_id) && registration->user_id != caller) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" cannot register a file for user \"%s\"", role,
                           quotable(registration->user_id)),
                    errhint("Leave user_id out: it is b2_user_id().")));
  }
  registration->user_id = caller;
}

// A row that policies hide from a confined caller is not shown here either, even if it is theirs.
Datum find_registered(const Registration &registration, TupleDesc row_type) {
  const OwnerScope owner = begin_as_owner(require_table(registration.schema, "b2_files"));
  const Datum row = find_file(registration.schema, registration.object_key, registration.user_id,
                              registration.server, row_type);
  end_as_owner(owner);
  const bool is_shown = row == 0 || !registration.confined ||
                        is_visible(registration.schema, registration.object_key);
  return is_shown ? row : 0;
}

// Whether there is none, it is another user's, or it is on another server: the answer is the same.
Upload require_upload(const Registration &registration) {
  Upload upload;
  const OwnerScope owner = begin_as_owner(require_table(registration.schema, "b2_uploads"));
  bool found = find_upload(registration.schema, registration.object_key, &upload);
  end_as_owner(owner);
  found = found && (is_null(registration.user_id) || upload.user_id == registration.user_id) &&
          (is_null(registration.server) || upload.server == registration.server);
  if (!found) {
    ereport(ERROR,
            (errcode(ERRCODE_NO_DATA_FOUND),
             errmsg("no pending upload for object key \"%s\"", quotable(registration.object_key)),
             registration.confined
                 ? errhint("Every upload begins with b2_presign_put().")
                 : errhint("It was never issued, or to another user or for another server. Every "
                           "upload begins with b2_presign_put(); objects that are in the bucket "
                           "already are imported with INSERT INTO b2_files.")));
  }
  return upload;
}

void raise_deleted(const Registration &registration) {
  ereport(ERROR,
          (errcode(ERRCODE_NO_DATA_FOUND),
           errmsg("no pending upload for object key \"%s\"", quotable(registration.object_key)),
           registration.confined
               ? errdetail("The upload was registered. Its file was deleted since, or is hidden.")
               : errdetail("The upload was registered, and its file was deleted since."),
           errhint("If it was deleted, upload the file anew, under the new key that "
                   "b2_presign_put() makes.")));
}

void check_deadline(const Server *server, const Upload &upload) {
  const int64 grace = static_cast<int64>(server->options.upload_grace) * USECS_PER_SEC;
  TimestampTz deadline;
  if (TIMESTAMP_IS_NOEND(upload.expires_at) ||
      pg_add_s64_overflow(upload.expires_at, grace, &deadline) ||
      GetCurrentTimestamp() <= deadline) {
    return;
  }
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("too late to register object key \"%s\"", quotable(upload.object_key)),
           errdetail("Its URL expired at %s, and server \"%s\" allows %d seconds from then on.",
                     pstrdup(timestamptz_to_str(upload.expires_at)), NameStr(server->name),
                     server->options.upload_grace),
           errhint("Upload the file anew with b2_presign_put().")));
}

// Without versions, or while they are suspended, a later PUT replaces what was verified.
void require_version(const Server *server, std::string_view version_id) {
  if (!is_null(version_id) && version_id != "null") return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("bucket of server \"%s\" keeps no versions", NameStr(server->name)),
           errdetail("The URL can be used again until it expires, and would replace the file."),
           errhint("Switch the bucket's versioning on; Backblaze B2 always keeps versions.")));
}

Problem check_public_file_url(std::string_view url) {
  if (url.empty()) return "it is empty";
  for (char c : url) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return "it contains a control character";
  }
  return nullptr;
}

// Both tables change together or not at all: a subtransaction or the transaction ends on any error.
// 0 where the upload is not what was verified any more.
Datum record(const Registration &registration, const Upload &upload, const NewFile &file,
             TupleDesc row_type) {
  SPI_connect();
  const OwnerScope uploads_owner =
      begin_writing_as_owner(require_table(registration.schema, "b2_uploads"));
  const bool marked = mark_registered(registration.schema, upload);
  end_as_owner(uploads_owner);

  Datum row = 0;
  if (marked) {
    const OwnerScope files_owner =
        begin_writing_as_owner(require_table(registration.schema, "b2_files"));
    row = insert_file(registration.schema, file, row_type);
    const bool is_taken = row == 0 && file_exists(registration.schema, upload.object_key);
    end_as_owner(files_owner);
    if (is_taken) {
      ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
                      errmsg("object key \"%s\" is taken", quotable(upload.object_key)),
                      errdetail("A file of that key was added to b2_files meanwhile.")));
    }
    if (row == 0) {
      ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                      errmsg("file \"%s\" was not recorded", quotable(upload.object_key)),
                      errdetail("A trigger or rule on b2_files has kept the row out.")));
    }
  } else {
    // Another session was faster; what it recorded is as good.
    row = find_registered(registration, row_type);
  }
  SPI_finish();
  return row;
}

}  // namespace

}  // namespace b2neon

/// b2_register_file(object_key, user_id, public_file_url, verify, metadata, server) → the row
Datum b2_register_file(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  TupleDesc row_type;
  if (get_call_result_type(fcinfo, nullptr, &row_type) != TYPEFUNC_COMPOSITE) {
    elog(ERROR, "return type must be a row type");
  }
  row_type = BlessTupleDesc(row_type);

  Registration registration = read_arguments(fcinfo);
  if (registration.confined) confine(&registration);
  if (!is_null(registration.public_file_url)) {
    check_argument(check_public_file_url(registration.public_file_url), "public_file_url",
                   registration.public_file_url);
  }

  SPI_connect();
  Datum row = find_registered(registration, row_type);
  Upload upload;
  if (row == 0) {
    upload = require_upload(registration);
    // It may have been registered between the two looks.
    if (upload.is_registered) row = find_registered(registration, row_type);
    if (upload.is_registered && row == 0) raise_deleted(registration);
  }
  SPI_finish();
  if (row != 0) return row;
  PreventCommandIfReadOnly("b2_register_file()");

  // Everything that is taken from the server comes before SQL that may run triggers.
  const Server *server = find_server(upload.server);
  check_deadline(server, upload);
  NewFile file = {};
  file.file_url = is_null(registration.public_file_url)
                      ? public_file_url(server, to_utf8(upload.object_key))
                      : registration.public_file_url;
  file.server = name_datum(upload.server);
  if (registration.verify) {
    const VerifiedObject object = verify_upload(server, upload);
    if (registration.confined) require_version(server, object.version_id);
    file.size = object.size;
    file.etag = object.etag;
    file.version_id = object.version_id;
    file.verified = true;
  } else {
    file.size = upload.size;
  }
  file.object_key = upload.object_key;
  file.user_id = upload.user_id;
  file.file_name = upload.file_name;
  file.content_type = upload.content_type;
  file.metadata =
      registration.metadata
          ? DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(upload.metadata),
                                               JsonbPGetDatum(registration.metadata)))
          : upload.metadata;
  row = record(registration, upload, file, row_type);
  if (row == 0) {
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("upload of object key \"%s\" was changed while it was being registered",
                           quotable(upload.object_key)),
                    errhint("Register it again.")));
  }
  return row;
}
