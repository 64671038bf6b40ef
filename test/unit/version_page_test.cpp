#include "core/version_page.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

std::string page_with(const std::string &elements) {
  return "<?xml version=\"1.0\"?><ListVersionsResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
         elements + "</ListVersionsResult>";
}

// After the example of AWS's page on ListObjectVersions.
constexpr char kVersions[] =
    "<EncodingType>url</EncodingType><Name>bucket</Name><Prefix/><IsTruncated>true</IsTruncated>"
    "<NextKeyMarker>a+b%2Bc</NextKeyMarker><NextVersionIdMarker>v2</NextVersionIdMarker>"
    "<Version><Key>my%2Fimage.jpg</Key><VersionId>3/L4kqtJl40Nr8X8gdRQBpUMLUo</VersionId>"
    "<IsLatest>true</IsLatest><LastModified>2009-10-12T17:50:30.000Z</LastModified>"
    "<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>"
    "<Owner><ID>75aa</ID><DisplayName>me</DisplayName></Owner></Version>"
    "<DeleteMarker><Key>sourcekey</Key><VersionId>qDhprLU80sAlCFLu2DWgXAEDgKzWarn</VersionId>"
    "<IsLatest>true</IsLatest><LastModified>2009-11-12T17:50:30.000Z</LastModified></DeleteMarker>";

TEST(VersionPage, HasVersionsAndMarkersInTheirOrder) {
  VersionPage page;
  ASSERT_TRUE(read_version_page(page_with(kVersions), page));
  EXPECT_TRUE(page.is_truncated);
  EXPECT_EQ(page.next_key_marker, "a b+c");
  EXPECT_EQ(page.next_version_id_marker, "v2");
  ASSERT_EQ(page.versions.size(), 2u);
  const ObjectVersion &version = page.versions[0];
  EXPECT_EQ(version.object_key, "my/image.jpg");
  EXPECT_EQ(version.version_id, "3/L4kqtJl40Nr8X8gdRQBpUMLUo");
  EXPECT_EQ(version.etag, "fba9dede5f27731c9771645a39863328");
  EXPECT_EQ(version.size, 434234);
  EXPECT_EQ(version.last_modified, 1255369830000000);
  EXPECT_FALSE(version.is_delete_marker);
  EXPECT_EQ(page.versions[1].object_key, "sourcekey");
  EXPECT_EQ(page.versions[1].size, 0);
  EXPECT_TRUE(page.versions[1].is_delete_marker);
}

TEST(VersionPage, CanBeEmpty) {
  VersionPage page;
  ASSERT_TRUE(read_version_page(page_with("<IsTruncated>false</IsTruncated>"), page));
  EXPECT_FALSE(page.is_truncated);
  EXPECT_TRUE(page.versions.empty());
}

TEST(VersionPage, HasKeysAsTheyAreWhereTheStoreDoesNotEncodeThem) {
  VersionPage page;
  ASSERT_TRUE(read_version_page(
      page_with("<NextKeyMarker>a+b</NextKeyMarker><Version><Key>100%+1</Key></Version>"), page));
  EXPECT_EQ(page.next_key_marker, "a+b");
  EXPECT_EQ(page.versions[0].object_key, "100%+1");
}

TEST(VersionPage, IsNothingElse) {
  for (const std::string &body :
       {std::string(), std::string("<Error><Code>AccessDenied</Code></Error>"),
        std::string("<ListBucketResult/>"), page_with("<Version/>"),
        page_with("<EncodingType>url</EncodingType><Version><Key>%2</Key></Version>"),
        page_with("<Version><Key>a</Key><Size>-1</Size></Version>"),
        page_with("<Version><Key>a</Key><LastModified>today</LastModified></Version>"),
        page_with(kVersions).substr(0, 500)}) {
    VersionPage page;
    EXPECT_FALSE(read_version_page(body, page)) << body;
  }
}

}  // namespace
}  // namespace b2neon
