#include "core/iso_date.h"

#include <algorithm>
#include <ctime>

#include "core/ascii.h"

namespace b2neon {

namespace {

// Two or four digits of `text` at `position`.
int number(std::string_view text, size_t position, size_t length) noexcept {
  int value = 0;
  for (char c : text.substr(position, length)) value = 10 * value + (c - '0');
  return value;
}

}  // namespace

bool read_iso_date(std::string_view text, int64_t &microseconds) noexcept {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kForm.size() || text.back() != 'Z') return false;
  for (size_t i = 0; i < kForm.size(); i++) {
    if (kForm[i] == 'd' ? !is_ascii_digit(text[i]) : text[i] != kForm[i]) return false;
  }
  std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
  int64_t part = 0;
  if (!fraction.empty()) {
    if (fraction.front() != '.' || fraction.size() < 2 || fraction.size() > 10) return false;
    fraction.remove_prefix(1);
    if (!std::all_of(fraction.begin(), fraction.end(), is_ascii_digit)) return false;
    for (size_t i = 0; i < 6; i++) part = 10 * part + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  tm date = {};
  date.tm_year = number(text, 0, 4) - 1900;
  date.tm_mon = number(text, 5, 2) - 1;
  date.tm_mday = number(text, 8, 2);
  date.tm_hour = number(text, 11, 2);
  date.tm_min = number(text, 14, 2);
  date.tm_sec = number(text, 17, 2);
  const tm wanted = date;
  const time_t seconds = timegm(&date);
  // timegm() makes the 31st of February a day in March.
  if (date.tm_mon != wanted.tm_mon || date.tm_mday != wanted.tm_mday ||
      date.tm_hour != wanted.tm_hour || date.tm_min != wanted.tm_min ||
      date.tm_sec != wanted.tm_sec) {
    return false;
  }
  microseconds = static_cast<int64_t>(seconds) * 1000000 + part;
  return true;
}

}  // namespace b2neon
