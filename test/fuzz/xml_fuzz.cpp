// A document that is read has elements that form a tree, which reads the same when it is written
// down again, and no document type.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/utf8.h"
#include "core/xml.h"
#include "fuzz/require.h"

using namespace b2neon;

namespace {

constexpr size_t kMaxDepth = 16;

struct Element {
  std::string path;
  std::string text;
  bool operator==(const Element &) const = default;
};

class Elements final : public XmlVisitor {
 public:
  explicit Elements(size_t limit = SIZE_MAX) : limit_(limit) {}
  bool on_element(std::string_view path, std::string_view text) noexcept override {
    all.push_back({std::string(path), std::string(text)});
    return all.size() < limit_;
  }
  std::vector<Element> all;

 private:
  size_t limit_;
};

std::string escaped(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '&':
        made += "&amp;";
        break;
      case '<':
        made += "&lt;";
        break;
      case '>':
        made += "&gt;";
        break;
      case '\r':  // as itself it would become a line feed
        made += "&#13;";
        break;
      default:
        made += c;
    }
  }
  return made;
}

size_t depth_of(const Element &element) {
  return 1 + static_cast<size_t>(std::count(element.path.begin(), element.path.end(), '/'));
}

// Elements come after what is in them: those of each level wait for the one around them. A text
// before the first of them is none that is reported.
std::string written(const std::vector<Element> &elements) {
  struct Level {
    std::string parent;
    std::string xml;
  };
  std::vector<Level> levels(kMaxDepth + 2);
  for (const Element &element : elements) {
    const std::string &path = element.path;
    const size_t depth = depth_of(element);
    REQUIRE(depth <= kMaxDepth);
    const size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    REQUIRE(!name.empty());

    Level &inside = levels[depth + 1];
    Level &here = levels[depth];
    REQUIRE(inside.xml.empty() || inside.parent == path);
    REQUIRE(here.xml.empty() || here.parent == parent);
    // What is yet deeper has had its parent already.
    for (size_t i = depth + 2; i < levels.size(); i++) REQUIRE(levels[i].xml.empty());
    here.parent = parent;
    if (!inside.xml.empty()) inside.xml.insert(0, "not the last");
    here.xml += "<" + name + ">" + inside.xml + escaped(element.text) + "</" + name + ">";
    inside.xml.clear();
  }
  for (size_t i = 2; i < levels.size(); i++) REQUIRE(levels[i].xml.empty());
  return levels[1].xml;
}

std::string nested(const std::string &document, size_t levels) {
  std::string made;
  for (size_t i = 0; i < levels; i++) made += "<a>";
  made += document;
  for (size_t i = 0; i < levels; i++) made += "</a>";
  return made;
}

// Wherever markup begins in a well-formed document, it is not that of a document type. UTF-16
// (which has a zero in each "<") could have these bytes elsewhere.
bool has_document_type(std::string_view document) {
  if (document.find('\0') != std::string_view::npos) return false;
  constexpr std::pair<std::string_view, std::string_view> kOpaque[] = {
      {"<!--", "-->"}, {"<?", "?>"}, {"<![CDATA[", "]]>"}};
  for (size_t i = document.find('<'); i < document.size(); i = document.find('<', i)) {
    if (document.substr(i).starts_with("<!DOCTYPE")) return true;
    size_t next = i + 1;
    for (const auto &[begin, end] : kOpaque) {
      if (document.substr(i).starts_with(begin)) next = document.find(end, i + begin.size());
    }
    i = next;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view document(reinterpret_cast<const char *>(data), size);
  Elements elements;
  const bool is_read = read_xml(document, elements);
  for (const Element &element : elements.all) {
    REQUIRE(is_utf8(element.path) && is_utf8(element.text));
  }
  Elements again;
  REQUIRE(read_xml(document, again) == is_read && again.all == elements.all);
  if (!is_read) return 0;

  REQUIRE(!has_document_type(document));
  REQUIRE(!elements.all.empty());
  const std::string &root = elements.all.back().path;
  REQUIRE(root.find('/') == std::string::npos);
  // Expat takes a few characters in the names of a Latin-1 document that it takes in no other.
  bool has_latin1_name = false;
  size_t depth = 0;
  for (const Element &element : elements.all) {
    REQUIRE((element.path + "/").starts_with(root + "/"));
    if (element.path.find('\xc2') != std::string::npos) has_latin1_name = true;
    depth = std::max(depth, depth_of(element));
  }
  const std::string document_again = written(elements.all);
  if (!has_latin1_name) {
    Elements rewritten, deepest, too_deep;
    REQUIRE(read_xml(document_again, rewritten) && rewritten.all == elements.all);
    REQUIRE(read_xml(nested(document_again, kMaxDepth - depth), deepest));
    REQUIRE(!read_xml(nested(document_again, kMaxDepth - depth + 1), too_deep));
  }

  const size_t limit = 1 + data[size / 2] % elements.all.size();
  Elements first(limit);
  REQUIRE(!read_xml(document, first) && first.all.size() == limit);
  return 0;
}
