#include "core/ip_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace b2neon {
namespace {

bool is_public(const char *text) {
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
    return is_public_address(reinterpret_cast<const sockaddr *>(&in));
  }
  sockaddr_in6 in6 = {};
  in6.sin6_family = AF_INET6;
  if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
    return is_public_address(reinterpret_cast<const sockaddr *>(&in6));
  }
  ADD_FAILURE() << "not an address: " << text;
  return false;
}

// First and last address of each block in
// https://www.iana.org/assignments/iana-ipv4-special-registry that is not globally reachable.
TEST(IpAddress, OfASpecialIpv4BlockIsNotPublic) {
  for (const char *address :
       {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",       "10.255.255.255",  "100.64.0.0",
        "100.127.255.255", "127.0.0.0",       "127.0.0.1",      "127.255.255.255", "169.254.0.0",
        "169.254.169.254", "169.254.255.255", "172.16.0.0",     "172.31.255.255",  "192.0.0.0",
        "192.0.0.8",       "192.0.0.170",     "192.0.0.255",    "192.0.2.0",       "192.0.2.255",
        "192.88.99.0",     "192.88.99.255",   "192.168.0.0",    "192.168.255.255", "198.18.0.0",
        "198.19.255.255",  "198.51.100.0",    "198.51.100.255", "203.0.113.0",     "203.0.113.255",
        "240.0.0.0",       "255.255.255.255"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(IpAddress, OfIpv4MulticastIsNotPublic) {
  for (const char *address : {"224.0.0.0", "224.0.0.1", "232.1.1.1", "239.255.255.255"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(IpAddress, BesideASpecialIpv4BlockIsPublic) {
  for (const char *address :
       {"1.0.0.0",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.0",      "169.253.255.255",
        "169.255.0.0",     "172.15.255.255",  "172.32.0.0",     "191.255.255.255",
        "192.0.1.0",       "192.0.3.0",       "192.88.98.255",  "192.88.100.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
        "198.51.99.255",   "198.51.101.0",    "203.0.112.255",  "203.0.114.0",
        "223.255.255.255", "8.8.8.8",         "1.1.1.1"}) {
    EXPECT_TRUE(is_public(address)) << address;
  }
}

// https://www.iana.org/assignments/iana-ipv6-special-registry
TEST(IpAddress, OfASpecialIpv6BlockIsNotPublic) {
  for (const char *address : {"::",
                              "::1",
                              "64:ff9b::808:808",
                              "64:ff9b:1::1",
                              "100::",
                              "100:0:0:1::1",
                              "2001::1",
                              "2001:2::1",
                              "2001:10::1",
                              "2001:20::1",
                              "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                              "2001:db8::",
                              "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                              "2002::1",
                              "2002:7f00:1::",
                              "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                              "3fff::",
                              "3fff:fff:ffff::1",
                              "5f00::1",
                              "fc00::",
                              "fd12:3456:789a::1",
                              "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                              "fe80::1",
                              "febf::1",
                              "fec0::1"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(IpAddress, OfIpv6MulticastIsNotPublic) {
  for (const char *address : {"ff00::", "ff02::1", "ff0e::1", "ffff::1"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(IpAddress, OfNoAllocatedIpv6BlockIsNotPublic) {
  for (const char *address : {"1fff::1", "4000::1", "8000::1", "::7f00:1", "::808:808"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(IpAddress, OfGlobalIpv6UnicastIsPublic) {
  for (const char *address :
       {"2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2003::1",
        "2606:4700:4700::1111", "2a00:1450:4001::1", "3ffe::1", "3fff:1000::1"}) {
    EXPECT_TRUE(is_public(address)) << address;
  }
}

TEST(IpAddress, MappedIntoIpv6IsJudgedAsIpv4) {
  EXPECT_FALSE(is_public("::ffff:127.0.0.1"));
  EXPECT_FALSE(is_public("::ffff:10.0.0.1"));
  EXPECT_FALSE(is_public("::ffff:169.254.169.254"));
  EXPECT_TRUE(is_public("::ffff:8.8.8.8"));
}

TEST(IpAddress, OfAnotherFamilyIsNotPublic) {
  sockaddr_un local = {};
  local.sun_family = AF_UNIX;
  EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr *>(&local)));
  sockaddr none = {};
  none.sa_family = AF_UNSPEC;
  EXPECT_FALSE(is_public_address(&none));
}

}  // namespace
}  // namespace b2neon
