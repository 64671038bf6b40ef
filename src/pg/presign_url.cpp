#include "pg/presign_url.h"

#include <ctime>

#include "pg/arguments.h"

namespace b2neon {

namespace {

// Some milliseconds behind the exact time, which costs several times as much.
TimestampTz recent_time() {
#ifdef CLOCK_REALTIME_COARSE
  timespec time;
  if (clock_gettime(CLOCK_REALTIME_COARSE, &time) == 0) {
    return timestamp_of_unix_microseconds(time.tv_sec * USECS_PER_SEC + time.tv_nsec / 1000);
  }
#endif
  return GetCurrentTimestamp();
}

}  // namespace

// The functions are STABLE, so all rows of a statement should agree. But in a procedure that has
// run for an hour a link with the statement's time would be born dead.
TimestampTz signing_time() {
  const TimestampTz statement = GetCurrentStatementStartTimestamp();
  const TimestampTz now = recent_time();
  return now - statement < USECS_PER_SEC ? statement : now;
}

text *presigned_url(Signer *signer, const ObjectRequest &request, int32 expires_in) {
  text *url = static_cast<text *>(palloc(VARHDRSZ + signer->url_bound(request)));
  size_t size = signer->presign(request, expires_in, VARDATA(url));
  if (size == 0) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  SET_VARSIZE(url, VARHDRSZ + size);
  return url;
}

}  // namespace b2neon
