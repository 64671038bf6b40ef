#include "core/s3_error.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/xml.h"

namespace b2neon {

namespace {

constexpr size_t kMaxCode = 64, kMaxMessage = 500, kMaxRequestId = 200;

bool is_code(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxCode &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '.'; });
}

std::string printable(std::string_view text, size_t limit) {
  std::string result(text.substr(0, limit));
  for (char &c : result) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    if (c < ' ' || c > '~') c = '?';
  }
  return result;
}

class ErrorVisitor final : public XmlVisitor {
 public:
  bool on_element(std::string_view path, std::string_view text) noexcept override {
    try {
      if (path == "Error/Code" && is_code(text)) error.code = text;
      if (path == "Error/Message") error.message = printable(text, kMaxMessage);
      if (path == "Error/RequestId") error.request_id = printable(text, kMaxRequestId);
    } catch (...) {
      return false;
    }
    return true;
  }

  S3Error error;
};

}  // namespace

bool read_s3_error(std::string_view body, S3Error &error) noexcept {
  if (body.empty()) return false;
  ErrorVisitor visitor;
  if (!read_xml(body, visitor) || visitor.error.code.empty()) return false;
  error = std::move(visitor.error);
  return true;
}

}  // namespace b2neon
