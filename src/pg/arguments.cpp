#include "pg/arguments.h"

#include "core/utf8.h"

namespace b2neon {

namespace {

constexpr int64 kUnixEpochInPostgres =
    static_cast<int64>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;

void raise_null(const char *name) {
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name)));
}

std::string_view text_view(Datum datum) {
  text *value = DatumGetTextPP(datum);
  return {VARDATA_ANY(value), static_cast<size_t>(VARSIZE_ANY_EXHDR(value))};
}

}  // namespace

std::string_view required_text(FunctionCallInfo fcinfo, int argument, const char *name) {
  if (PG_ARGISNULL(argument)) raise_null(name);
  return text_view(PG_GETARG_DATUM(argument));
}

std::string_view optional_text(FunctionCallInfo fcinfo, int argument) {
  return PG_ARGISNULL(argument) ? std::string_view() : text_view(PG_GETARG_DATUM(argument));
}

std::string_view optional_name(FunctionCallInfo fcinfo, int argument) {
  return PG_ARGISNULL(argument) ? std::string_view() : NameStr(*PG_GETARG_NAME(argument));
}

std::span<const std::string_view> required_texts(FunctionCallInfo fcinfo, int argument,
                                                 const char *name, int limit) {
  if (PG_ARGISNULL(argument)) raise_null(name);
  ArrayType *array = PG_GETARG_ARRAYTYPE_P(argument);
  if (ARR_NDIM(array) > 1) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must be an array of one dimension", name)));
  }
  if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > limit) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must have at most %d elements", name, limit),
                    errhint("Split the array over several calls.")));
  }
  Datum *elements;
  bool *nulls;
  int count;
  deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
  std::string_view *texts =
      static_cast<std::string_view *>(palloc(count * sizeof(std::string_view) + 1));
  for (int i = 0; i < count; i++) {
    if (nulls[i]) {
      ereport(ERROR,
              (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not contain NULL", name),
               errdetail("Element %d is NULL.", i + 1)));
    }
    texts[i] = text_view(elements[i]);
  }
  return {texts, static_cast<size_t>(count)};
}

int32 required_int32(FunctionCallInfo fcinfo, int argument, const char *name) {
  if (PG_ARGISNULL(argument)) raise_null(name);
  return PG_GETARG_INT32(argument);
}

Jsonb *metadata_argument(FunctionCallInfo fcinfo, int argument) {
  constexpr uint32 kMaxSize = 1024 * 1024;
  if (PG_ARGISNULL(argument)) return nullptr;
  Jsonb *metadata = PG_GETARG_JSONB_P(argument);
  if (!JB_ROOT_IS_OBJECT(metadata)) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("metadata must be a JSON object")));
  }
  if (VARSIZE(metadata) > kMaxSize) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("metadata must have at most %u bytes, but has %u", kMaxSize,
                           VARSIZE(metadata))));
  }
  return metadata;
}

std::string_view to_utf8(std::string_view text) {
  if (GetDatabaseEncoding() == PG_UTF8 || text.empty()) return text;
  const char *converted = pg_server_to_any(text.data(), length(text), PG_UTF8);
  return converted == text.data() ? text : std::string_view(converted);
}

bool can_be_utf8(std::string_view text) {
  const int encoding = GetDatabaseEncoding();
  if (text.empty()) return true;
  if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII) return is_utf8(text);
  const Oid conversion = FindDefaultConversionProc(encoding, PG_UTF8);
  if (!OidIsValid(conversion)) return false;
  const size_t room = text.size() * MAX_CONVERSION_GROWTH + 1;
  unsigned char *converted = static_cast<unsigned char *>(palloc(room));
  unsigned char *source = reinterpret_cast<unsigned char *>(pnstrdup(text.data(), text.size()));
  return pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, source, length(text),
                                       converted, static_cast<int>(room), true) == length(text);
}

const char *quotable(std::string_view text) {
  constexpr int kLimit = 200;
  int size = length(text);
  if (size > kLimit) {
    // In SQL_ASCII, where any byte is a character, it is mostly UTF-8.
    size = GetDatabaseEncoding() == PG_SQL_ASCII ? length(utf8_prefix(text, kLimit))
                                                 : pg_mbcliplen(text.data(), size, kLimit);
    return psprintf("%.*s...", size, text.data());
  }
  return pnstrdup(text.data(), size);
}

void check_argument(Problem problem, const char *name, std::string_view value) {
  if (!problem) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("invalid %s: \"%s\"", name, quotable(value)),
                  errdetail("The %s was refused because %s.", name, problem)));
}

void check_expires_in(int32 value, int32 maximum) {
  if (value >= kMinExpiresIn && value <= maximum) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("expires_in must be from %d to %d seconds, not %d", kMinExpiresIn, maximum,
                         value)));
}

std::span<const NameValue> name_values(Jsonb *object, const char *argument) {
  if (!JB_ROOT_IS_OBJECT(object)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must be a JSON object", argument)));
  }
  const int count = JB_ROOT_COUNT(object);
  NameValue *items = static_cast<NameValue *>(palloc(sizeof(NameValue) * Max(count, 1)));
  int filled = 0;

  JsonbIterator *iterator = JsonbIteratorInit(&object->root);
  JsonbValue value;
  JsonbIteratorToken token;
  std::string_view name;
  // skipNested: a value that is an object or array comes as one jbvBinary.
  while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE) {
    if (token == WJB_KEY) {
      name = {value.val.string.val, static_cast<size_t>(value.val.string.len)};
    } else if (token == WJB_VALUE) {
      std::string_view text;
      if (value.type == jbvString) {
        text = {value.val.string.val, static_cast<size_t>(value.val.string.len)};
      } else if (value.type == jbvNumeric) {
        text =
            DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
      } else {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("the value of \"%s\" in %s must be a string or a number",
                               quotable(name), argument)));
      }
      items[filled++] = {to_utf8(name), to_utf8(text)};
    }
  }
  return {items, static_cast<size_t>(filled)};
}

Datum name_datum(std::string_view text) {
  Name name = static_cast<Name>(palloc0(NAMEDATALEN));
  memcpy(NameStr(*name), text.data(), Min(text.size(), static_cast<size_t>(NAMEDATALEN - 1)));
  return NameGetDatum(name);
}

int64 unix_time(TimestampTz timestamp) {
  // Timestamps before 2000 are negative, and division rounds towards zero.
  int64 seconds = timestamp / USECS_PER_SEC;
  if (timestamp % USECS_PER_SEC < 0) seconds--;
  return seconds + kUnixEpochInPostgres;
}

TimestampTz timestamp_of_unix_time(int64 seconds) {
  return (seconds - kUnixEpochInPostgres) * USECS_PER_SEC;
}

TimestampTz time_before_now(Datum interval) {
  return DatumGetTimestampTz(DirectFunctionCall2(
      timestamptz_mi_interval, TimestampTzGetDatum(GetCurrentTimestamp()), interval));
}

TimestampTz timestamp_of_unix_microseconds(int64 microseconds) {
  return microseconds - kUnixEpochInPostgres * USECS_PER_SEC;
}

}  // namespace b2neon
