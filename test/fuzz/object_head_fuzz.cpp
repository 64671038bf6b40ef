// An ETag agrees with a Content-MD5 where the two write the same bytes, or where it is no MD5.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "core/ascii.h"
#include "core/header_value.h"
#include "core/object_head.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

using Md5 = std::array<uint8_t, 16>;

// `count` bits from bit `first` on; those after the last byte are zero.
unsigned bits(const Md5 &md5, size_t first, size_t count) {
  unsigned value = 0;
  for (size_t i = first; i < first + count; i++) {
    const unsigned bit = i < 8 * md5.size() ? md5[i / 8] >> (7 - i % 8) & 1u : 0;
    value = 2 * value + bit;
  }
  return value;
}

std::string base64(const Md5 &md5) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  for (size_t i = 0; i < 8 * md5.size(); i += 6) made += kDigits[bits(md5, i, 6)];
  return made + "==";
}

std::string hex(const Md5 &md5) {
  std::string made;
  for (size_t i = 0; i < 8 * md5.size(); i += 4) made += "0123456789abcdef"[bits(md5, i, 4)];
  return made;
}

Md5 read_hex(std::string_view digits) {
  Md5 md5 = {};
  for (size_t i = 0; i < digits.size(); i++) {
    const char c = to_ascii_lower(digits[i]);
    const int value = is_ascii_digit(c) ? c - '0' : c - 'a' + 10;
    md5[i / 2] = static_cast<uint8_t>(16 * md5[i / 2] + value);
  }
  return md5;
}

std::string in_upper_case(std::string text) {
  for (char &c : text) c = is_ascii_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const std::string_view etag = text.substr(0, text.find('\n'));
  const std::string_view content_md5 =
      etag.size() < size ? text.substr(etag.size() + 1) : std::string_view();
  const bool is_md5 =
      etag.size() == 32 && std::all_of(etag.begin(), etag.end(), is_ascii_hex_digit);
  const bool agrees = etag_agrees_with_md5(etag, content_md5);
  if (!is_md5) {
    REQUIRE(agrees);
  } else if (check_content_md5(content_md5) == nullptr) {
    REQUIRE(agrees == (base64(read_hex(etag)) == content_md5));
  } else if (content_md5.size() != 24) {
    REQUIRE(!agrees);
  }

  Md5 md5 = {};
  std::copy_n(data, std::min(size, md5.size()), md5.begin());
  const std::string encoded = base64(md5);
  REQUIRE(check_content_md5(encoded) == nullptr);
  char digits[33];
  REQUIRE(content_md5_in_hex(encoded, digits) && digits == hex(md5));
  REQUIRE(etag_agrees_with_md5(hex(md5), encoded));
  REQUIRE(etag_agrees_with_md5(in_upper_case(hex(md5)), encoded));
  REQUIRE(etag_agrees_with_md5(hex(md5) + "-2", encoded));

  const unsigned flipped = size == 0 ? 0 : data[size - 1] % 128;
  Md5 other = md5;
  other[flipped / 8] = static_cast<uint8_t>(other[flipped / 8] ^ 1u << flipped % 8);
  REQUIRE(!etag_agrees_with_md5(hex(other), encoded));
  REQUIRE(!etag_agrees_with_md5(hex(md5), base64(other)));
  return 0;
}
