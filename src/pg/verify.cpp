#include "pg/verify.h"

#include "core/object_head.h"
#include "pg/answer.h"
#include "pg/arguments.h"
#include "pg/store.h"

namespace b2neon {

namespace {

// So many requests are prepared at a time, which bounds the memory that they need.
constexpr size_t kBatchSize = 200;

constexpr NameValue kFirstByte[1] = {{"Range", "bytes=0-0"}};

StoreCall *prepare_head(const Verification &verification) {
  return prepare_request(verification.server, {"HEAD", to_utf8(verification.upload->object_key)});
}

// An answer to a HEAD says something of the object, or else of the store.
bool says_nothing_of_the_object(const HttpCall &call) {
  const HttpExchange *exchange = call.last_attempt();
  return !exchange || exchange->failure() != HttpFailure::kNone ||
         (exchange->status() != 200 && exchange->status() != 404);
}

// The answer to a HEAD has no body, in which a store says why it refuses a request. A GET has one.
// It is only asked for an explanation, in the time that the HEAD has left.
void explain(Answer *answer, const Verification &verification, int64 time_left) {
  constexpr int64 kWorthTrying = 50;
  if (answer->failure != HttpFailure::kNone || answer->status < 400 || answer->status >= 500 ||
      answer->wait_seconds > 0 || time_left < kWorthTrying) {
    return;
  }
  StoreCall *call = ask_store(verification.server, {"GET",
                                                    to_utf8(verification.upload->object_key),
                                                    {},
                                                    kFirstByte,
                                                    static_cast<int32>(time_left)});
  const Answer explanation = read_answer(call);
  if (explanation.has_error && explanation.status == answer->status) {
    answer->error = explanation.error;
  }
  release(call);
}

int64 time_left(const StoreCall *call) {
  return call->adopted->call->time_left().count();
}

// What the answer says of the store, and for how many files it was not asked any more.
[[noreturn]] void raise_trouble(const Answer &answer, const Verification &verification,
                                size_t not_asked, size_t count) {
  const Server *server = verification.server;
  const int bucket_length = length(server->options.bucket);
  const char *bucket = server->options.bucket.data();
  Failure failure = {ERRCODE_FDW_ERROR};
  failure.detail = describe(answer);
  failure.hint = advice(answer, server, "readFiles", false);
  if (answer.failure != HttpFailure::kNone) {
    failure = no_answer(answer, server);
  } else if (has_code(answer, "NoSuchBucket")) {
    failure.message = psprintf("bucket \"%.*s\" of server \"%s\" does not exist", bucket_length,
                               bucket, NameStr(server->name));
  } else if (is_passing(answer)) {
    failure.message =
        psprintf("the store of server \"%s\" cannot answer now", NameStr(server->name));
  } else {
    failure.message = psprintf("the store of server \"%s\" refused to show object \"%s\"",
                               NameStr(server->name), quotable(verification.upload->object_key));
  }
  if (not_asked > 0) {
    failure.detail = psprintf("%s %zu of %zu files were not asked for any more.", failure.detail,
                              not_asked, count);
  }
  raise(failure);
}

const Failure *not_in_bucket(const Answer &answer, const Verification &verification) {
  const Server *server = verification.server;
  const char *reason = psprintf("is not in bucket \"%.*s\"", length(server->options.bucket),
                                server->options.bucket.data());
  return new_failure(
      {ERRCODE_UNDEFINED_FILE,
       psprintf("object \"%s\" %s", quotable(verification.upload->object_key), reason),
       describe(answer), "Register a file when its upload has succeeded. The upload stays pending.",
       nullptr, reason});
}

constexpr const char *kStaysPending =
    "Nothing was recorded. The upload stays pending, so that it can be done again.";

const Failure *not_as_declared(const char *what, const char *constraint, const Upload &upload,
                               const char *declared, const char *found) {
  const char *reason = psprintf("does not have the declared %s", what);
  const char *detail = psprintf("Declared was %s, found was %s.", declared, found);
  return new_failure({ERRCODE_CHECK_VIOLATION,
                      psprintf("object \"%s\" %s", quotable(upload.object_key), reason), detail,
                      kStaysPending, constraint, psprintf("%s: %s", reason, detail)});
}

const Failure *check_size(const Server *server, const Upload &upload, int64 found) {
  const char *object_key = quotable(upload.object_key);
  if (found < 0) {
    return new_failure(
        {ERRCODE_PROTOCOL_VIOLATION,
         psprintf("the store of server \"%s\" did not say how large object \"%s\" is",
                  NameStr(server->name), object_key),
         nullptr, nullptr, nullptr, "has no size in the store's answer"});
  }
  if (upload.size >= 0 && found != upload.size) {
    return not_as_declared("size", "size", upload, psprintf(INT64_FORMAT " bytes", upload.size),
                           psprintf(INT64_FORMAT " bytes", found));
  }
  const int64 limit = server->options.max_upload_size;
  if (limit < 0 || found <= limit) return nullptr;
  const char *detail = psprintf("Server \"%s\" allows at most " INT64_FORMAT
                                " bytes, and the object has " INT64_FORMAT ".",
                                NameStr(server->name), limit, found);
  return new_failure({ERRCODE_CHECK_VIOLATION, psprintf("object \"%s\" is too large", object_key),
                      detail, kStaysPending, "size", psprintf("is too large: %s", detail)});
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
  char declared[33];
  if (!content_md5_in_hex(upload.content_md5, declared)) strlcpy(declared, "none", 33);
  return not_as_declared("MD5", "content_md5", upload,
                         psprintf("%s, in hexadecimal %s", quotable(upload.content_md5), declared),
                         quotable(etag));
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

// One batch of files, with a call for each.
struct Batch {
  std::span<Verification> verifications;
  StoreCall **calls;
  Answer *answers;

  void ask() {
    for (size_t i = 0; i < verifications.size(); i++) calls[i] = prepare_head(verifications[i]);
    carry_out({calls, verifications.size()}, says_nothing_of_the_object);
  }

  // What is still under way is given up.
  void release_all() {
    for (size_t i = 0; i < verifications.size(); i++) release(calls[i]);
  }

  size_t count_not_done() const {
    size_t count = 0;
    for (size_t i = 0; i < verifications.size(); i++) count += !calls[i]->done();
    return count;
  }

  void read_answers(size_t not_asked, size_t count) {
    for (size_t i = 0; i < verifications.size(); i++) {
      if (!calls[i]->done()) continue;
      answers[i] = read_answer(calls[i]);
      if (says_nothing_of_the_object(*calls[i]->adopted->call)) {
        const int64 left = time_left(calls[i]);
        release_all();
        explain(&answers[i], verifications[i], left);
        raise_trouble(answers[i], verifications[i], not_asked, count);
      }
    }
  }

  void look_at_objects(size_t count) {
    for (size_t i = 0; i < verifications.size(); i++) {
      if (answers[i].status == 200) {
        check_object(calls[i], &verifications[i]);
      } else {
        explain_missing(i);
        if (has_code(answers[i], "NoSuchBucket")) {
          release_all();
          raise_trouble(answers[i], verifications[i], 0, count);
        }
        verifications[i].failure = not_in_bucket(answers[i], verifications[i]);
      }
      release(calls[i]);
    }
  }

  // One explanation for a bucket is enough.
  void explain_missing(size_t missing) {
    for (size_t i = 0; i < missing; i++) {
      if (answers[i].status != 404 || verifications[i].server != verifications[missing].server) {
        continue;
      }
      answers[missing].error = answers[i].error;
      answers[missing].error.request_id[0] = '\0';
      return;
    }
    explain(&answers[missing], verifications[missing], time_left(calls[missing]));
  }
};

}  // namespace

void verify_uploads(std::span<Verification> verifications) {
  const size_t count = verifications.size();
  const size_t size = Min(count, kBatchSize);
  Batch batch = {{},
                 static_cast<StoreCall **>(palloc(size * sizeof(StoreCall *) + 1)),
                 static_cast<Answer *>(palloc(size * sizeof(Answer) + 1))};
  while (!verifications.empty()) {
    batch.verifications = verifications.first(Min(verifications.size(), kBatchSize));
    verifications = verifications.subspan(batch.verifications.size());
    batch.ask();
    batch.read_answers(batch.count_not_done() + verifications.size(), count);
    batch.look_at_objects(count);
  }
  pfree(batch.calls);
  pfree(batch.answers);
}

}  // namespace b2neon
