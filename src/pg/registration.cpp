#include "pg/registration.h"

#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/files.h"
#include "pg/identity.h"
#include "pg/server.h"
#include "pg/tables.h"
#include "pg/verify.h"

namespace b2neon {

namespace {

// A confined caller registers what was issued to it, verified, and cannot say more about it.
void confine(RegistrationTerms *terms) {
  const char *role = GetUserNameFromId(GetUserId(), false);
  const std::string_view caller = caller_user_id(terms->schema);
  if (!terms->verify) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" cannot register a file without verification", role),
                    errhint("Leave verify out.")));
  }
  if (!is_null(terms->user_id) && terms->user_id != caller) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" cannot register a file for user \"%s\"", role,
                           quotable(terms->user_id)),
                    errhint("Leave user_id out: it is b2_user_id().")));
  }
  terms->user_id = caller;
}

// A row that policies hide from a confined caller is not shown here either, even if it is theirs.
Datum find_registered(const RegistrationTerms &terms, std::string_view object_key,
                      TupleDesc row_type) {
  const OwnerScope owner = begin_as_owner(require_table(terms.schema, "b2_files"));
  const Datum row = find_file(terms.schema, object_key, terms.user_id, terms.server, row_type);
  end_as_owner(owner);
  const bool is_shown = row == 0 || !terms.confined || is_visible(terms.schema, object_key);
  return is_shown ? row : 0;
}

// Whether there is none, it is another user's, or it is on another server: the answer is the same.
const Failure *no_upload(const RegistrationTerms &terms, std::string_view object_key) {
  return new_failure(
      {ERRCODE_NO_DATA_FOUND,
       psprintf("no pending upload for object key \"%s\"", quotable(object_key)), nullptr,
       terms.confined ? "Every upload begins with b2_presign_put()."
                      : "It was never issued, or to another user or for another server. Every "
                        "upload begins with b2_presign_put(); objects that are in the bucket "
                        "already are imported with INSERT INTO b2_files.",
       nullptr, "no pending upload"});
}

const Failure *deleted(const RegistrationTerms &terms, std::string_view object_key) {
  return new_failure(
      {ERRCODE_NO_DATA_FOUND,
       psprintf("no pending upload for object key \"%s\"", quotable(object_key)),
       terms.confined ? "The upload was registered. Its file was deleted since, or is hidden."
                      : "The upload was registered, and its file was deleted since.",
       "If it was deleted, upload the file anew, under the new key that b2_presign_put() makes.",
       nullptr, "no pending upload: it was registered, and its file is not there any more"});
}

bool is_asked_for(const RegistrationTerms &terms, const Upload &upload) {
  return (is_null(terms.user_id) || upload.user_id == terms.user_id) &&
         (is_null(terms.server) || upload.server == terms.server);
}

enum class Found { kRow, kPending, kDeleted, kNothing };

// Finds the row that is there already, or the upload that is pending. Within SPI, where nothing but
// what comes from the tables outlives it.
Found find(const RegistrationTerms &terms, Registration *registration, Upload *upload,
           TupleDesc row_type) {
  registration->row = find_registered(terms, registration->object_key, row_type);
  if (registration->row != 0) return Found::kRow;
  const OwnerScope owner = begin_as_owner(require_table(terms.schema, "b2_uploads"));
  const bool found = find_upload(terms.schema, registration->object_key, upload);
  end_as_owner(owner);
  if (!found || !is_asked_for(terms, *upload)) return Found::kNothing;
  if (!upload->is_registered) return Found::kPending;
  // It may have been registered between the two looks.
  registration->row = find_registered(terms, registration->object_key, row_type);
  return registration->row != 0 ? Found::kRow : Found::kDeleted;
}

const Failure *check_deadline(const Server *server, const Upload &upload) {
  const int64 grace = static_cast<int64>(server->options.upload_grace) * USECS_PER_SEC;
  TimestampTz deadline;
  if (TIMESTAMP_IS_NOEND(upload.expires_at) ||
      pg_add_s64_overflow(upload.expires_at, grace, &deadline) ||
      GetCurrentTimestamp() <= deadline) {
    return nullptr;
  }
  const char *detail = psprintf(
      "Its URL expired at %s, and upload_grace of server \"%s\" is %d seconds.",
      timestamptz_to_str(upload.expires_at), NameStr(server->name), server->options.upload_grace);
  return new_failure(
      {ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
       psprintf("too late to register object key \"%s\"", quotable(upload.object_key)), detail,
       "Upload the file anew with b2_presign_put().", nullptr, psprintf("too late: %s", detail)});
}

// Without versions, or while they are suspended, a later PUT replaces what was verified.
const Failure *check_version(const Server *server, std::string_view version_id) {
  if (!is_null(version_id) && version_id != "null") return nullptr;
  return new_failure({ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      psprintf("bucket of server \"%s\" keeps no versions", NameStr(server->name)),
                      "The URL can be used again until it expires, and would replace the file.",
                      "Switch the bucket's versioning on; Backblaze B2 always keeps versions.",
                      nullptr, "its bucket keeps no versions"});
}

