#include "core/delete_objects.h"

#include <openssl/evp.h>

#include "core/ascii.h"
#include "core/xml.h"

namespace b2neon {

namespace {

void append_escaped(std::string &xml, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      default:
        xml += c;
    }
  }
}

bool md5_base64(std::string_view body, std::string &base64) {
  unsigned char md5[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(body.data(), body.size(), md5, &size, EVP_md5(), nullptr) != 1) return false;
  unsigned char text[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(text, md5, static_cast<int>(size));
  base64.assign(reinterpret_cast<const char *>(text), static_cast<size_t>(length));
  return true;
}

class ResultVisitor final : public XmlVisitor {
 public:
  explicit ResultVisitor(std::vector<DeleteFailure> &failures) : failures_(failures) {}

  bool on_element(std::string_view path, std::string_view text) noexcept override {
    try {
      if (path == "DeleteResult/Error/Key") failure_.object_key = text;
      if (path == "DeleteResult/Error/VersionId") failure_.version_id = text;
      if (path == "DeleteResult/Error/Code") set_s3_error_code(text, failure_.error);
      if (path == "DeleteResult/Error/Message") set_s3_error_message(text, failure_.error);
      if (path == "DeleteResult/Error") {
        failures_.push_back(std::move(failure_));
        failure_ = DeleteFailure();
      }
      if (path == "DeleteResult") is_result_ = true;
    } catch (...) {
      return false;
    }
    return true;
  }

  bool is_result() const { return is_result_; }

 private:
  std::vector<DeleteFailure> &failures_;
  DeleteFailure failure_;
  bool is_result_ = false;
};

}  // namespace

bool can_be_named(std::string_view object_key) noexcept {
  for (char c : object_key) {
    if (is_ascii_control(c)) return false;
  }
  return object_key.find("\xEF\xBF\xBE") == std::string_view::npos &&
         object_key.find("\xEF\xBF\xBF") == std::string_view::npos;
}

bool make_delete_request(std::span<const DeletedObject> objects, DeleteRequest &request) noexcept {
  try {
    std::string &xml = request.body;
    xml = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
    for (const DeletedObject &object : objects) {
      xml += "<Object><Key>";
      append_escaped(xml, object.object_key);
      xml += "</Key>";
      if (!object.version_id.empty()) {
        xml += "<VersionId>";
        append_escaped(xml, object.version_id);
        xml += "</VersionId>";
      }
      xml += "</Object>";
    }
    xml += "</Delete>";
    return md5_base64(xml, request.content_md5);
  } catch (...) {
    return false;
  }
}

bool read_delete_result(std::string_view body, std::vector<DeleteFailure> &failures) noexcept {
  failures.clear();
  ResultVisitor visitor(failures);
  return read_xml(body, visitor) && visitor.is_result();
}

}  // namespace b2neon
