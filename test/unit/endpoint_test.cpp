#include "core/endpoint.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

void expect_endpoint(const char *url, const char *scheme, const char *host, int port) {
  Endpoint endpoint;
  EXPECT_EQ(parse_endpoint(url, endpoint), nullptr) << url;
  EXPECT_EQ(endpoint.scheme, scheme) << url;
  EXPECT_EQ(endpoint.host, host) << url;
  EXPECT_EQ(endpoint.port, port) << url;
}

bool is_refused(std::string_view url) {
  Endpoint endpoint;
  return parse_endpoint(url, endpoint) != nullptr;
}

Endpoint endpoint_of(const char *url) {
  Endpoint endpoint;
  EXPECT_EQ(parse_endpoint(url, endpoint), nullptr) << url;
  return endpoint;
}

TEST(Endpoint, IsSchemeHostAndPort) {
  expect_endpoint("https://s3.us-west-004.backblazeb2.com", "https",
                  "s3.us-west-004.backblazeb2.com", 443);
  expect_endpoint("http://localhost:9000", "http", "localhost", 9000);
  expect_endpoint("http://minio", "http", "minio", 80);
  expect_endpoint("https://127.0.0.1:8443", "https", "127.0.0.1", 8443);
  expect_endpoint("http://s3_store.local", "http", "s3_store.local", 80);
}

TEST(Endpoint, MayEndWithOneSlash) {
  expect_endpoint("https://a.example/", "https", "a.example", 443);
  expect_endpoint("https://a.example:8443/", "https", "a.example", 8443);
  EXPECT_TRUE(is_refused("https://a.example//"));
}

TEST(Endpoint, MayBeAnIpv6AddressInBrackets) {
  expect_endpoint("http://[::1]", "http", "[::1]", 80);
  expect_endpoint("https://[2001:DB8::1]:8443/", "https", "[2001:DB8::1]", 8443);
  expect_endpoint("https://[::ffff:192.0.2.1]", "https", "[::ffff:192.0.2.1]", 443);
}

