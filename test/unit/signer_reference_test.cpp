#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/signer.h"
#include "unit/presigned_url.h"
#include "unit/reference_signer.h"

namespace b2neon {
namespace {

// Random requests, within what the checks let through.
class RandomRequests {
 public:
  explicit RandomRequests(unsigned seed) : random_(seed) {}

  size_t number(size_t limit) { return random_() % limit; }

  std::string text(size_t max_length, std::string_view alphabet) {
    std::string made;
    for (size_t n = number(max_length + 1); n > 0; n--) made += alphabet[number(alphabet.size())];
    return made;
  }

  std::string any_text(size_t max_length) {
    std::string made;
    for (size_t n = number(max_length + 1); n > 0; n--) {
      char c = static_cast<char>(random_());
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
      made += c;
    }
    return made;
  }

  // Names and values whose texts live as long as this object.
  std::vector<NameValue> headers() {
    std::vector<NameValue> made;
    for (size_t n = number(3) == 0 ? number(kMaxNameValues + 1) : number(4); n > 0; n--) {
      made.push_back({keep("x" + text(20, "abABzZ-_09")), keep(text(40, "ab  ;:,=\"~ "))});
      if (check_signed_headers(made) != nullptr) made.pop_back();
    }
    return made;
  }

  std::vector<NameValue> query() {
    std::vector<NameValue> made;
    for (size_t n = number(3) == 0 ? number(kMaxNameValues + 1) : number(4); n > 0; n--) {
      made.push_back({keep("q" + text(2, "ab-%\xc3\xa4~ ")), keep(any_text(number(10) ? 4 : 300))});
      if (check_query(made) != nullptr) made.pop_back();
    }
    return made;
  }

  std::string_view keep(std::string text) {
    texts_.push_back(std::make_unique<std::string>(std::move(text)));
    return *texts_.back();
  }

  int64_t time() {
    return static_cast<int64_t>(number(static_cast<size_t>(AmzDate::kMaximum) + 1));
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

BucketAccess random_access(RandomRequests &random) {
  BucketAccess access;
  access.endpoint.scheme = random.number(2) ? "https" : "http";
  access.endpoint.host = random.keep("S3." + random.text(60, "abcXYZ-019") + "x.example");
  constexpr int kPorts[] = {443, 80, 9000, 1, 65535};
  access.endpoint.port = kPorts[random.number(5)];
  access.bucket = random.keep("b" + random.text(61, "abcXYZ-019") + "b");
  access.region = random.keep("r" + random.text(62, "abc-019"));
  access.url_style = random.number(2) ? UrlStyle::kPath : UrlStyle::kVirtual;
  access.key_id = random.keep(random.any_text(60));
  access.application_key = random.keep(random.any_text(100));
  return access;
}

ObjectRequest random_request(RandomRequests &random, const std::vector<NameValue> &headers,
                             const std::vector<NameValue> &query) {
  constexpr const char *kMethods[] = {"GET", "PUT", "HEAD", "DELETE"};
  ObjectRequest request;
  request.method = kMethods[random.number(4)];
  request.object_key = random.keep(random.any_text(random.number(10) ? 40 : 1024));
  request.headers = headers;
  request.query = query;
  request.signed_at = random.time();
  return request;
}

// presigned_url() also looks for bytes beyond the bound.
TEST(Signer, PresignsAsThePlainReferenceDoes) {
  for (unsigned seed = 0; seed < 1000; seed++) {
    RandomRequests random(seed);
    const BucketAccess access = random_access(random);
    std::unique_ptr<Signer> signer = Signer::create(access);
    ASSERT_NE(signer, nullptr);
    for (int i = 0; i < 3; i++) {
      const std::vector<NameValue> headers = random.headers();
      const std::vector<NameValue> query = random.query();
      const ObjectRequest request = random_request(random, headers, query);
      const int expires_in = static_cast<int>(1 + random.number(kMaxExpiresIn));
      ASSERT_EQ(presigned_url(*signer, request, expires_in),
                reference::presign(access, request, expires_in))
          << "seed " << seed;
    }
  }
}

TEST(Signer, AuthorizesAsThePlainReferenceDoes) {
  for (unsigned seed = 0; seed < 1000; seed++) {
    RandomRequests random(seed);
    const BucketAccess access = random_access(random);
    std::unique_ptr<Signer> signer = Signer::create(access);
    ASSERT_NE(signer, nullptr);
    const std::vector<NameValue> headers = random.headers();
    const std::vector<NameValue> query = random.query();
    const ObjectRequest request = random_request(random, headers, query);
    const std::string_view body = random.keep(random.any_text(200));
    AuthorizedRequest authorized;
    ASSERT_TRUE(signer->authorize(request, body, authorized));
    ASSERT_EQ(authorized.authorization, reference::authorization(access, request, body))
        << "seed " << seed;
    ASSERT_LE(authorized.url.size(), signer->url_bound(request));
  }
}

// Every byte of the largest request grows threefold.
TEST(Signer, StaysWithinItsBoundForTheLargestRequest) {
  BucketAccess access;
  const std::string host(253, 'h'), bucket(63, 'b'), region(63, 'r'), key_id(1000, '\xff'),
      application_key(1000, 'k'), key(1024, '\xff'), value(2000, '\xff');
  access.endpoint = {"https", host, 65535};
  access.bucket = bucket;
  access.region = region;
  access.key_id = key_id;
  access.application_key = application_key;

  std::vector<std::string> names;
  std::vector<NameValue> headers, query;
  for (size_t i = 0; i < kMaxNameValues; i++) {
    names.push_back(std::string(14, '#') + static_cast<char>('A' + i / 26) +
                    static_cast<char>('A' + i % 26));
  }
  for (const std::string &name : names) {
    headers.push_back({name, "value"});
    query.push_back({name, value});
  }
  ASSERT_EQ(check_signed_headers(headers), nullptr);
  ASSERT_EQ(check_query(query), nullptr);
  size_t names_length = 0;
  for (const std::string &name : names) names_length += name.size();
  ASSERT_EQ(names_length, kMaxHeaderNamesLength);

  ObjectRequest request;
  request.method = "PUT";
  request.object_key = key;
  request.headers = headers;
  request.query = query;
  request.signed_at = AmzDate::kMaximum;
  for (UrlStyle style : {UrlStyle::kPath, UrlStyle::kVirtual}) {
    access.url_style = style;
    std::unique_ptr<Signer> signer = Signer::create(access);
    EXPECT_EQ(presigned_url(*signer, request, kMaxExpiresIn),
              reference::presign(access, request, kMaxExpiresIn));
    AuthorizedRequest authorized;
    ASSERT_TRUE(signer->authorize(request, "", authorized));
    EXPECT_EQ(authorized.authorization, reference::authorization(access, request, ""));
  }
}

TEST(Signer, StaysWithinItsBoundForTheSmallestRequest) {
  BucketAccess access;
  access.endpoint = {"http", "h", 80};
  access.bucket = "abc";
  access.region = "r";
  ObjectRequest request;
  request.method = "GET";
  request.object_key = "\xff";
  std::unique_ptr<Signer> signer = Signer::create(access);
  EXPECT_EQ(presigned_url(*signer, request, kMaxExpiresIn),
            reference::presign(access, request, kMaxExpiresIn));
}

}  // namespace
}  // namespace b2neon
