#include "pg/options.h"

#include "core/ascii.h"
#include "core/bucket_name.h"
#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/hide_statement.h"
#include "pg/settings.h"

namespace b2neon {

namespace {

enum class Place { kServer, kMapping };

struct Option {
  const char *name;
  Place place;
};

constexpr Option kOptions[] = {
    {"endpoint", Place::kServer},
    {"bucket", Place::kServer},
    {"region", Place::kServer},
    {"url_style", Place::kServer},
    {"public", Place::kServer},
    {"public_url", Place::kServer},
    {"key_prefix", Place::kServer},
    {"max_upload_size", Place::kServer},
    {"max_expires_in", Place::kServer},
    {"allowed_content_types", Place::kServer},
    {"upload_grace", Place::kServer},
    {"connect_timeout", Place::kServer},
    {"request_timeout", Place::kServer},
    {"key_id", Place::kMapping},
    {"application_key", Place::kMapping},
    {"upload_key_id", Place::kMapping},
    {"upload_application_key", Place::kMapping},
};

const char *valid_names(Place place) {
  StringInfoData names;
  initStringInfo(&names);
  for (const Option &option : kOptions) {
    if (option.place == place) {
      appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", option.name);
    }
  }
  return names.data;
}

const Option *find_option(const char *name) {
  for (const Option &option : kOptions) {
    if (strcmp(option.name, name) == 0) return &option;
  }
  return nullptr;
}

// The statement is hidden whatever the place: an unknown option may be a secret with its name
// misspelt, or have one beside it.
void check_names(List *options, Place place) {
  ListCell *cell;
  foreach (cell, options) {
    const char *name = static_cast<DefElem *>(lfirst(cell))->defname;
    const Option *option = find_option(name);
    if (option && option->place == place) continue;
    const char *kind = place == Place::kServer ? "foreign server" : "user mapping";
    if (option) {
      ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), hide_statement(),
                      errmsg("option \"%s\" does not belong to a %s", name, kind),
                      place == Place::kServer
                          ? errdetail("Everyone can read the options of a foreign server.")
                          : 0,
                      errhint("Give it to the %s.",
                              place == Place::kServer ? "user mapping" : "foreign server")));
    }
    ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), hide_statement(),
                    errmsg("invalid option \"%s\" for a %s of b2neon", name, kind),
                    errhint("Valid options are: %s.", valid_names(place))));
  }
}

std::string_view find_value(List *options, const char *name) {
  ListCell *cell;
  foreach (cell, options) {
    DefElem *element = static_cast<DefElem *>(lfirst(cell));
    if (strcmp(element->defname, name) == 0) return defGetString(element);
  }
  return {};
}

std::string_view require_value(List *options, const char *name, Place place) {
  std::string_view value = find_value(options, name);
  if (is_null(value)) {
    ereport(ERROR,
            (errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
             hide_statement(place == Place::kMapping), errmsg("option \"%s\" is required", name)));
  }
  return value;
}

void raise_invalid(const char *name, std::string_view value, Problem problem) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("invalid value for option \"%s\": \"%s\"", name, quotable(value)),
                  errdetail("The value was refused because %s.", problem)));
}

void check_value(const char *name, std::string_view value, Problem problem) {
  if (problem) raise_invalid(name, value, problem);
}

bool read_boolean(List *options, const char *name, bool otherwise) {
  std::string_view value = find_value(options, name);
  if (is_null(value)) return otherwise;
  bool result;
  if (!parse_bool_with_len(value.data(), value.size(), &result)) {
    raise_invalid(name, value, "it is not a Boolean");
  }
  return result;
}

int64 read_integer(List *options, const char *name, int64 minimum, int64 maximum, int64 otherwise,
                   const char *unit) {
  std::string_view value = find_value(options, name);
  if (is_null(value)) return otherwise;
  int64 result = 0;
  bool ok = !value.empty() && value.size() <= 18;
  for (char c : value) {
    ok = ok && is_ascii_digit(c);
    if (ok) result = 10 * result + (c - '0');
  }
  if (!ok || result < minimum || result > maximum) {
    raise_invalid(name, value,
                  psprintf("it is not a whole number of %s from " INT64_FORMAT " to " INT64_FORMAT,
                           unit, minimum, maximum));
  }
  return result;
}