// Both tables change together or not at all: a subtransaction or the transaction ends on any error.
// 0 where the upload is not what was verified any more.
Datum record(const RegistrationTerms &terms, const Upload &upload, NewFile file,
             TupleDesc row_type) {
  SPI_connect();
  const OwnerScope uploads_owner =
      begin_writing_as_owner(require_table(terms.schema, "b2_uploads"));
  file.metadata = mark_registered(terms.schema, upload);
  end_as_owner(uploads_owner);

  Datum row = 0;
  if (file.metadata) {
    if (terms.metadata) {
      file.metadata = DatumGetJsonbP(DirectFunctionCall2(
          jsonb_concat, JsonbPGetDatum(file.metadata), JsonbPGetDatum(terms.metadata)));
    }
    const OwnerScope files_owner = begin_writing_as_owner(require_table(terms.schema, "b2_files"));
    row = insert_file(terms.schema, file, row_type);
    const bool is_taken = row == 0 && file_exists(terms.schema, upload.object_key);
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
    row = find_registered(terms, upload.object_key, row_type);
  }
  SPI_finish();
  return row;
}

// An upload that is pending, and what is going to be recorded of it.
struct Pending {
  Registration *registration;
  Upload upload;
  const Server *server;
  NewFile file;
};

// Everything that is taken from the server comes before SQL that may run triggers.
void prepare(const RegistrationTerms &terms, Pending *pending) {
  const Upload &upload = pending->upload;
  pending->server = find_server(upload.server);
  pending->registration->failure = check_deadline(pending->server, upload);

  NewFile &file = pending->file;
  file.object_key = upload.object_key;
  file.file_url = is_null(terms.public_file_url)
                      ? public_file_url(pending->server, to_utf8(upload.object_key))
                      : terms.public_file_url;
  file.user_id = upload.user_id;
  file.server = name_datum(upload.server);
  file.file_name = upload.file_name;
  file.content_type = upload.content_type;
  file.size = upload.size;
}

void verify(const RegistrationTerms &terms, std::span<Pending> all) {
  Verification *verifications =
      static_cast<Verification *>(palloc0(all.size() * sizeof(Verification) + 1));
  Pending **verified = static_cast<Pending **>(palloc(all.size() * sizeof(Pending *) + 1));
  size_t count = 0;
  for (Pending &pending : all) {
    if (pending.registration->failure) continue;
    verifications[count].server = pending.server;
    verifications[count].upload = &pending.upload;
    verified[count++] = &pending;
  }
  verify_uploads({verifications, count});
  for (size_t i = 0; i < count; i++) {
    const VerifiedObject &object = verifications[i].object;
    const Failure *failure = verifications[i].failure;
    if (!failure && terms.confined) {
      failure = check_version(verifications[i].server, object.version_id);
    }
    verified[i]->registration->failure = failure;
    NewFile &file = verified[i]->file;
    file.size = object.size;
    file.etag = object.etag;
    file.version_id = object.version_id;
    file.verified = true;
  }
}

void record_all(const RegistrationTerms &terms, std::span<const Pending> all, TupleDesc row_type) {
  for (const Pending &pending : all) {
    pending.registration->row = record(terms, pending.upload, pending.file, row_type);
    if (pending.registration->row != 0) continue;
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("upload of object key \"%s\" was changed while it was being registered",
                           quotable(pending.upload.object_key)),
                    errhint("Register it again.")));
  }
}

}  // namespace

RegistrationTerms registration_terms(FunctionCallInfo fcinfo, int user_id, int verify, int server) {
  RegistrationTerms terms = {};
  terms.schema = extension_schema(fcinfo);
  terms.confined = caller_is_confined(terms.schema);
  terms.user_id = optional_text(fcinfo, user_id);
  if (PG_ARGISNULL(verify)) required_text(fcinfo, verify, "verify");  // raises
  terms.verify = PG_GETARG_BOOL(verify);
  terms.server = optional_name(fcinfo, server);
  if (!is_null(terms.server)) find_server(terms.server);  // raises where there is none
  if (terms.confined) confine(&terms);
  return terms;
}

void register_uploads(const RegistrationTerms &terms, std::span<Registration *const> registrations,
                      TupleDesc row_type, const char *function) {
  Pending *room = static_cast<Pending *>(palloc0(registrations.size() * sizeof(Pending) + 1));
  size_t count = 0;
  bool has_failed = false;
  for (Registration *registration : registrations) {
    room[count].registration = registration;
    SPI_connect();
    const Found found = find(terms, registration, &room[count].upload, row_type);
    SPI_finish();
    if (found == Found::kPending) count++;
    if (found == Found::kDeleted) registration->failure = deleted(terms, registration->object_key);
    if (found == Found::kNothing) {
      registration->failure = no_upload(terms, registration->object_key);
    }
    has_failed = has_failed || registration->failure;
  }
  if (count == 0) return;
  PreventCommandIfReadOnly(function);

  const std::span<Pending> all(room, count);
  for (Pending &pending : all) prepare(terms, &pending);
  if (terms.verify) verify(terms, all);
  for (const Pending &pending : all) has_failed = has_failed || pending.registration->failure;
  if (!has_failed) record_all(terms, all, row_type);
}

}  // namespace b2neon
