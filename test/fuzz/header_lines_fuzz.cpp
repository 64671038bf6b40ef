// The head of an answer stays within its bound, and a header has the value of the first line that
// names it between the last status line and the empty line that ends the head.

#include <cstdint>
#include <map>
#include <string>

#include "core/ascii.h"
#include "core/header_lines.h"
#include "core/header_value.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

std::string in_lower_case(std::string_view text) {
  std::string made;
  for (const char c : text) made += to_ascii_lower(c);
  return made;
}

std::string in_swapped_case(std::string_view text) {
  std::string made;
  for (const char c : text) {
    made += is_ascii_lower(c) ? static_cast<char>(c - 'a' + 'A') : to_ascii_lower(c);
  }
  return made;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The same head, kept as a table.
class Model {
 public:
  void add(std::string_view line) {
    const size_t end = line.find_first_of(" :");
    if (line.starts_with("HTTP/") && end != std::string_view::npos && line[end] == ' ') {
      *this = {};
    }
    if (is_complete_) return;  // of trailers nothing is kept
    fits_ = size_ + line.size() <= HeaderLines::kMaxBytes;
    if (!fits_) return;
    size_ += line.size();
    is_complete_ = line == "\r\n" || line == "\n";

    const std::string_view name = line.substr(0, line.find(':'));
    if (name.size() == line.size() || check_header_name(name) != nullptr) return;
    std::string_view value = line.substr(name.size() + 1);
    while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
    values_.emplace(in_lower_case(name), value);
  }

  bool is_complete() const { return is_complete_; }
  bool fits() const { return fits_; }
  const std::map<std::string, std::string> &values() const { return values_; }

 private:
  size_t size_ = 0;
  bool fits_ = true;
  bool is_complete_ = false;
  std::map<std::string, std::string> values_;
};

void add(std::string_view line, HeaderLines &lines, Model &model) {
  model.add(line);
  REQUIRE(lines.add(line) ==
          (model.fits() ? HeaderLines::Added::kYes : HeaderLines::Added::kTooLarge));
  REQUIRE(lines.is_complete() == model.is_complete());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  HeaderLines lines;
  Model model;
  // A head that begins with such a byte is near the bound.
  if (size > 0 && data[0] >= 0xf0) {
    const size_t left = 128 * (data[0] & 0xfu);
    add("Padding: " + std::string(HeaderLines::kMaxBytes - 11 - left, 'x') + "\r\n", lines, model);
  }
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const size_t length = line.size() < text.size() ? line.size() + 1 : line.size();
    add(text.substr(0, length), lines, model);
    text.remove_prefix(length);
  }

  for (const auto &[name, value] : model.values()) {
    REQUIRE(lines.value(name) == value);
    REQUIRE(lines.value(in_swapped_case(name)) == value);
    REQUIRE(value.find('\n') == std::string::npos);
  }
  for (const std::string_view name : {"etag", "retry-after", "x-amz-request-id"}) {
    if (model.values().count(std::string(name)) == 0) REQUIRE(lines.value(name).empty());
  }
  return 0;
}
