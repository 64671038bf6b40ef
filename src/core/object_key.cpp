#include "core/object_key.h"

#include "core/ascii.h"
#include "core/utf8.h"

namespace b2neon {

namespace {

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
  bool is_ascii = true;
  bool has_dot = false;
  for (char c : key) {
    if (is_ascii_control(c)) return "it contains a control character";
    if (static_cast<unsigned char>(c) >= 0x80) is_ascii = false;
    if (c == '.') has_dot = true;
  }
  if (has_dot && has_dot_segment(key)) return "a segment of it is \".\" or \"..\"";
  if (!is_ascii) {
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
