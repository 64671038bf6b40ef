#pragma once

#include <string_view>

namespace b2neon {

/// Is told of the elements of an XML document.
class XmlVisitor {
 public:
  virtual ~XmlVisitor() = default;

  /// At the end of an element: the names from the root to it, as "Error/Code", and the text between
  /// its last tags. Both are in UTF-8 and go after the call. Returns false to stop.
  virtual bool on_element(std::string_view path, std::string_view text) noexcept = 0;
};

/// Reads a document to its end; false where it is not well-formed, not of the kind that a store
/// answers with (deeper than 16 levels, or with a document type, which is where entity bombs are),
/// memory runs out, or the visitor stops. What the visitor was told is worth nothing then.
bool read_xml(std::string_view document, XmlVisitor &visitor) noexcept;

}  // namespace b2neon