TEST(Endpoint, IsNotABrokenIpv6Address) {
  for (const char *url :
       {"http://::1", "http://[::1", "http://::1]", "http://[]", "http://[:]", "http://[::1]x",
        "http://[::1]x:80", "http://[fe80::1%25eth0]", "http://[::1].example", "http://a[::1]",
        "http://[::g]", "http://[[::1]]", "http://[::1]:", "http://[::1]:80:80"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
}

TEST(Endpoint, HasAScheme) {
  for (const char *url : {"", "a.example", "//a.example", "://a.example", "https:a.example",
                          "https:/a.example", " https://a.example"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
}

TEST(Endpoint, IsHttpsOrHttpInLowerCase) {
  for (const char *url : {"ftp://a.example", "file:///etc/passwd", "HTTPS://a.example",
                          "gopher://a.example", "httpss://a.example", "htt://a.example"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
}

TEST(Endpoint, HasAPortFrom1To65535) {
  expect_endpoint("https://a.example:1", "https", "a.example", 1);
  expect_endpoint("https://a.example:65535", "https", "a.example", 65535);
  expect_endpoint("https://a.example:00443", "https", "a.example", 443);
  for (const char *port : {"", "0", "00000", "65536", "99999", "100000", "4294967376", "-1", "+80",
                           "80 ", " 80", "8o", "0x50", "80:80"}) {
    EXPECT_TRUE(is_refused(std::string("https://a.example:") + port)) << port;
  }
}

TEST(Endpoint, KnowsTheDefaultPortOfItsScheme) {
  EXPECT_TRUE(endpoint_of("https://a.example").has_default_port());
  EXPECT_TRUE(endpoint_of("https://a.example:443").has_default_port());
  EXPECT_TRUE(endpoint_of("http://a.example:80").has_default_port());
  EXPECT_FALSE(endpoint_of("https://a.example:80").has_default_port());
  EXPECT_FALSE(endpoint_of("http://a.example:443").has_default_port());
}

TEST(Endpoint, HasAHost) {
  for (const char *url : {"https://", "https:///", "https://:443", "https://:443/"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
}

TEST(Endpoint, RefusesUserInfo) {
  for (const char *url :
       {"https://user@a.example", "https://user:password@a.example", "https://@a.example",
        "https://x.backblazeb2.com@evil.example", "https://x.backblazeb2.com:443@evil.example"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
}

TEST(Endpoint, RefusesPathQueryAndFragment) {
  for (const char *url :
       {"https://a.example/bucket", "https://a.example/?x", "https://a.example?x",
        "https://a.example#x", "https://a.example/#", "https://a.example:443/x",
        "https://a.example\\b", "https://evil.example/.backblazeb2.com",
        "https://evil.example?.backblazeb2.com", "https://evil.example#.backblazeb2.com"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
}

TEST(Endpoint, TellsWhatIsWrong) {
  auto problem = [](std::string_view url) {
    Endpoint endpoint;
    const Problem found = parse_endpoint(url, endpoint);
    return std::string(found ? found : "");
  };
  EXPECT_NE(problem("https://user@a.example").find("user name"), std::string::npos);
  EXPECT_NE(problem("https://a.example/bucket").find("no path"), std::string::npos);
  EXPECT_NE(problem("https://a.example?a").find("no query"), std::string::npos);
  EXPECT_NE(problem("https://a.example:0").find("port"), std::string::npos);
  EXPECT_NE(problem("ftp://a.example").find("scheme"), std::string::npos);
  EXPECT_NE(problem("https://").find("missing"), std::string::npos);
  EXPECT_NE(problem("a.example").find("https://"), std::string::npos);
}

TEST(Endpoint, RefusesCharactersThatNoHostNameHas) {
  for (const char *url :
       {"https://a.example\n", "https://a.ex\nample", "https://a.example\r\nX: y",
        "https://a example", "https://\ta.example", "https://a,b", "https://a*b",
        "https://*.example.com",
        "https://b\xc3\xbc"
        "cher.example",
        "https://a%2eexample", "https://a.example\x7f", "https://a;b", "https://$(id)"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
  EXPECT_TRUE(is_refused({"https://a.example\0.backblazeb2.com", 34}));
}

TEST(Endpoint, RefusesEmptyLabelsAndHyphensAtTheirEnds) {
  for (const char *url : {"https://.example", "https://a..example", "https://a.example.",
                          "https://-a.example", "https://a-.example", "https://a.-example",
                          "https://a.example-", "https://.", "https://-"}) {
    EXPECT_TRUE(is_refused(url)) << url;
  }
  expect_endpoint("https://a-b.c--d.example", "https", "a-b.c--d.example", 443);
}

// RFC 1035: 255 bytes with a length byte for each label and the root's.
TEST(Endpoint, HasAHostOfAtMost253Characters) {
  const std::string label(49, 'a');
  const std::string host = label + "." + label + "." + label + "." + label + "." + label + ".abc";
  ASSERT_EQ(host.size(), 253u);
  EXPECT_FALSE(is_refused("https://" + host));
  EXPECT_TRUE(is_refused("https://" + host + "d"));
}

TEST(B2Region, IsTheLabelAfterS3) {
  EXPECT_EQ(b2_region("s3.us-west-004.backblazeb2.com"), "us-west-004");
  EXPECT_EQ(b2_region("s3.eu-central-003.backblazeb2.com"), "eu-central-003");
  EXPECT_EQ(b2_region("S3.us-west-004.BackblazeB2.com"), "us-west-004");
}

TEST(B2Region, IsEmptyForAnyOtherHost) {
  for (const char *host :
       {"", "s3.amazonaws.com", "backblazeb2.com", "s3.backblazeb2.com", "s3..backblazeb2.com",
        "f004.backblazeb2.com", "s3.us-west-004.backblazeb2.com.evil.example",
        "s3.us-west-004.evilbackblazeb2.com", "bucket.s3.us-west-004.backblazeb2.com",
        "s3.a.b.backblazeb2.com", "s3us-west-004.backblazeb2.com"}) {
    EXPECT_EQ(b2_region(host), "") << host;
  }
}

TEST(EndpointPattern, WithoutASchemeMeansHttps) {
  EXPECT_TRUE(endpoint_matches(endpoint_of("https://a.example"), "a.example"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("http://a.example"), "a.example"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("http://a.example:443"), "a.example"));
}

TEST(EndpointPattern, WithASchemeMeansThatOne) {
  EXPECT_TRUE(endpoint_matches(endpoint_of("http://a.example"), "http://a.example"));
  EXPECT_TRUE(endpoint_matches(endpoint_of("https://a.example"), "https://a.example"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("https://a.example"), "http://a.example"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("https://a.example:80"), "http://a.example"));
}

TEST(EndpointPattern, WithoutAPortMeansTheDefaultPortOfTheScheme) {
  EXPECT_TRUE(endpoint_matches(endpoint_of("https://a.example:443"), "a.example"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("https://a.example:8443"), "a.example"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("http://a.example:8080"), "http://a.example"));
}

TEST(EndpointPattern, WithAPortMeansThatOne) {
  EXPECT_TRUE(endpoint_matches(endpoint_of("http://a.example:9000"), "http://a.example:9000"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("http://a.example:9001"), "http://a.example:9000"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("http://a.example"), "http://a.example:9000"));
}

TEST(EndpointPattern, IgnoresTheCaseOfTheHost) {
  EXPECT_TRUE(endpoint_matches(endpoint_of("https://A.Example"), "a.eXAMPLE"));
  EXPECT_TRUE(endpoint_matches(endpoint_of("https://X.BackBlazeB2.com"), "*.backblazeb2.com"));
}

TEST(EndpointPattern, WithAWildcardMeansEveryNameBelow) {
  EXPECT_TRUE(
      endpoint_matches(endpoint_of("https://s3.us-west-004.backblazeb2.com"), "*.backblazeb2.com"));
  EXPECT_TRUE(endpoint_matches(endpoint_of("https://x.backblazeb2.com"), "*.backblazeb2.com"));
  EXPECT_TRUE(
      endpoint_matches(endpoint_of("http://x.store.local:9000"), "http://*.store.local:9000"));
}

TEST(EndpointPattern, WithAWildcardMeansNoOtherName) {
  for (const char *url :
       {"https://backblazeb2.com", "https://evilbackblazeb2.com",
        "https://backblazeb2.com.evil.example", "https://x.backblazeb2.com.evil.example",
        "http://x.backblazeb2.com", "https://x.backblazeb2.com:8443", "https://x.backblazeb2.co",
        "https://evil.example"}) {
    EXPECT_FALSE(endpoint_matches(endpoint_of(url), "*.backblazeb2.com")) << url;
  }
}

TEST(EndpointPattern, WithoutAWildcardMeansOneHost) {
  EXPECT_FALSE(endpoint_matches(endpoint_of("https://x.a.example"), "a.example"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("https://a.example.org"), "a.example"));
}

TEST(EndpointPattern, MayBeAnIpAddress) {
  EXPECT_TRUE(endpoint_matches(endpoint_of("http://127.0.0.1:9000"), "http://127.0.0.1:9000"));
  EXPECT_TRUE(endpoint_matches(endpoint_of("http://[::1]:9000"), "http://[::1]:9000"));
  EXPECT_FALSE(endpoint_matches(endpoint_of("http://[::2]:9000"), "http://[::1]:9000"));
}

TEST(EndpointPattern, ThatIsBrokenMatchesNothingAndIsRefused) {
  for (const char *pattern : {"",
                              "*",
                              "*.",
                              "**.a.example",
                              "a.*.example",
                              "a.*",
                              "*a.example",
                              "*.*.a.example",
                              "https://",
                              "ftp://a.example",
                              "a.example:",
                              "a.example:0",
                              "a.example:65536",
                              "a.example/",
                              "a.example/x",
                              "user@a.example",
                              "a example",
                              "a.example\n",
                              "*:443",
                              "https://*"}) {
    EXPECT_NE(check_endpoint_pattern(pattern), nullptr) << pattern;
    EXPECT_FALSE(endpoint_matches(endpoint_of("https://a.example"), pattern)) << pattern;
  }
}

TEST(EndpointPattern, ThatIsWellFormedIsAccepted) {
  for (const char *pattern : {"a.example", "*.backblazeb2.com", "http://localhost:9000",
                              "https://*.example.com:8443", "[::1]", "http://127.0.0.1"}) {
    EXPECT_EQ(check_endpoint_pattern(pattern), nullptr) << pattern;
  }
}

}  // namespace
}  // namespace b2neon
