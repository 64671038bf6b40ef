#include "core/version_page.h"

#include <charconv>
#include <utility>

#include "core/iso_date.h"
#include "core/percent_encoding.h"
#include "core/xml.h"

namespace b2neon {

namespace {

constexpr std::string_view kRoot = "ListVersionsResult";

class PageVisitor final : public XmlVisitor {
 public:
  explicit PageVisitor(VersionPage &page) : page_(page) {}

  bool on_element(std::string_view path, std::string_view text) noexcept override {
    if (path.substr(0, kRoot.size()) != kRoot) return false;
    path.remove_prefix(kRoot.size());
    if (path.empty()) {
      is_whole_ = true;
      return true;
    }
    path.remove_prefix(1);
    try {
      return on_part(path, text);
    } catch (...) {
      return false;
    }
  }

  bool is_whole() const { return is_whole_; }

  // The answer says whether keys are encoded; not every store obeys the request.
  bool decode_keys() {
    if (!is_url_encoded_) return true;
    for (ObjectVersion &version : page_.versions) {
      if (!decode(version.object_key)) return false;
    }
    return decode(page_.next_key_marker);
  }

 private:
  static bool decode(std::string &text) {
    const std::string encoded = std::move(text);
    return percent_decode(encoded, text);
  }

  bool on_part(std::string_view path, std::string_view text) {
    if (path == "IsTruncated") page_.is_truncated = text == "true";
    if (path == "EncodingType") is_url_encoded_ = text == "url";
    if (path == "NextKeyMarker") page_.next_key_marker = text;
    if (path == "NextVersionIdMarker") page_.next_version_id_marker = text;
    if (path == "Version" || path == "DeleteMarker") {
      version_.is_delete_marker = path == "DeleteMarker";
      page_.versions.push_back(std::move(version_));
      version_ = {};
      return !page_.versions.back().object_key.empty();
    }
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos) return true;
    const std::string_view element = path.substr(0, slash);
    if (element != "Version" && element != "DeleteMarker") return true;
    return on_field(path.substr(slash + 1), text);
  }

  bool on_field(std::string_view name, std::string_view text) {
    if (name == "Key") version_.object_key = text;
    if (name == "VersionId") version_.version_id = text;
    if (name == "ETag") version_.etag = unquoted(text);
    if (name == "Size") {
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version_.size);
      return error == std::errc() && end == text.data() + text.size() && version_.size >= 0;
    }
    if (name == "LastModified") return read_iso_date(text, version_.last_modified);
    return true;
  }

  static std::string_view unquoted(std::string_view etag) noexcept {
    const bool is_quoted = etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
    return is_quoted ? etag.substr(1, etag.size() - 2) : etag;
  }

  VersionPage &page_;
  ObjectVersion version_;
  bool is_whole_ = false;
  bool is_url_encoded_ = false;
};

}  // namespace

bool read_version_page(std::string_view body, VersionPage &page) noexcept {
  PageVisitor visitor(page);
  if (!read_xml(body, visitor) || !visitor.is_whole()) return false;
  try {
    return visitor.decode_keys();
  } catch (...) {
    return false;
  }
}

}  // namespace b2neon
