// A key that is let through comes back from its encoded form, and no URL parser tidies it up.

#include <cstdint>
#include <string>

#include "core/ascii.h"
#include "core/object_key.h"
#include "core/percent_encoding.h"
#include "core/utf8.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

int digit(char c) {
  return is_ascii_digit(c) ? c - '0' : c - 'A' + 10;
}

std::string decoded(std::string_view text) {
  std::string made;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '%') {
      made += text[i];
    } else {
      made += static_cast<char>(16 * digit(text[i + 1]) + digit(text[i + 2]));
      i += 2;
    }
  }
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view key(reinterpret_cast<const char *>(data), size);

  std::string encoded(percent_encoded_bound(size), '\0');
  encoded.resize(static_cast<size_t>(percent_encode_path(encoded.data(), key) - encoded.data()));
  REQUIRE(decoded(encoded) == key);

  const std::string_view name = last_path_component(key);
  REQUIRE(name.find_first_of("/\\") == std::string_view::npos);
  REQUIRE(key.substr(size - name.size()) == name);

  const size_t limit = size == 0 ? 0 : data[0];
  const std::string_view prefix = utf8_prefix(key, limit);
  REQUIRE(prefix.size() <= limit && key.substr(0, prefix.size()) == prefix);
  if (is_utf8(key)) {
    REQUIRE(is_utf8(prefix) && (prefix.size() == size || prefix.size() + 3 >= limit));
  }

  if (check_object_key(key) != nullptr) return 0;
  REQUIRE(is_utf8(key) && size >= 1 && size <= kMaxObjectKeyLength);
  const std::string path = "/" + encoded + "/";
  REQUIRE(path.find("/./") == std::string::npos && path.find("/../") == std::string::npos);
  return 0;
}
