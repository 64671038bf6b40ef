#include "pg/generated_key.h"

#include "pg/arguments.h"

namespace b2neon {

std::string_view generate_object_key(std::string_view prefix, std::string_view name) {
  unsigned char uuid[16];
  if (!pg_strong_random(uuid, sizeof uuid)) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
  }
  const int64 now = GetCurrentTimestamp();
  const int64 milliseconds = unix_time(now) * 1000 + now % USECS_PER_SEC / 1000;
  for (int i = 0; i < 6; i++) uuid[i] = static_cast<unsigned char>(milliseconds >> (40 - 8 * i));
  uuid[6] = static_cast<unsigned char>((uuid[6] & 0x0f) | 0x70);  // version 7
  uuid[8] = static_cast<unsigned char>((uuid[8] & 0x3f) | 0x80);  // variant of RFC 9562

  const char *text =
      psprintf("%.*s%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x-%.*s",
               length(prefix), prefix.data(), uuid[0], uuid[1], uuid[2], uuid[3], uuid[4], uuid[5],
               uuid[6], uuid[7], uuid[8], uuid[9], uuid[10], uuid[11], uuid[12], uuid[13], uuid[14],
               uuid[15], length(name), name.data());
  return text;
}

}  // namespace b2neon
