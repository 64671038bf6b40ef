#include "pg/settings.h"

namespace b2neon {

namespace {

constexpr char kAllowedEndpoints[] = "b2neon.allowed_endpoints";

char *server_setting;
char *allowed_endpoints_setting;
bool keep_objects_setting;
GucSource allowed_endpoints_source = PGC_S_DEFAULT;  // of the last value that was taken

// Calls `visit` for each entry of a comma-separated list, blanks around it removed, until it
// returns false.
template <class Visit>
void for_each_entry(std::string_view list, Visit visit) {
  while (true) {
    std::string_view entry = list.substr(0, list.find(','));
    size_t next = entry.size() + 1;
    while (!entry.empty() && isspace(static_cast<unsigned char>(entry.front()))) {
      entry.remove_prefix(1);
    }
    while (!entry.empty() && isspace(static_cast<unsigned char>(entry.back()))) {
      entry.remove_suffix(1);
    }
    if (!entry.empty() && !visit(entry)) return;
    if (next > list.size()) return;
    list.remove_prefix(next);
  }
}

bool check_server(char **value, void **, GucSource) {
  if (strlen(*value) < NAMEDATALEN) return true;
  GUC_check_errdetail("A server's name has at most %d bytes.", NAMEDATALEN - 1);
  return false;
}

bool check_allowed_endpoints(char **value, void **, GucSource source) {
  bool ok = true;
  for_each_entry(*value, [&ok](std::string_view entry) {
    Problem problem = check_endpoint_pattern(entry);
    if (problem) {
      GUC_check_errdetail("In \"%.*s\", %s.", length(entry), entry.data(), problem);
      GUC_check_errhint(
          "Separate entries by commas, each of the form [scheme://]host[:port]; the host may begin "
          "with \"*.\".");
      ok = false;
    }
    return ok;
  });
  if (ok) allowed_endpoints_source = source;
  return ok;
}

void switch_off(const char *name) {
  set_config_option(name, "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace

void define_settings() {
  DefineCustomBoolVariable(
      "b2neon.keep_objects",
      "Keeps objects in the bucket when their rows in b2_files are deleted or changed.",
      "It is for the table's owner, and best set for one transaction.", &keep_objects_setting,
      false, PGC_USERSET, 0, nullptr, nullptr, nullptr);
  // What was set before the library was loaded, by a file or by a user.
  const bool is_given = GetConfigOption(kAllowedEndpoints, true, false) != nullptr;
  DefineCustomStringVariable(
      "b2neon.server",
      "Sets the foreign server that b2neon's functions use where a call names none.", nullptr,
      &server_setting, "b2", PGC_USERSET, 0, check_server, nullptr, nullptr);
  DefineCustomStringVariable(
      kAllowedEndpoints,
      "Sets the hosts that foreign servers of b2neon may point at, as a comma-separated list.",
      "Each entry is [scheme://]host[:port]. No scheme means https, and \"*.example.com\" every "
      "name "
      "that ends in \".example.com\".",
      &allowed_endpoints_setting, "*.backblazeb2.com", PGC_SUSET, 0, check_allowed_endpoints,
      nullptr, nullptr);
  // A user's own is refused then, but has already taken the place of the one that a file or a
  // database had set. Which that was cannot be told any more: nothing is allowed.
  if (is_given && allowed_endpoints_source == PGC_S_DEFAULT) {
    SetConfigOption(kAllowedEndpoints, "", PGC_SUSET, PGC_S_OVERRIDE);
  }
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved("b2neon");
#else
  EmitWarningsOnPlaceholders("b2neon");
#endif
}

bool keep_objects() {
  return keep_objects_setting;
}

void ignore_keep_objects() {
  switch_off("b2neon.keep_objects");
}

void plan_by_index() {
  for (const char *name : {"enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin",
                           "enable_mergejoin", "jit"}) {
    switch_off(name);
  }
}

const char *default_server_name() {
  return server_setting;
}

EndpointPermission endpoint_permission(const Endpoint &endpoint) {
  EndpointPermission permission = EndpointPermission::kNo;
  for_each_entry(allowed_endpoints_setting, [&](std::string_view entry) {
    if (!endpoint_matches(endpoint, entry)) return true;
    bool is_pattern = entry.find('*') != std::string_view::npos;
    permission = is_pattern ? EndpointPermission::kPublic : EndpointPermission::kExactly;
    return is_pattern;  // an exact entry further on says more
  });
  return permission;
}

}  // namespace b2neon
