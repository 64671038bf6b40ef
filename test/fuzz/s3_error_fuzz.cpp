// An error that is read has a code, and its texts can be shown; what is no error changes nothing.

#include <cstdint>
#include <cstring>
#include <string>

#include "core/ascii.h"
#include "core/s3_error.h"
#include "core/utf8.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

template <size_t kSize>
void require_printable(const char (&text)[kSize]) {
  const size_t length = strnlen(text, kSize);
  REQUIRE(length < kSize);
  for (size_t i = 0; i < length; i++) REQUIRE(text[i] >= 0x20 && text[i] <= 0x7e);
}

bool is_code(std::string_view text) {
  for (const char c : text) {
    if (!is_ascii_alnum(c) && c != '.') return false;
  }
  return text.size() >= 1 && text.size() <= 64;
}

bool read_into_unchanged(std::string_view body, S3Error &error) {
  memset(&error, 0x5a, sizeof error);
  S3Error before;
  memcpy(&before, &error, sizeof before);
  if (!read_s3_error(body, error)) {
    REQUIRE(memcmp(&before, &error, sizeof before) == 0);
    return false;
  }
  require_printable(error.code);
  require_printable(error.message);
  require_printable(error.request_id);
  REQUIRE(is_code(error.code));
  return true;
}

// Not everything can stand in XML, however it is written.
bool is_xml_text(std::string_view text) {
  for (const char c : text) {
    if (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') return false;
  }
  return is_utf8(text) && text.find("\xef\xbf\xbe") == std::string_view::npos &&
         text.find("\xef\xbf\xbf") == std::string_view::npos;
}

std::string element(const std::string &name, std::string_view text) {
  std::string made = "<" + name + ">";
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&' || c == '\r') {
      made += "&#" + std::to_string(c) + ";";
    } else {
      made += c;
    }
  }
  return made + "</" + name + ">";
}

std::string shown(std::string_view text, size_t limit) {
  std::string made;
  for (const char c : text.substr(0, limit)) {
    if (c >= 0x20 && c <= 0x7e) {
      made += c;
    } else {
      made += c == '\t' || c == '\n' || c == '\r' ? ' ' : '?';
    }
  }
  return made;
}

std::string_view take_text(std::string_view &rest) {
  const std::string_view text = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(text.size() < rest.size() ? text.size() + 1 : text.size());
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view rest(reinterpret_cast<const char *>(data), size);
  S3Error error;
  read_into_unchanged(rest, error);

  // The same bytes as the texts of an error.
  const std::string_view code = take_text(rest), message = take_text(rest),
                         request_id = take_text(rest);
  const std::string body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>" +
                           element("Code", code) + element("Message", message) +
                           element("RequestId", request_id) + "</Error>";
  const bool is_read = read_into_unchanged(body, error);
  REQUIRE(is_read == (is_code(code) && is_xml_text(message) && is_xml_text(request_id)));
  if (is_read) {
    REQUIRE(error.code == code);
    REQUIRE(error.message == shown(message, 500));
    REQUIRE(error.request_id == shown(request_id, 200));
  }
  return 0;
}
