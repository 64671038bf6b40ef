#include "core/object_key.h"

#include <array>

#include "core/ascii.h"
#include "core/utf8.h"

namespace b2neon {

namespace {

// What a key has in it, as bits, so that the loop over its bytes has no branch.
enum : unsigned char { kControl = 1, kDot = 2, kBeyondAscii = 4 };

constexpr std::array<unsigned char, 256> make_classes() {
  std::array<unsigned char, 256> classes{};
  for (size_t i = 0; i < 256; i++) {
    if (is_ascii_control(static_cast<char>(i))) classes[i] = kControl;
    if (i >= 0x80) classes[i] = kBeyondAscii;
  }
  classes['.'] = kDot;
  return classes;
}

constexpr std::array<unsigned char, 256> kClasses = make_classes();

bool has_dot_segment(std::string_view key) noexcept {
  while (true) {
    size_t end = key.find('/');
    std::string_view segment = key.substr(0, end);
    if (segment == "." || segment == "..") return true;
    if (end == std::string_view::npos) return false;
    key.remove_prefix(end + 1);
  }
}

}  // namespace

Problem check_object_key(std::string_view key) noexcept {
  if (key.empty()) return "it is empty";
  if (key.size() > kMaxObjectKeyLength) return "it is longer than 1024 bytes of UTF-8";
  unsigned found = 0;
  for (char c : key) found |= kClasses[static_cast<unsigned char>(c)];
  if (found & kControl) return "it contains a control character";
  if ((found & kDot) && has_dot_segment(key)) return "a segment of it is \".\" or \"..\"";
  if (found & kBeyondAscii) {
    if (!is_utf8(key)) return "it is not valid UTF-8";
    if (key.find("\xEF\xBF\xBE") != std::string_view::npos ||
        key.find("\xEF\xBF\xBF") != std::string_view::npos) {
      return "it contains U+FFFE or U+FFFF, which are not characters";
    }
  }
  return nullptr;
}

std::string_view last_path_component(std::string_view file_name) noexcept {
  size_t separator = file_name.find_last_of("/\\");
  return separator == std::string_view::npos ? file_name : file_name.substr(separator + 1);
}

}  // namespace b2neon
