#include "pg/verify.h"

#include "core/object_head.h"
#include "pg/answer.h"
#include "pg/arguments.h"
#include "pg/store.h"

namespace b2neon {

namespace {

// So many requests are prepared at a time, which bounds the memory that they need.
constexpr size_t kBatchSize = 1000;

constexpr NameValue kFirstByte[1] = {{"Range", "bytes=0-0"}};

StoreCall *prepare_head(const Verification &verification) {
  return prepare_request(verification.server, {"HEAD", to_utf8(verification.upload->object_key)});
}

// The answer to a HEAD has no body, in which a store says why it refuses a request. A GET has one.
// It is only asked for an explanation, so that it gets less time.
StoreCall *prepare_explanation(const Verification &verification) {
  const ServerOptions &options = verification.server->options;
  return prepare_request(verification.server,
                         {"GET",
                          to_utf8(verification.upload->object_key),
                          {},
                          kFirstByte,
                          Min(options.connect_timeout, options.request_timeout)});
}

bool needs_explanation(const Answer &answer) {
  return answer.failure == HttpFailure::kNone && answer.status >= 400 && answer.status < 500 &&
         answer.wait_seconds == 0;
}

const Failure *refusal(const Answer &answer, const Verification &verification) {
  const Server *server = verification.server;
  const char *object_key = quotable(verification.upload->object_key);
  const int bucket_length = length(server->options.bucket);
  const char *bucket = server->options.bucket.data();
  if (has_code(answer, "NoSuchBucket")) {
    return new_failure({ERRCODE_FDW_ERROR,
                        psprintf("bucket \"%.*s\" of server \"%s\" does not exist", bucket_length,
                                 bucket, NameStr(server->name)),
                        describe(answer), advice(answer, server, "readFiles", false)});
  }
  if (answer.status == 404) {
    return new_failure(
        {ERRCODE_UNDEFINED_FILE,
         psprintf("object \"%s\" is not in bucket \"%.*s\"", object_key, bucket_length, bucket),
         describe(answer),
         "Register a file when its upload has succeeded. The upload stays pending."});
  }
  return new_failure({ERRCODE_FDW_ERROR,
                      psprintf("the store of server \"%s\" refused to show object \"%s\"",
                               NameStr(server->name), object_key),
                      describe(answer), advice(answer, server, "readFiles", false)});
}

const Failure *not_as_declared(const char *what, const char *constraint, const Upload &upload,
                               const char *declared, const char *found) {
  return new_failure(
      {ERRCODE_CHECK_VIOLATION,
       psprintf("object \"%s\" does not have the declared %s", quotable(upload.object_key), what),
       psprintf("Declared was %s, found was %s.", declared, found),
       "Nothing was recorded. The upload stays pending, so that it can be done again.",
       constraint});
}

const Failure *check_size(const Server *server, const Upload &upload, int64 found) {
  const char *object_key = quotable(upload.object_key);
  if (found < 0) {
    return new_failure(
        {ERRCODE_PROTOCOL_VIOLATION,
         psprintf("the store of server \"%s\" did not say how large object \"%s\" is",
                  NameStr(server->name), object_key)});
  }
  if (upload.size >= 0 && found != upload.size) {
    return not_as_declared("size", "size", upload, psprintf(INT64_FORMAT " bytes", upload.size),
                           psprintf(INT64_FORMAT " bytes", found));
  }
  const int64 limit = server->options.max_upload_size;
  if (limit < 0 || found <= limit) return nullptr;
  return new_failure({ERRCODE_CHECK_VIOLATION, psprintf("object \"%s\" is too large", object_key),
                      psprintf("Server \"%s\" allows at most " INT64_FORMAT
                               " bytes, and the object has " INT64_FORMAT ".",
                               NameStr(server->name), limit, found),
                      nullptr, "size"});
}

const Failure *check_content_type(const Upload &upload, std::string_view found) {
  if (!is_null(found) && found == upload.content_type) return nullptr;
  return not_as_declared("content type", "content_type", upload,
                         psprintf("\"%s\"", quotable(upload.content_type)),
                         is_null(found) ? "none" : psprintf("\"%s\"", quotable(found)));
}

const Failure *check_md5(const Upload &upload, std::string_view etag) {
  if (is_null(upload.content_md5) || is_null(etag) ||
      etag_agrees_with_md5(etag, upload.content_md5)) {
    return nullptr;
  }
  return not_as_declared("MD5", "content_md5", upload,
                         psprintf("\"%s\" in base64", quotable(upload.content_md5)),
                         psprintf("\"%s\" in hexadecimal", quotable(etag)));
}

void check_object(const StoreCall *call, Verification *verification) {
  const Upload &upload = *verification->upload;
  const ObjectHead head = read_object_head(*call->exchange());
  VerifiedObject &object = verification->object;
  object = {head.size, keep_text(head.content_type), keep_text(head.etag),
            keep_text(head.version_id)};
  verification->failure = check_size(verification->server, upload, object.size);
  if (!verification->failure) {
    verification->failure = check_content_type(upload, object.content_type);
  }
  if (!verification->failure) verification->failure = check_md5(upload, object.etag);
}

// One batch of calls, and of answers that may have to be explained.
struct Batch {
  std::span<Verification> verifications;
  StoreCall **calls;
  Answer *answers;

  void ask_for_objects() {
    for (size_t i = 0; i < verifications.size(); i++) calls[i] = prepare_head(verifications[i]);
    carry_out({calls, verifications.size()});
    for (size_t i = 0; i < verifications.size(); i++) {
      answers[i] = read_answer(calls[i]);
      if (is_status(answers[i], 200)) check_object(calls[i], &verifications[i]);
      release(calls[i]);
    }
  }

  void ask_for_explanations() {
    size_t count = 0;
    for (size_t i = 0; i < verifications.size(); i++) {
      if (needs_explanation(answers[i])) calls[count++] = prepare_explanation(verifications[i]);
    }
    carry_out({calls, count});
    StoreCall **call = calls;
    for (Answer &answer : std::span(answers, verifications.size())) {
      if (!needs_explanation(answer)) continue;
      const Answer explanation = read_answer(*call);
      if (explanation.has_error && explanation.status == answer.status) {
        answer.error = explanation.error;
      }
      release(*call++);
    }
  }

  void note_failures() {
    for (size_t i = 0; i < verifications.size(); i++) {
      if (is_status(answers[i], 200)) continue;
      verifications[i].failure = answers[i].failure != HttpFailure::kNone
                                     ? no_answer(answers[i], verifications[i].server)
                                     : refusal(answers[i], verifications[i]);
    }
  }
};

}  // namespace

void verify_uploads(std::span<Verification> verifications) {
  const size_t size = Min(verifications.size(), kBatchSize);
  Batch batch = {{},
                 static_cast<StoreCall **>(palloc(size * sizeof(StoreCall *) + 1)),
                 static_cast<Answer *>(palloc(size * sizeof(Answer) + 1))};
  while (!verifications.empty()) {
    batch.verifications = verifications.first(Min(verifications.size(), kBatchSize));
    verifications = verifications.subspan(batch.verifications.size());
    batch.ask_for_objects();
    batch.ask_for_explanations();
    batch.note_failures();
  }
  pfree(batch.calls);
  pfree(batch.answers);
}

}  // namespace b2neon
