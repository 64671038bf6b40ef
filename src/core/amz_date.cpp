#include "core/amz_date.h"

#include <ctime>

namespace b2neon {

namespace {

void put_digits(char *out, int count, int value) noexcept {
  for (int i = count - 1; i >= 0; i--) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

AmzDate::AmzDate(int64_t unix_time) noexcept {
  const time_t time = static_cast<time_t>(unix_time);
  tm utc = {};
  gmtime_r(&time, &utc);

  char *text = text_.data();
  put_digits(text, 4, utc.tm_year + 1900);
  put_digits(text + 4, 2, utc.tm_mon + 1);
  put_digits(text + 6, 2, utc.tm_mday);
  text[8] = 'T';
  put_digits(text + 9, 2, utc.tm_hour);
  put_digits(text + 11, 2, utc.tm_min);
  put_digits(text + 13, 2, utc.tm_sec);
  text[15] = 'Z';
}

}  // namespace b2neon
