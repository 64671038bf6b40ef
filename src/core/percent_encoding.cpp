#include "core/percent_encoding.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/ascii.h"

namespace b2neon {

namespace {

constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < 128; i++) {
    const char c = static_cast<char>(i);
    table[i] = is_ascii_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
  }
  return table;
}

constexpr std::array<bool, 256> kUnreserved = make_unreserved();
constexpr std::array<bool, 256> kUnreservedInPath = [] {
  std::array<bool, 256> table = make_unreserved();
  table['/'] = true;
  return table;
}();

char *encode(char *out, std::string_view text, const std::array<bool, 256> &keep) noexcept {
  constexpr char kDigits[] = "0123456789ABCDEF";
  // Most texts stay as they are, which is found out without a branch for each byte.
  bool stays = true;
  for (char c : text) stays &= keep[static_cast<unsigned char>(c)];
  if (stays) return out + text.copy(out, text.size());
  for (char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (keep[byte]) {
      *out++ = c;
    } else {
      *out++ = '%';
      *out++ = kDigits[byte >> 4];
      *out++ = kDigits[byte & 0xf];
    }
  }
  return out;
}

}  // namespace

char *percent_encode(char *out, std::string_view text) noexcept {
  return encode(out, text, kUnreserved);
}

char *percent_encode_path(char *out, std::string_view path) noexcept {
  return encode(out, path, kUnreservedInPath);
}

bool percent_decode(std::string_view text, std::string &plain) {
  plain.clear();
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '%') {
      plain += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    unsigned char byte = 0;
    if (text.size() - i < 3) return false;
    auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (error != std::errc() || end != text.data() + i + 3) return false;
    plain += static_cast<char>(byte);
    i += 2;
  }
  return true;
}

int compare_percent_encoded(std::string_view a, std::string_view b) noexcept {
  size_t shared = std::min(a.size(), b.size());
  for (size_t i = 0; i < shared; i++) {
    unsigned char x = static_cast<unsigned char>(a[i]);
    unsigned char y = static_cast<unsigned char>(b[i]);
    if (x == y) continue;
    // Upper-case hexadecimal digits sort as the bytes that they stand for.
    unsigned char first_x = kUnreserved[x] ? x : '%';
    unsigned char first_y = kUnreserved[y] ? y : '%';
    if (first_x == first_y) return x < y ? -1 : 1;
    return first_x < first_y ? -1 : 1;
  }
  if (a.size() == b.size()) return 0;
  return a.size() < b.size() ? -1 : 1;
}

}  // namespace b2neon
