#include "core/bucket_name.h"

#include "core/ascii.h"

namespace b2neon {

Problem check_bucket_name(std::string_view name) noexcept {
  if (name.size() < 3 || name.size() > 63) return "it must have 3 to 63 characters";
  for (char c : name) {
    if (!is_ascii_alnum(c) && c != '-' && c != '.') {
      return "it must consist of letters, digits, hyphens and dots";
    }
  }
  if (!is_ascii_alnum(name.front()) || !is_ascii_alnum(name.back())) {
    return "it must begin and end with a letter or digit";
  }
  if (name.find("..") != std::string_view::npos) return "it must not contain two dots in a row";
  return nullptr;
}

Problem check_region(std::string_view region) noexcept {
  if (region.empty() || region.size() > 63) return "it must have 1 to 63 characters";
  for (char c : region) {
    if (!is_ascii_lower(c) && !is_ascii_digit(c) && c != '-') {
      return "it must consist of lower-case letters, digits and hyphens";
    }
  }
  return nullptr;
}

}  // namespace b2neon
