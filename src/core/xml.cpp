#include "core/xml.h"

#include <expat.h>

#include <climits>
#include <memory>
#include <string>

namespace b2neon {

namespace {

constexpr int kMaxDepth = 16;

struct Reading {
  XML_Parser parser;
  XmlVisitor &visitor;
  std::string path;
  std::string text;
  int depth = 0;
  bool stopped = false;

  void stop() noexcept {
    stopped = true;
    XML_StopParser(parser, XML_FALSE);
  }
};

extern "C" {

static void on_start(void *data, const XML_Char *name, const XML_Char **) noexcept {
  auto *reading = static_cast<Reading *>(data);
  if (++reading->depth > kMaxDepth) return reading->stop();
  try {
    if (reading->depth > 1) reading->path += '/';
    reading->path += name;
  } catch (...) {
    return reading->stop();
  }
  reading->text.clear();
}

static void on_text(void *data, const XML_Char *text, int length) noexcept {
  auto *reading = static_cast<Reading *>(data);
  try {
    reading->text.append(text, static_cast<size_t>(length));
  } catch (...) {
    reading->stop();
  }
}

static void on_end(void *data, const XML_Char *name) noexcept {
  auto *reading = static_cast<Reading *>(data);
  // Expat may still call after it was told to stop.
  if (reading->stopped) return;
  if (!reading->visitor.on_element(reading->path, reading->text)) return reading->stop();
  const size_t length = std::string_view(name).size() + (reading->depth > 1 ? 1 : 0);
  reading->path.resize(reading->path.size() - length);
  reading->text.clear();
  reading->depth--;
}

static void on_document_type(void *data, const XML_Char *, const XML_Char *, const XML_Char *,
                             int) noexcept {
  static_cast<Reading *>(data)->stop();
}

}  // extern "C"

}  // namespace

bool read_xml(std::string_view document, XmlVisitor &visitor) noexcept {
  if (document.size() > INT_MAX) return false;
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate(nullptr),
                                                                       XML_ParserFree);
  if (!parser) return false;
  Reading reading = {parser.get(), visitor, {}, {}};
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_document_type);
  return XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE) ==
             XML_STATUS_OK &&
         !reading.stopped;
}

}  // namespace b2neon
