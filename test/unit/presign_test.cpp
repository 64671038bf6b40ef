#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/signer.h"
#include "unit/aws_example.h"
#include "unit/presigned_url.h"
#include "unit/reference_signer.h"

namespace b2neon {
namespace {

ObjectRequest get(std::string_view key) {
  ObjectRequest request;
  request.method = "GET";
  request.object_key = key;
  request.signed_at = kAwsExampleTime;
  return request;
}

std::string presigned(const BucketAccess &access, const ObjectRequest &request) {
  std::unique_ptr<Signer> signer = Signer::create(access);
  return presigned_url(*signer, request);
}

std::string beginning(const std::string &url) {
  return url.substr(0, url.find('?'));
}

std::string signature(const std::string &url) {
  const size_t at = url.find("&X-Amz-Signature=");
  return at == std::string::npos ? "" : url.substr(at + 17);
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
TEST(Presign, GivesTheUrlOfTheAwsExample) {
  EXPECT_EQ(presigned(aws_example(), get("test.txt")),
            "https://examplebucket.s3.amazonaws.com/test.txt"
            "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Presign, PutsTheBucketIntoTheHostOrIntoThePath) {
  BucketAccess access = aws_example();
  EXPECT_EQ(beginning(presigned(access, get("a/b"))), "https://examplebucket.s3.amazonaws.com/a/b");
  access.url_style = UrlStyle::kPath;
  EXPECT_EQ(beginning(presigned(access, get("a/b"))), "https://s3.amazonaws.com/examplebucket/a/b");
}

TEST(Presign, NamesAPortUnlessItIsTheDefault) {
  BucketAccess access = aws_example();
  access.url_style = UrlStyle::kPath;
  access.endpoint = {"http", "localhost", 9000};
  EXPECT_EQ(beginning(presigned(access, get("a"))), "http://localhost:9000/examplebucket/a");
  access.endpoint = {"http", "localhost", 80};
  EXPECT_EQ(beginning(presigned(access, get("a"))), "http://localhost/examplebucket/a");
  access.endpoint = {"http", "localhost", 443};
  EXPECT_EQ(beginning(presigned(access, get("a"))), "http://localhost:443/examplebucket/a");
  access.endpoint = {"https", "localhost", 80};
  EXPECT_EQ(beginning(presigned(access, get("a"))), "https://localhost:80/examplebucket/a");
}

// Clients lower the host's case before they send it.
TEST(Presign, SignsTheHostInLowerCase) {
  BucketAccess access = aws_example();
  const std::string expected = presigned(access, get("test.txt"));
  access.endpoint.host = "S3.AmazonAWS.com";
  access.bucket = "ExampleBucket";
  EXPECT_EQ(presigned(access, get("test.txt")), expected);
}

TEST(Presign, KeepsTheCaseOfABucketInThePath) {
  BucketAccess access = aws_example();
  access.url_style = UrlStyle::kPath;
  access.bucket = "ExampleBucket";
  EXPECT_EQ(beginning(presigned(access, get("a"))), "https://s3.amazonaws.com/ExampleBucket/a");
}

TEST(Presign, EncodesTheObjectKeyButItsSlashes) {
  EXPECT_EQ(beginning(presigned(aws_example(), get("a b/ü+%?#&=/c//d"))),
            "https://examplebucket.s3.amazonaws.com/a%20b/%C3%BC%2B%25%3F%23%26%3D/c//d");
}

TEST(Presign, SignsTheMethod) {
  ObjectRequest request = get("a");
  const std::string url = presigned(aws_example(), request);
  request.method = "PUT";
  EXPECT_NE(signature(presigned(aws_example(), request)), signature(url));
}

TEST(Presign, SignsTheLifetime) {
  std::unique_ptr<Signer> signer = Signer::create(aws_example());
  const std::string one = presigned_url(*signer, get("a"), kMinExpiresIn);
  const std::string other = presigned_url(*signer, get("a"), kMaxExpiresIn);
  EXPECT_NE(one.find("&X-Amz-Expires=1&"), std::string::npos);
  EXPECT_NE(other.find("&X-Amz-Expires=604800&"), std::string::npos);
  EXPECT_NE(signature(one), signature(other));
}

TEST(Presign, ListsHeadersInLowerCaseAndInOrder) {
  const NameValue headers[] = {{"X-Amz-Meta-B", "1"},
                               {"Content-Type", "text/plain"},
                               {"x-amz-meta-a", "2"},
                               {"If-Match", ""}};
  ObjectRequest request = get("a");
  request.headers = headers;
  EXPECT_NE(presigned(aws_example(), request)
                .find("&X-Amz-SignedHeaders="
                      "content-type%3Bhost%3Bif-match%3Bx-amz-meta-a%3Bx-amz-meta-b&"),
            std::string::npos);
}

TEST(Presign, GivesTheSameSignatureForHeadersInAnyOrderAndCase) {
  const NameValue headers[] = {{"A", "1"}, {"b", "2"}, {"Zz", "3"}, {"zza", "4"}, {"m-n", "5"}};
  const NameValue others[] = {{"zZa", "4"}, {"ZZ", "3"}, {"M-N", "5"}, {"B", "2"}, {"a", "1"}};
  ObjectRequest request = get("a");
  request.headers = headers;
  const std::string url = presigned(aws_example(), request);
  request.headers = others;
  EXPECT_EQ(presigned(aws_example(), request), url);
}

// "Lowercase(HeaderName) + ':' + Trim(value)", with sequential spaces converted to one
TEST(Presign, CollapsesSpacesInHeaderValues) {
  ObjectRequest request = get("a");
  const NameValue plain[] = {{"x-amz-meta-a", "b c d"}};
  request.headers = plain;
  const std::string url = presigned(aws_example(), request);
  const NameValue spaced[] = {{"x-amz-meta-a", "  b   c d "}};
  request.headers = spaced;
  EXPECT_EQ(presigned(aws_example(), request), url);
  const NameValue joined[] = {{"x-amz-meta-a", "bc d"}};
  request.headers = joined;
  EXPECT_NE(presigned(aws_example(), request), url);
}

TEST(Presign, TakesAValueOfSpacesForAnEmptyOne) {
  ObjectRequest request = get("a");
  const NameValue empty[] = {{"x-amz-meta-a", ""}};
  request.headers = empty;
  const std::string url = presigned(aws_example(), request);
  const NameValue spaces[] = {{"x-amz-meta-a", "   "}};
  request.headers = spaces;
  EXPECT_EQ(presigned(aws_example(), request), url);
  const NameValue nothing[] = {{"x-amz-meta-a", {}}};
  request.headers = nothing;
  EXPECT_EQ(presigned(aws_example(), request), url);
}

TEST(Presign, SortsTheQueryByEncodedNameThenValue) {
  const NameValue query[] = {{"response-content-type", "b"},
                             {"a", "2"},
                             {"a", "1"},
                             {"ä", "x"},
                             {"A", ""},
                             {"a", "%"},
                             {"a-b", "-"}};
  ObjectRequest request = get("k");
  request.query = query;
  const std::string url = presigned(aws_example(), request);
  const std::string plain = url.substr(url.find('?') + 1);
  EXPECT_EQ(plain.substr(0, plain.find("X-Amz-Algorithm")), "%C3%A4=x&A=&");
  EXPECT_NE(plain.find("&X-Amz-SignedHeaders=host&a=%25&a=1&a=2&a-b=-&response-content-type=b"
                       "&X-Amz-Signature="),
            std::string::npos)
      << url;
}

TEST(Presign, PutsAParameterWhereItBelongsAmongThoseOfTheSignature) {
  const std::unique_ptr<Signer> signer = Signer::create(aws_example());
  for (std::string_view name :
       {"A", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "X-Amz-Signature-",
        "X-Amz-SignedHeader", "X-Amz-SignedHeaders-", "X-Amz-Signf", "X-Amz-Z", "versionId", "~"}) {
    for (std::string_view other : {"B", "X-Amz-Signb", "response-content-type", "versionId"}) {
      const NameValue query[] = {{name, "1"}, {other, "2"}};
      ObjectRequest request = get("test.txt");
      for (size_t size : {1U, 2U}) {
        request.query = std::span(query, size);
        EXPECT_EQ(presigned_url(*signer, request),
                  reference::presign(aws_example(), request, 86400))
            << name << " " << other;
      }
    }
  }
}

TEST(Presign, GivesTheSameUrlForAQueryInAnyOrder) {
  std::vector<NameValue> query = {{"b", "1"}, {"a", "2"}, {"a", "1"}, {"b", "1"}};
  ObjectRequest request = get("k");
  request.query = query;
  const std::string url = presigned(aws_example(), request);
  std::reverse(query.begin(), query.end());
  EXPECT_EQ(presigned(aws_example(), request), url);
}

TEST(Presign, ChangesTheSigningKeyWithTheDayAndBack) {
  std::unique_ptr<Signer> signer = Signer::create(aws_example());
  const std::string first = presigned_url(*signer, get("test.txt"));
  for (int64_t day : {1, -1, 0, 365, 0, 0}) {
    ObjectRequest request = get("test.txt");
    request.signed_at += 86400 * day;
    EXPECT_EQ(presigned_url(*signer, request), reference::presign(aws_example(), request, 86400));
  }
  EXPECT_EQ(presigned_url(*signer, get("test.txt")), first);
}

TEST(Presign, KeepsTheSigningKeyWithinADay) {
  std::unique_ptr<Signer> signer = Signer::create(aws_example());
  for (int64_t second : {0, 1, 43200, 86399}) {
    ObjectRequest request = get("test.txt");
    request.signed_at += second;
    EXPECT_EQ(presigned_url(*signer, request), reference::presign(aws_example(), request, 86400));
  }
}

TEST(Presign, GivesWhatANewSignerGivesAfterAnyOtherRequest) {
  const NameValue header[] = {{"x-amz-meta-a", "a"}};
  const NameValue parameter[] = {{"versionId", "1"}};
  std::vector<std::pair<ObjectRequest, int>> requests;
  for (std::string_view method : {"GET", "HEAD"}) {
    for (std::string_view key : {"a", "a key that is longer than the others"}) {
      for (int64_t later : {0, 1, 24 * 60 * 60}) {
        for (int expires_in : {300, 301}) {
          for (int extras = 0; extras < 3; extras++) {
            ObjectRequest request = get(key);
            request.method = method;
            request.signed_at += later;
            if (extras == 1) request.headers = header;
            if (extras == 2) request.query = parameter;
            requests.emplace_back(request, expires_in);
          }
        }
      }
    }
  }
  const auto url = [](Signer &signer, const std::pair<ObjectRequest, int> &wanted) {
    std::string text(signer.url_bound(wanted.first), '\0');
    text.resize(signer.presign(wanted.first, wanted.second, text.data()));
    return text;
  };
  std::vector<std::string> urls;
  for (const auto &request : requests) {
    urls.push_back(url(*Signer::create(aws_example()), request));
  }
  const std::unique_ptr<Signer> signer = Signer::create(aws_example());
  for (size_t i = 0; i < requests.size(); i++) {
    for (size_t j = 0; j < requests.size(); j++) {
      ASSERT_EQ(url(*signer, requests[i]), urls[i]);
      ASSERT_EQ(url(*signer, requests[j]), urls[j]);
    }
  }
}

TEST(Presign, WorksAtBothEndsOfTime) {
  for (int64_t time : {AmzDate::kMinimum, AmzDate::kMaximum}) {
    ObjectRequest request = get("a");
    request.signed_at = time;
    EXPECT_EQ(presigned(aws_example(), request), reference::presign(aws_example(), request, 86400));
  }
}

TEST(Presign, KeepsNoTextOfTheBucketAccess) {
  std::string host = "s3.amazonaws.com", bucket = "examplebucket", region = "us-east-1",
              key_id = "AKIAIOSFODNN7EXAMPLE",
              application_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  BucketAccess access = aws_example();
  access.endpoint.host = host;
  access.bucket = bucket;
  access.region = region;
  access.key_id = key_id;
  access.application_key = application_key;
  std::unique_ptr<Signer> signer = Signer::create(access);
  for (std::string *text : {&host, &bucket, &region, &key_id, &application_key}) {
    text->assign(text->size(), '?');
  }
  EXPECT_EQ(signature(presigned_url(*signer, get("test.txt"))),
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

}  // namespace
}  // namespace b2neon
