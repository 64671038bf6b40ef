// A media type that is let through can be sent, and is in the lists that name it.

#include <cstdint>
#include <string>

#include "core/header_value.h"
#include "core/media_type_list.h"
#include "fuzz/require.h"

using namespace b2neon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const std::string_view type = text.substr(0, text.find('\n'));
  const std::string_view list = type.size() < size ? text.substr(type.size() + 1) : type;
  const bool listed = media_type_is_listed(type, list);
  (void)check_content_md5(text);
  if (check_media_type(type) != nullptr) return 0;

  REQUIRE(check_header_value(type) == nullptr);
  const std::string essence(type.substr(0, type.find_first_of("; ")));
  const std::string whole_type = essence.substr(0, essence.find('/')) + "/*";
  REQUIRE(media_type_is_listed(type, essence));
  REQUIRE(media_type_is_listed(type, whole_type));
  REQUIRE(media_type_is_listed(type, "*/*"));
  // More entries take nothing away.
  if (listed) REQUIRE(media_type_is_listed(type, "x/y, " + std::string(list)));
  return 0;
}
