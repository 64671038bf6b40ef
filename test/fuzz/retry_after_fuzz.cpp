// A wait is never negative and never too long, a number is itself, and a date in each of HTTP's
// forms is the second that it names.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>

#include "core/ascii.h"
#include "core/http_date.h"
#include "core/retry.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

constexpr int64_t kEndOfYear9999 = 253402300799;

int64_t time_in(const uint8_t *data, size_t size) {
  uint64_t bits = 0;
  memcpy(&bits, data, std::min(size, sizeof bits));
  return static_cast<int64_t>(bits % (kEndOfYear9999 + 1));
}

// The forms of RFC 9110, section 5.6.7: IMF-fixdate, RFC 850's, and asctime's. strftime() would
// write them in the words of a locale.
std::array<std::string, 3> http_dates(int64_t time) {
  constexpr const char *kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
  constexpr const char *kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = time;
  tm utc;
  gmtime_r(&seconds, &utc);
  const char *day = kDays[utc.tm_wday], *month = kMonths[utc.tm_mon];
  const int year = utc.tm_year + 1900;
  char clock[50], imf[100], rfc850[100], asctime[100];
  snprintf(clock, sizeof clock, "%02d:%02d:%02d", utc.tm_hour, utc.tm_min, utc.tm_sec);
  snprintf(imf, sizeof imf, "%.3s, %02d %s %04d %s GMT", day, utc.tm_mday, month, year, clock);
  snprintf(rfc850, sizeof rfc850, "%s, %02d-%s-%02d %s GMT", day, utc.tm_mday, month, year % 100,
           clock);
  snprintf(asctime, sizeof asctime, "%.3s %s %2d %s %04d", day, month, utc.tm_mday, clock, year);
  // Two digits say which year it is only among a hundred of them.
  if (year <= 1970 || year >= 2069) return {imf, imf, asctime};
  return {imf, rfc850, asctime};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const std::string_view retry_after = text.substr(0, text.find('\0'));
  const std::string_view date =
      retry_after.size() < size ? text.substr(retry_after.size() + 1) : std::string_view();

  const std::optional<int64_t> then = read_http_date(retry_after), now = read_http_date(date);
  REQUIRE(!then || *then >= 0);
  REQUIRE(!now || (*now >= 0 && date.find('\0') == std::string_view::npos));
  const auto wait = read_retry_after(retry_after, date);
  REQUIRE(!wait || (wait->count() >= 0 && wait->count() <= INT32_MAX));
  if (!retry_after.empty() && std::all_of(retry_after.begin(), retry_after.end(), is_ascii_digit)) {
    int64_t number = 0;
    for (const char c : retry_after) number = std::min<int64_t>(10 * number + c - '0', INT32_MAX);
    REQUIRE(wait && wait->count() == number);
  } else {
    REQUIRE(wait.has_value() == (then && now));
    if (wait && *then <= *now) REQUIRE(wait->count() == 0);
  }

  const int64_t from = time_in(data, size), to = time_in(data + size / 2, size - size / 2);
  const std::array<std::string, 3> from_dates = http_dates(from), to_dates = http_dates(to);
  for (size_t i = 0; i < from_dates.size(); i++) {
    REQUIRE(read_http_date(from_dates[i]) == from);
    REQUIRE(read_retry_after(to_dates[i], from_dates[i]) ==
            std::chrono::seconds(std::clamp<int64_t>(to - from, 0, INT32_MAX)));
  }
  return 0;
}
