#include "core/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstring>

namespace b2neon {

namespace {

struct Ipv4Block {
  uint32_t network;
  int prefix_length;
};

constexpr uint32_t ipv4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast.
constexpr Ipv4Block kSpecialIpv4[] = {
    {ipv4(0, 0, 0, 0), 8},      {ipv4(10, 0, 0, 0), 8},     {ipv4(100, 64, 0, 0), 10},
    {ipv4(127, 0, 0, 0), 8},    {ipv4(169, 254, 0, 0), 16}, {ipv4(172, 16, 0, 0), 12},
    {ipv4(192, 0, 0, 0), 24},   {ipv4(192, 0, 2, 0), 24},   {ipv4(192, 88, 99, 0), 24},
    {ipv4(192, 168, 0, 0), 16}, {ipv4(198, 18, 0, 0), 15},  {ipv4(198, 51, 100, 0), 24},
    {ipv4(203, 0, 113, 0), 24}, {ipv4(224, 0, 0, 0), 4},    {ipv4(240, 0, 0, 0), 4},
};

bool is_public_ipv4(uint32_t address) noexcept {
  for (const Ipv4Block &block : kSpecialIpv4) {
    const int shift = 32 - block.prefix_length;
    if (address >> shift == block.network >> shift) return false;
  }
  return true;
}

bool is_public_ipv6(const in6_addr &address) noexcept {
  const uint8_t *byte = address.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return is_public_ipv4(ipv4(byte[12], byte[13], byte[14], byte[15]));
  }
  // Global unicast is 2000::/3. In it, 2001::/23 is special (Teredo among others), 2001:db8::/32
  // and 3fff::/20 are for documentation, and 2002::/16 wraps an IPv4 address.
  if ((byte[0] & 0xe0) != 0x20) return false;
  const uint32_t first = ipv4(byte[0], byte[1], byte[2], byte[3]);
  if (first >> 9 == 0x20010000u >> 9) return false;
  if (first == 0x20010db8u) return false;
  if (first >> 16 == 0x2002u) return false;
  if (first >> 12 == 0x3fff0000u >> 12) return false;
  return true;
}

}  // namespace

bool is_public_address(const sockaddr *address) noexcept {
  if (address->sa_family == AF_INET) {
    sockaddr_in in;
    memcpy(&in, address, sizeof in);
    return is_public_ipv4(ntohl(in.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    return is_public_ipv6(in6.sin6_addr);
  }
  return false;
}

}  // namespace b2neon
