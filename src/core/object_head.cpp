#include "core/object_head.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "core/ascii.h"

namespace b2neon {

ObjectHead read_object_head(const HttpExchange &exchange) noexcept {
  ObjectHead head;
  std::string_view length = exchange.header("Content-Length");
  int64_t size = -1;
  auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), size);
  if (error == std::errc() && end == length.data() + length.size() && size >= 0) head.size = size;
  head.content_type = exchange.header("Content-Type");
  head.etag = exchange.header("ETag");
  if (head.etag.size() >= 2 && head.etag.front() == '"' && head.etag.back() == '"') {
    head.etag = head.etag.substr(1, head.etag.size() - 2);
  }
  head.version_id = exchange.header("x-amz-version-id");
  return head;
}

bool content_md5_in_hex(std::string_view content_md5, char (&hex)[33]) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  unsigned char md5[18];  // 24 digits are 18 bytes, of which the last two are padding
  if (content_md5.size() != 24 ||
      EVP_DecodeBlock(md5, reinterpret_cast<const unsigned char *>(content_md5.data()), 24) !=
          sizeof md5) {
    return false;
  }
  for (size_t i = 0; i < 16; i++) {
    hex[2 * i] = kDigits[md5[i] >> 4];
    hex[2 * i + 1] = kDigits[md5[i] & 0xf];
  }
  hex[32] = '\0';
  return true;
}

bool etag_agrees_with_md5(std::string_view etag, std::string_view content_md5) noexcept {
  if (etag.size() != 32 || !std::all_of(etag.begin(), etag.end(), is_ascii_hex_digit)) return true;
  char hex[33];
  return content_md5_in_hex(content_md5, hex) && equal_ignoring_case(etag, hex);
}

}  // namespace b2neon
