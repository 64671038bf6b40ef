#include "core/header_value.h"

#include "core/ascii.h"

namespace b2neon {

namespace {

bool is_token(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (char c : text) {
    if (!is_ascii_alnum(c) &&
        std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

}  // namespace

Problem check_header_name(std::string_view name) noexcept {
  return is_token(name) ? nullptr : "it is not an HTTP header name";
}

Problem check_header_value(std::string_view value) noexcept {
  for (char c : value) {
    if (is_ascii_control(c)) return "it contains a control character";
    if (static_cast<unsigned char>(c) >= 0x80) return "it contains a character outside ASCII";
  }
  return nullptr;
}

Problem check_media_type(std::string_view value) noexcept {
  if (value.empty()) return "it is empty";
  if (value.size() > 255) return "it is longer than 255 characters";
  if (Problem problem = check_header_value(value)) return problem;
  if (value.back() == ' ') return "it ends with a space";
  std::string_view essence = value.substr(0, value.find(';'));
  if (!essence.empty() && essence.back() == ' ') essence.remove_suffix(1);
  size_t slash = essence.find('/');
  if (slash == std::string_view::npos || !is_token(essence.substr(0, slash)) ||
      !is_token(essence.substr(slash + 1))) {
    return "it is not of the form type/subtype";
  }
  return nullptr;
}

Problem check_content_md5(std::string_view value) noexcept {
  constexpr Problem kProblem =
      "it must be the 16 bytes of an MD5 in base64, which is 24 characters";
  if (value.size() != 24 || value.substr(22) != "==") return kProblem;
  for (char c : value.substr(0, 22)) {
    if (!is_ascii_alnum(c) && c != '+' && c != '/') return kProblem;
  }
  // The last digit carries two bits only; the other four must be zero.
  if (std::string_view("AQgw").find(value[21]) == std::string_view::npos) return kProblem;
  return nullptr;
}

}  // namespace b2neon