// Entries such as image/png and image/*, separated by commas.
Problem check_content_types(std::string_view list) {
  if (list.empty()) return "it is empty";
  for (char c : list) {
    if (!is_ascii_alnum(c) && std::string_view("!#$&^_.+-/*, ").find(c) == std::string_view::npos) {
      return "it is not a list of media types separated by commas";
    }
  }
  return nullptr;
}

// A base for URLs: the whole key is put behind it and a slash.
Problem check_public_url(std::string_view url) {
  if (url.substr(0, 8) != "https://" && url.substr(0, 7) != "http://") {
    return "it must begin with https:// or http://";
  }
  if (url.find_first_of("?#") != std::string_view::npos) return "it must not contain a query";
  for (char c : url) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\') {
      return "it contains a character that no URL has";
    }
  }
  return nullptr;
}

Problem check_key_prefix(std::string_view prefix) {
  // A UUID of 36 characters, a hyphen and a short name must have room behind it.
  constexpr size_t kMaxPrefixLength = 512;
  if (prefix.size() > kMaxPrefixLength) return "it is longer than 512 bytes of UTF-8";
  return prefix.empty() ? nullptr : check_object_key(prefix);
}

// An application key is never quoted, and its statement never logged.
void check_credential(const char *name, std::string_view value) {
  Problem problem = nullptr;
  if (value.empty()) problem = "it is empty";
  if (value.size() > 256) problem = "it is longer than 256 characters";
  for (char c : value) {
    if (c <= ' ' || c >= 0x7f) problem = "it contains a blank or another character that no key has";
  }
  if (strstr(name, "key_id") && value.find('/') != std::string_view::npos) {
    problem = "it contains a slash";
  }
  if (!problem) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), hide_statement(),
                  errmsg("invalid value for option \"%s\"", name),
                  errdetail("The value was refused because %s.", problem)));
}

std::string_view without_slash(std::string_view url) {
  if (!url.empty() && url.back() == '/') url.remove_suffix(1);
  return url;
}

}  // namespace

// untransformRelOptions() would leave a second copy behind.
List *option_list(Datum options) {
  ArrayType *array = DatumGetArrayTypeP(options);
  Datum *items;
  int count;
  deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, nullptr, &count);
  List *list = NIL;
  for (int i = 0; i < count; i++) {
    char *name = TextDatumGetCString(items[i]);
    char *value = strchr(name, '=');
    if (!value) elog(ERROR, "option without a value in a catalog");
    *value++ = '\0';
    list = lappend(list, makeDefElem(name, reinterpret_cast<Node *>(makeString(value)), -1));
  }
  // What was compressed, or not on a boundary, was copied.
  if (array != reinterpret_cast<ArrayType *>(DatumGetPointer(options))) {
    explicit_bzero(array, VARSIZE(array));
  }
  return list;
}

void wipe_options(List *options) {
  ListCell *cell;
  foreach (cell, options) {
    char *value = strVal(static_cast<DefElem *>(lfirst(cell))->arg);
    explicit_bzero(value, strlen(value));
  }
}

