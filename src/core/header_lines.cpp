#include "core/header_lines.h"

#include <algorithm>

#include "core/ascii.h"

namespace b2neon {

namespace {

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t\r\n";
  size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// A header's name could look like the beginning of a status line, but a colon comes after it.
bool is_status_line(std::string_view line) noexcept {
  return line.substr(0, 5) == "HTTP/" && line.find(' ') < line.find(':');
}

}  // namespace

HeaderLines::Added HeaderLines::add(std::string_view line) noexcept {
  if (is_status_line(line)) {
    lines_.clear();
    is_complete_ = false;
  }
  // What comes after the body says nothing about it.
  if (is_complete_) return Added::kYes;
  if (line.size() > kMaxBytes - lines_.size()) return Added::kTooLarge;
  try {
    lines_.append(line);
  } catch (...) {
    return Added::kOutOfMemory;
  }
  if (line == "\r\n" || line == "\n") is_complete_ = true;
  return Added::kYes;
}

std::string_view HeaderLines::value(std::string_view name) const noexcept {
  std::string_view lines = lines_;
  while (!lines.empty()) {
    std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    size_t colon = line.find(':');
    if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name)) {
      return trim(line.substr(colon + 1));
    }
  }
  return {};
}

}  // namespace b2neon
