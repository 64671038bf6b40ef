#include "pg/link.h"

#include <algorithm>

#include "core/header_value.h"
#include "pg/arguments.h"
#include "pg/presign_url.h"

namespace b2neon {

LinkTerms::LinkTerms(int32 expires_in, int32 stable_for) {
  check_expires_in(expires_in, kMaxExpiresIn);
  if (stable_for < 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("stable_for must not be negative, but is %d", stable_for)));
  }
  if (stable_for > kMaxExpiresIn - expires_in) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("expires_in and stable_for must be at most %d seconds together", kMaxExpiresIn),
             errdetail("The URL is made to live for the sum of both.")));
  }
  lifetime_ = expires_in + stable_for;
  signed_at_ = unix_time(signing_time());
  if (stable_for > 0) {
    signed_at_ -= signed_at_ % stable_for;
    const int size =
        pg_snprintf(cache_control_, sizeof cache_control_, "private, max-age=%d", stable_for);
    add("response-cache-control", {cache_control_, static_cast<size_t>(size)});
  }
}

void LinkTerms::set_download_name(std::string_view download_as) {
  const std::string_view file_name = to_utf8(download_as);
  check_argument(check_download_name(file_name), "download_as", download_as);
  const char *end = attachment_disposition(disposition_, file_name);
  add("response-content-disposition", {disposition_, static_cast<size_t>(end - disposition_)});
}

void LinkTerms::set_content_type(std::string_view content_type) {
  check_argument(check_media_type(content_type), "content_type", content_type);
  add("response-content-type", content_type);
}

text *LinkTerms::link(const Server *server, std::string_view object_key,
                      std::string_view version_id) const {
  NameValue query[kMaxOverrides + 1];
  size_t count = static_cast<size_t>(std::copy_n(overrides_, count_, query) - query);
  if (!is_null(version_id)) query[count++] = {"versionId", version_id};

  ObjectRequest request;
  request.method = "GET";
  request.object_key = object_key;
  request.query = {query, count};
  request.signed_at = signed_at_;
  return presigned_url(server->signer, request, lifetime_);
}

}  // namespace b2neon
