#pragma once

#include "core/s3_error.h"
#include "pg/failure.h"
#include "pg/store.h"

namespace b2neon {

// What messages and rows say of the answers of a store.

/// What came of a call that has been carried out, in the current memory context. It outlives the
/// call.
struct Answer {
  HttpFailure failure;  // kNone where there is an answer
  const char *failure_text;
  int status;      // 0 where there is no answer
  S3Error error;   // what the store says of a refusal
  bool has_error;  // it can come with any status
  int attempts;
  int64 wait_seconds;  // for how long the store asks to be left alone; 0: not asked
  bool has_date;
  int64 clock_skew;  // seconds that this machine's clock is ahead of the store's
};

Answer read_answer(const StoreCall *call);

/// Whether the store answered with that status, and meant it.
bool is_status(const Answer &answer, int status);

bool is_redirect(const Answer &answer);

/// Whether the store said that it cannot answer now, so that asking again later may help.
bool is_passing(const Answer &answer);

/// Whether the store knows the key, and its signature is right: it refuses for another reason, or
/// not at all.
bool key_is_known(const Answer &answer);

/// Whether the store gave that code.
bool has_code(const Answer &answer, const char *code);

/// A sentence on what came of the call, with its status or failure, the store's code, message and
/// request id, and the number of attempts.
const char *describe(const Answer &answer);

/// What a person can do about an answer that is not the one hoped for; nullptr where there is
/// nothing to say. `capability` is what the key needs for the request at B2, and `is_upload`
/// whether the key for uploads has signed it.
const char *advice(const Answer &answer, const Server *server, const char *capability,
                   bool is_upload);

/// How many seconds the two clocks are apart.
int64 clock_difference(const Answer &answer);

/// How far apart the clocks may be before links expire early, and before B2 refuses requests.
constexpr int kMaxClockSkewSeconds = 60;

/// A sentence on the clocks, and on what to do.
const char *describe_clock_skew(const Answer &answer);

/// Why there is no answer, as an error of class 08 (42501 where the address is forbidden).
Failure no_answer(const Answer &answer, const Server *server);

/// A header of an answer as it can stand in a message or a row, in the current memory context;
/// data() == nullptr where there is none, or one that cannot.
std::string_view answer_header(const StoreCall *call, std::string_view name);

/// The same for a text that was read from an answer.
std::string_view keep_text(std::string_view text);

}  // namespace b2neon
