#pragma once

#include "core/problem.h"
#include "core/signer.h"
#include "pg/pg.h"

namespace b2neon {

// Reading the arguments of SQL functions. Each of these raises an error that names the argument:
// 22004 where it is NULL, 22023 where it makes no sense, 22021 where it cannot be UTF-8.

/// The bytes of a text argument as they are in the database's encoding.
std::string_view required_text(FunctionCallInfo fcinfo, int argument, const char *name);

/// The same, where NULL means "none"; the view's data() is nullptr then.
std::string_view optional_text(FunctionCallInfo fcinfo, int argument);

/// The same for an argument of type name.
std::string_view optional_name(FunctionCallInfo fcinfo, int argument);

/// The texts of an array of one dimension, none of which may be NULL; 22023 where there are more
/// than `limit`.
std::span<const std::string_view> required_texts(FunctionCallInfo fcinfo, int argument,
                                                 const char *name, int limit);

/// What is to be kept with a file: a JSON object of at most 1 MB, or nullptr for NULL.
Jsonb *metadata_argument(FunctionCallInfo fcinfo, int argument);

int32 required_int32(FunctionCallInfo fcinfo, int argument, const char *name);

/// The text in UTF-8, which is what stores speak. Costs nothing in a UTF-8 database.
std::string_view to_utf8(std::string_view text);

/// Whether to_utf8() gives a result for it, and raises nothing.
bool can_be_utf8(std::string_view text);

/// Raises 22023 where there is a problem: `invalid <name>: "<value>"`, with the problem as detail.
void check_argument(Problem problem, const char *name, std::string_view value);

/// Raises 22023 unless `value` is a lifetime that a presigned URL can have.
void check_expires_in(int32 value, int32 maximum);

/// A text for a message: at most some hundred bytes of it, cut between characters.
const char *quotable(std::string_view text);

/// A jsonb object of strings and numbers, in UTF-8, allocated in the current memory context.
/// `values_as` says what they are, for messages: "header", "query parameter".
std::span<const NameValue> name_values(Jsonb *object, const char *argument);

inline bool is_null(std::string_view text) {
  return text.data() == nullptr;
}

inline Datum text_datum(std::string_view text) {
  return PointerGetDatum(cstring_to_text_with_len(text.data(), length(text)));
}

/// A datum of type name; longer texts are cut.
Datum name_datum(std::string_view text);

/// Seconds since 1970 of a timestamp, rounded down.
int64 unix_time(TimestampTz timestamp);
TimestampTz timestamp_of_unix_time(int64 seconds);

/// What the time was that long ago: `interval` is a datum of that type.
TimestampTz time_before_now(Datum interval);

/// A timestamp of microseconds since 1970.
TimestampTz timestamp_of_unix_microseconds(int64 microseconds);

}  // namespace b2neon
