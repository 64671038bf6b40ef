#include "core/media_type_list.h"

#include <gtest/gtest.h>

namespace b2neon {
namespace {

TEST(MediaTypeList, HasItsEntries) {
  EXPECT_TRUE(media_type_is_listed("image/png", "image/png"));
  EXPECT_TRUE(media_type_is_listed("image/png", "text/plain,image/png"));
  EXPECT_TRUE(media_type_is_listed("text/plain", "text/plain,image/png"));
  EXPECT_FALSE(media_type_is_listed("image/gif", "text/plain,image/png"));
}

TEST(MediaTypeList, OfNothingHasNothing) {
  for (const char *list : {"", " ", ",", " , ", ",,"}) {
    EXPECT_FALSE(media_type_is_listed("image/png", list)) << list;
    EXPECT_FALSE(media_type_is_listed("", list)) << list;
  }
}

TEST(MediaTypeList, MayHaveBlanksAndEmptyEntries) {
  EXPECT_TRUE(media_type_is_listed("image/png", " text/plain , image/png "));
  EXPECT_TRUE(media_type_is_listed("image/png", ",image/png,"));
}

TEST(MediaTypeList, IgnoresCase) {
  EXPECT_TRUE(media_type_is_listed("Image/PNG", "iMAGE/png"));
  EXPECT_TRUE(media_type_is_listed("Image/PNG", "iMAGE/*"));
}

TEST(MediaTypeList, IgnoresTheParametersOfTheMediaType) {
  EXPECT_TRUE(media_type_is_listed("text/html; charset=utf-8", "text/html"));
  EXPECT_TRUE(media_type_is_listed("text/html ;charset=utf-8", "text/html"));
  EXPECT_FALSE(media_type_is_listed("text/html; x=image/png", "image/png"));
  EXPECT_FALSE(media_type_is_listed("text/html;,image/png", "image/*"));
}

TEST(MediaTypeList, HasAllSubtypesOfAWildcard) {
  EXPECT_TRUE(media_type_is_listed("image/png", "image/*"));
  EXPECT_TRUE(media_type_is_listed("image/svg+xml", "text/plain, image/*"));
  EXPECT_FALSE(media_type_is_listed("imagex/png", "image/*"));
  EXPECT_FALSE(media_type_is_listed("text/image/png", "image/*"));
  EXPECT_FALSE(media_type_is_listed("image", "image/*"));
  EXPECT_FALSE(media_type_is_listed("im/png", "image/*"));
}

TEST(MediaTypeList, HasEverythingWithTwoWildcards) {
  EXPECT_TRUE(media_type_is_listed("anything/at-all", "image/png, */*"));
}

TEST(MediaTypeList, KnowsNoOtherWildcards) {
  for (const char *list : {"*", "*/png", "image/p*", "/*", "image*", "i*/png", "image/**"}) {
    EXPECT_FALSE(media_type_is_listed("image/png", list)) << list;
  }
}

TEST(MediaTypeList, TakesNoPartOfAnEntryForTheWhole) {
  EXPECT_FALSE(media_type_is_listed("image/pn", "image/png"));
  EXPECT_FALSE(media_type_is_listed("image/pngx", "image/png"));
  EXPECT_FALSE(media_type_is_listed("image/png", "image/png+x"));
}

}  // namespace
}  // namespace b2neon
