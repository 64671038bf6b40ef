#include "core/content_disposition.h"

#include <cstring>

#include "core/ascii.h"
#include "core/percent_encoding.h"
#include "core/utf8.h"

namespace b2neon {

namespace {

char *append(char *out, std::string_view text) noexcept {
  memcpy(out, text.data(), text.size());
  return out + text.size();
}

bool is_slash(char c) {
  return c == '/' || c == '\\';
}

}  // namespace

Problem check_download_name(std::string_view file_name) noexcept {
  if (file_name.empty()) return "it is empty";
  if (file_name.size() > kMaxDownloadNameLength) return "it is longer than 255 bytes of UTF-8";
  for (char c : file_name) {
    if (is_ascii_control(c)) return "it contains a control character";
  }
  return is_utf8(file_name) ? nullptr : "it is not valid UTF-8";
}

char *attachment_disposition(char *out, std::string_view file_name) noexcept {
  out = append(out, "attachment; filename=\"");
  for (char c : file_name) {
    unsigned char byte = static_cast<unsigned char>(c);
    // One underscore stands for a whole character.
    if ((byte & 0xc0) == 0x80) continue;
    // A quote would end the name, and some clients decode a percent sign.
    bool plain = byte < 0x80 && c != '"' && c != '%' && !is_slash(c);
    *out++ = plain ? c : '_';
  }
  out = append(out, "\"; filename*=UTF-8''");
  for (char c : file_name) {
    out = is_slash(c) ? append(out, "_") : percent_encode(out, {&c, 1});
  }
  return out;
}

}  // namespace b2neon
