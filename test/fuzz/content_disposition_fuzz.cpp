// Whatever a file is called, its Content-Disposition is one header with two parameters.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "core/content_disposition.h"
#include "core/header_value.h"
#include "fuzz/require.h"

using namespace b2neon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view name(reinterpret_cast<const char *>(data), size);
  const size_t bound = attachment_disposition_bound(size);
  const std::unique_ptr<char[]> out(new char[bound]);
  const char *end = attachment_disposition(out.get(), name);
  REQUIRE(end <= out.get() + bound);
  const std::string_view value(out.get(), static_cast<size_t>(end - out.get()));
  REQUIRE(std::count(value.begin(), value.end(), '"') == 2);
  if (check_download_name(name) != nullptr) return 0;

  REQUIRE(check_header_value(value) == nullptr);
  REQUIRE(value.find_first_of("/\\") == std::string_view::npos);
  const std::string_view encoded = value.substr(value.rfind("''") + 2);
  REQUIRE(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-._~%") == std::string_view::npos);
  return 0;
}
