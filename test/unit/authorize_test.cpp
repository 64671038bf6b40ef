#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/signer.h"
#include "unit/aws_example.h"
#include "unit/reference_signer.h"

namespace b2neon {
namespace {

constexpr char kHashOfNothing[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

AuthorizedRequest authorized(const ObjectRequest &request, std::string_view body = "") {
  AuthorizedRequest result;
  EXPECT_TRUE(Signer::create(aws_example())->authorize(request, body, result));
  return result;
}

ObjectRequest request_for(std::string_view method, std::string_view key) {
  ObjectRequest request;
  request.method = method;
  request.object_key = key;
  request.signed_at = kAwsExampleTime;
  return request;
}

// The four examples of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

TEST(Authorize, SignsTheAwsExampleGetObject) {
  const NameValue headers[] = {{"Range", "bytes=0-9"}};
  ObjectRequest request = request_for("GET", "test.txt");
  request.headers = headers;
  const AuthorizedRequest result = authorized(request);
  EXPECT_EQ(result.url, "https://examplebucket.s3.amazonaws.com/test.txt");
  EXPECT_EQ(result.amz_date, "20130524T000000Z");
  EXPECT_EQ(result.content_sha256, kHashOfNothing);
  EXPECT_EQ(result.authorization,
            "AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(Authorize, SignsTheAwsExamplePutObject) {
  const NameValue headers[] = {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                               {"Date", "Fri, 24 May 2013 00:00:00 GMT"}};
  ObjectRequest request = request_for("PUT", "test$file.text");
  request.headers = headers;
  const AuthorizedRequest result = authorized(request, "Welcome to Amazon S3.");
  EXPECT_EQ(result.url, "https://examplebucket.s3.amazonaws.com/test%24file.text");
  EXPECT_EQ(result.content_sha256,
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  EXPECT_EQ(result.authorization,
            "AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
            "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(Authorize, SignsTheAwsExampleGetBucketLifecycle) {
  const NameValue query[] = {{"lifecycle", ""}};
  ObjectRequest request = request_for("GET", "");
  request.query = query;
  const AuthorizedRequest result = authorized(request);
  EXPECT_EQ(result.url, "https://examplebucket.s3.amazonaws.com/?lifecycle=");
  EXPECT_EQ(result.authorization,
            "AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
            "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(Authorize, SignsTheAwsExampleListObjects) {
  const NameValue query[] = {{"prefix", "J"}, {"max-keys", "2"}};
  ObjectRequest request = request_for("GET", "");
  request.query = query;
  const AuthorizedRequest result = authorized(request);
  EXPECT_EQ(result.url, "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J");
  EXPECT_EQ(result.authorization,
            "AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
            "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Authorize, SignsTheBody) {
  const ObjectRequest request = request_for("PUT", "a");
  EXPECT_NE(authorized(request, "a").authorization, authorized(request, "b").authorization);
}

TEST(Authorize, ChangesTheSigningKeyWithTheDay) {
  std::unique_ptr<Signer> signer = Signer::create(aws_example());
  for (int64_t day : {0, 1, 0}) {
    ObjectRequest request = request_for("HEAD", "a");
    request.signed_at += 86400 * day;
    AuthorizedRequest result;
    ASSERT_TRUE(signer->authorize(request, "", result));
    EXPECT_EQ(result.authorization, reference::authorization(aws_example(), request, ""));
  }
}

TEST(Authorize, ContainsNoApplicationKey) {
  const AuthorizedRequest result = authorized(request_for("GET", "test.txt"));
  EXPECT_EQ((result.url + result.authorization).find(aws_example().application_key),
            std::string::npos);
}

}  // namespace
}  // namespace b2neon
