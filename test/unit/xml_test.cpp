#include "core/xml.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace b2neon {
namespace {

class Elements final : public XmlVisitor {
 public:
  bool on_element(std::string_view path, std::string_view text) noexcept override {
    all.emplace_back(path, text);
    return all.size() < limit;
  }
  std::vector<std::pair<std::string, std::string>> all;
  size_t limit = SIZE_MAX;
};

bool is_read(std::string_view document) {
  Elements elements;
  return read_xml(document, elements);
}

std::string nested(int depth) {
  std::string document;
  for (int i = 0; i < depth; i++) document += "<a>";
  for (int i = 0; i < depth; i++) document += "</a>";
  return document;
}

TEST(Xml, HasElementsWithPathsAndTexts) {
  Elements elements;
  ASSERT_TRUE(
      read_xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<List xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
               "  <Item><Key>a &amp; b&#10;</Key><Size/></Item>\n"
               "  <Item><Key><![CDATA[<c>]]></Key></Item><!-- no -->\n"
               "</List>\n",
               elements));
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"List/Item/Key", "a & b\n"}, {"List/Item/Size", ""}, {"List/Item", ""},
      {"List/Item/Key", "<c>"},     {"List/Item", ""},      {"List", "\n"}};
  EXPECT_EQ(elements.all, expected);
}

TEST(Xml, ComesInUtf8WhateverItWas) {
  for (const std::string &document :
       {std::string("<a>\xc3\xa4</a>"),
        std::string("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4</a>"),
        std::string("\xff\xfe<\0a\0>\0\xe4\0<\0/\0a\0>\0", 18),
        std::string("\xfe\xff\0<\0a\0>\0\xe4\0<\0/\0a\0>", 18)}) {
    Elements elements;
    ASSERT_TRUE(read_xml(document, elements)) << document;
    EXPECT_EQ(elements.all.at(0).second, "\xc3\xa4");
  }
}

TEST(Xml, HasToBeWellFormed) {
  for (const std::string &document :
       {std::string(), std::string("<a>"), std::string("<a></b>"), std::string("<a/><b/>"),
        std::string("<a/>rest"), std::string("nonsense"), std::string("<a>\0</a>", 8),
        std::string("<a>\xff</a>"), std::string("<a>&unknown;</a>"), std::string("<a>&#0;</a>"),
        std::string("<?xml version=\"1.0\" encoding=\"EBCDIC-CP-US\"?><a/>"),
        std::string("<a b=1/>"), std::string("<a></a")}) {
    EXPECT_FALSE(is_read(document)) << document;
  }
}

TEST(Xml, MayBe16LevelsDeep) {
  EXPECT_TRUE(is_read(nested(16)));
  EXPECT_FALSE(is_read(nested(17)));
  EXPECT_FALSE(is_read(nested(100000)));
}

TEST(Xml, MayHaveNoDocumentType) {
  EXPECT_FALSE(is_read("<!DOCTYPE a><a/>"));
  EXPECT_FALSE(is_read("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"));
  EXPECT_FALSE(is_read("<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>"));
}

TEST(Xml, EndsWhereTheVisitorStops) {
  Elements elements;
  elements.limit = 2;
  EXPECT_FALSE(read_xml("<a><b/><c/><d/><e/></a>", elements));
  EXPECT_EQ(elements.all.size(), 2u);
}

}  // namespace
}  // namespace b2neon
