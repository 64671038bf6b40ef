#include "core/delete_objects.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace b2neon {
namespace {

TEST(DeleteRequest, NamesKeysAndVersions) {
  const DeletedObject objects[] = {{"a&b/<c>.txt", "v1"}, {"plain", ""}};
  DeleteRequest request;
  ASSERT_TRUE(make_delete_request(objects, request));
  EXPECT_EQ(request.body,
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
            "<Object><Key>a&amp;b/&lt;c&gt;.txt</Key><VersionId>v1</VersionId></Object>"
            "<Object><Key>plain</Key></Object></Delete>");
  // printf '%s' BODY | openssl md5 -binary | base64
  EXPECT_EQ(request.content_md5, "9iyCSTKcotn0k4AzZGWtTw==");
}

TEST(DeleteRequest, CannotNameWhatXmlCannotHave) {
  EXPECT_TRUE(can_be_named("a b\xC3\xA4\xF0\x9F\x98\x80"));
  EXPECT_FALSE(can_be_named("a\nb"));
  EXPECT_FALSE(can_be_named("a\xEF\xBF\xBE"));
  EXPECT_FALSE(can_be_named("a\xEF\xBF\xBF"));
}

std::string result_with(const std::string &elements) {
  return "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + elements +
         "</DeleteResult>";
}

TEST(DeleteResult, HasFailures) {
  std::vector<DeleteFailure> failures;
  ASSERT_TRUE(read_delete_result(
      result_with("<Deleted><Key>gone</Key></Deleted>"
                  "<Error><Key>a&amp;b</Key><VersionId>v1</VersionId><Code>AccessDenied</Code>"
                  "<Message>Access Denied</Message></Error>"
                  "<Error><Key>c</Key><Code>InternalError</Code></Error>"),
      failures));
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0].object_key, "a&b");
  EXPECT_EQ(failures[0].version_id, "v1");
  EXPECT_STREQ(failures[0].error.code, "AccessDenied");
  EXPECT_STREQ(failures[0].error.message, "Access Denied");
  EXPECT_EQ(failures[1].object_key, "c");
  EXPECT_EQ(failures[1].version_id, "");
}

TEST(DeleteResult, CanBeEmpty) {
  std::vector<DeleteFailure> failures(3);
  ASSERT_TRUE(read_delete_result("<DeleteResult/>", failures));
  EXPECT_TRUE(failures.empty());
}

// An error of the whole request can come with status 200.
TEST(DeleteResult, IsNothingElse) {
  std::vector<DeleteFailure> failures;
  for (const std::string &body :
       {std::string(), std::string("<Error><Code>InternalError</Code></Error>"),
        std::string("<html/>"), result_with("<Error>").substr(0, 80)}) {
    EXPECT_FALSE(read_delete_result(body, failures)) << body;
  }
}

}  // namespace
}  // namespace b2neon
