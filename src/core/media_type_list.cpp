#include "core/media_type_list.h"

#include <algorithm>

#include "core/ascii.h"

namespace b2neon {

namespace {

std::string_view without_blanks(std::string_view text) noexcept {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

bool media_type_is_listed(std::string_view media_type, std::string_view list) noexcept {
  const std::string_view essence = without_blanks(media_type.substr(0, media_type.find(';')));
  while (!list.empty()) {
    std::string_view entry = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), entry.size() + 1));
    entry = without_blanks(entry);
    if (entry == "*/*") return true;
    if (entry.size() > 2 && entry.substr(entry.size() - 2) == "/*") {
      entry.remove_suffix(1);
      if (equal_ignoring_case(essence.substr(0, entry.size()), entry)) return true;
    } else if (!entry.empty() && equal_ignoring_case(essence, entry)) {
      return true;
    }
  }
  return false;
}

}  // namespace b2neon
