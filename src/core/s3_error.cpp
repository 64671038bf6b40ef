#include "core/s3_error.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/xml.h"

namespace b2neon {

namespace {

bool is_code(std::string_view text) noexcept {
  return !text.empty() && text.size() < sizeof S3Error::code &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '.'; });
}

template <size_t kSize>
void keep_printable(std::string_view text, char (&kept)[kSize]) noexcept {
  const size_t length = text.copy(kept, kSize - 1);
  kept[length] = '\0';
  make_printable({kept, length});
}

class ErrorVisitor final : public XmlVisitor {
 public:
  bool on_element(std::string_view path, std::string_view text) noexcept override {
    if (path == "Error/Code") set_s3_error_code(text, error);
    if (path == "Error/Message") set_s3_error_message(text, error);
    if (path == "Error/RequestId") keep_printable(text, error.request_id);
    return true;
  }

  S3Error error;
};

}  // namespace

void set_s3_error_code(std::string_view code, S3Error &error) noexcept {
  if (is_code(code)) keep_printable(code, error.code);
}

void set_s3_error_message(std::string_view message, S3Error &error) noexcept {
  keep_printable(message, error.message);
}

bool read_s3_error(std::string_view body, S3Error &error) noexcept {
  if (body.empty()) return false;
  ErrorVisitor visitor;
  if (!read_xml(body, visitor) || visitor.error.code[0] == '\0') return false;
  error = visitor.error;
  return true;
}

}  // namespace b2neon
