#include "core/http_date.h"

#include <curl/curl.h>

namespace b2neon {

std::optional<int64_t> read_http_date(std::string_view text) noexcept {
  constexpr size_t kLongest = 40;  // "Wednesday, 09-Nov-94 08:49:37 GMT" has 33
  char date[kLongest + 1];
  if (text.empty() || text.size() > kLongest || text.find('\0') != std::string_view::npos) {
    return {};
  }
  date[text.copy(date, kLongest)] = '\0';
  const time_t seconds = curl_getdate(date, nullptr);
  if (seconds < 0) return {};
  return seconds;
}

}  // namespace b2neon
