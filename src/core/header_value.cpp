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

std::string_view without_spaces(std::string_view text) noexcept {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

std::string_view take_token(std::string_view &text) noexcept {
  size_t size = 0;
  while (size < text.size() && is_token(text.substr(size, 1))) size++;
  const std::string_view token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

bool take_quoted_string(std::string_view &text) noexcept {
  if (text.empty() || text.front() != '"') return false;
  for (size_t i = 1; i < text.size(); i++) {
    if (text[i] == '\\') {
      i++;
    } else if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// *( OWS ";" OWS [ token "=" ( token / quoted-string ) ] ). Nothing looser will do: some readers
// take what comes after a comma for another media type.
bool are_parameters(std::string_view text) noexcept {
  while (true) {
    text = without_spaces(text);
    if (text.empty()) return true;
    if (text.front() != ';') return false;
    text = without_spaces(text.substr(1));
    if (take_token(text).empty()) continue;
    if (text.empty() || text.front() != '=') return false;
    text.remove_prefix(1);
    if (!take_quoted_string(text) && take_token(text).empty()) return false;
  }
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
  std::string_view rest = value;
  const bool has_type = !take_token(rest).empty();
  const bool has_slash = rest.substr(0, 1) == "/";
  if (has_slash) rest.remove_prefix(1);
  if (!has_type || !has_slash || take_token(rest).empty()) {
    return "it is not of the form type/subtype";
  }
  if (!are_parameters(rest)) return "what follows type/subtype is not a list of parameters";
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