ServerOptions read_server_options(List *options) {
  check_names(options, Place::kServer);
  ServerOptions result;

  std::string_view url = require_value(options, "endpoint", Place::kServer);
  // What stands before an @ could be a password.
  if (url.find('@') != std::string_view::npos) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), hide_statement(),
                    errmsg("invalid value for option \"endpoint\""),
                    errdetail("The value was refused because it must not contain a user name.")));
  }
  check_value("endpoint", url, parse_endpoint(url, result.endpoint));
  result.endpoint_url = without_slash(url);

  result.bucket = require_value(options, "bucket", Place::kServer);
  check_value("bucket", result.bucket, check_bucket_name(result.bucket));

  result.region = find_value(options, "region");
  if (is_null(result.region)) {
    const std::string_view region = b2_region(result.endpoint.host);
    if (region.empty()) {
      ereport(ERROR,
              (errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
               errmsg("option \"region\" is required for this endpoint"),
               errdetail("Only of s3.<region>.backblazeb2.com can the region be told from the "
                         "host name.")));
    }
    // Case does not count in a host name; in a region it does.
    result.region = asc_tolower(region.data(), region.size());
  }
  check_value("region", result.region, check_region(result.region));

  std::string_view style = find_value(options, "url_style");
  if (style == "virtual") {
    result.url_style = UrlStyle::kVirtual;
    check_value("url_style", style,
                is_host_name(result.endpoint.host)
                    ? nullptr
                    : "a bucket's name can be put in front of a host name only, not of an address");
  } else if (!is_null(style) && style != "path") {
    raise_invalid("url_style", style, "it is neither \"path\" nor \"virtual\"");
  }

  result.public_url = find_value(options, "public_url");
  result.is_public = read_boolean(options, "public", !is_null(result.public_url));
  if (!is_null(result.public_url)) {
    check_value("public_url", result.public_url, check_public_url(result.public_url));
    result.public_url = without_slash(result.public_url);
    if (!result.is_public) {
      raise_invalid("public", "false", "option \"public_url\" says that the bucket is public");
    }
  }

  result.key_prefix = find_value(options, "key_prefix");
  check_value("key_prefix", result.key_prefix, check_key_prefix(to_utf8(result.key_prefix)));
  result.allowed_content_types = find_value(options, "allowed_content_types");
  if (!is_null(result.allowed_content_types)) {
    check_value("allowed_content_types", result.allowed_content_types,
                check_content_types(result.allowed_content_types));
  }

  constexpr int64 kMaxSize = INT64CONST(999999999999999999);
  constexpr int64 kTenYears = 315360000;
  constexpr int64 kTenMinutes = 600000;
  result.max_upload_size = read_integer(options, "max_upload_size", 0, kMaxSize, -1, "bytes");
  result.max_expires_in = static_cast<int32>(read_integer(options, "max_expires_in", kMinExpiresIn,
                                                          kMaxExpiresIn, kMaxExpiresIn, "seconds"));
  result.upload_grace = static_cast<int32>(
      read_integer(options, "upload_grace", 0, kTenYears, result.upload_grace, "seconds"));
  result.connect_timeout = static_cast<int32>(read_integer(
      options, "connect_timeout", 1, kTenMinutes, result.connect_timeout, "milliseconds"));
  result.request_timeout = static_cast<int32>(read_integer(
      options, "request_timeout", 1, kTenMinutes, result.request_timeout, "milliseconds"));
  return result;
}

MappingOptions read_mapping_options(List *options) {
  check_names(options, Place::kMapping);
  MappingOptions result;
  result.key_id = require_value(options, "key_id", Place::kMapping);
  check_credential("key_id", result.key_id);
  result.application_key = require_value(options, "application_key", Place::kMapping);
  check_credential("application_key", result.application_key);
  result.upload_key_id = find_value(options, "upload_key_id");
  result.upload_application_key = find_value(options, "upload_application_key");
  if (is_null(result.upload_key_id) != is_null(result.upload_application_key)) {
    ereport(ERROR,
            (errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED), hide_statement(),
             errmsg("options \"upload_key_id\" and \"upload_application_key\" go together")));
  }
  if (!is_null(result.upload_key_id)) {
    check_credential("upload_key_id", result.upload_key_id);
    check_credential("upload_application_key", result.upload_application_key);
  }
  return result;
}

void require_no_options(List *options) {
  if (options == NIL) return;
  ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), hide_statement(),
                  errmsg("options of b2neon belong to a foreign server or a user mapping")));
}

}  // namespace b2neon
